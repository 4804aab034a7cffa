"""The page that Prometheus reads: `/metrics`, as text, written outside of the event loop.

A page is written by one request at a time in a thread of its own, from data that was gathered on the loop: ten thousand
machines make a page of several megabytes, and nobody else must wait for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import TYPE_CHECKING

from aiohttp import web

from kubevirt.kit.errors import Problem

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    Write = Callable[[], Iterable[Metric]]

PORT = 8443
PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
AT_ONCE = 3


class Readings:
    """How often a page was read, by the code of the answer, and how many readings are under way."""

    def __init__(self) -> None:
        self.answered = Counter({200: 0, 500: 0, 503: 0})
        self.under_way = 0

    def families(self) -> Iterator[Metric]:
        """As Prometheus' own library for servers tells them."""
        from kubevirt.kube.metrics.families import counter, one

        yield counter("promhttp_metric_handler_requests_total", "Readings of this page.", ["code"],
                      [([str(code)], number) for code, number in self.answered.items()])
        yield one("promhttp_metric_handler_requests_in_flight", "Readings of this page under way.", self.under_way)


def route(gather: Callable[[], Awaitable[Write]], readings: Readings | None = None) -> web.RouteDef:
    """The route of the page; `readings` counts its answers.

    `gather` runs on the event loop and looks at what only the loop may touch; what it returns makes the families, in a
    thread. More than a few requests at once are refused: a page that is slow must not pile up.
    """
    counted = readings or Readings()

    async def answer(_request: web.Request) -> web.Response:
        if counted.under_way >= AT_ONCE:
            counted.answered[503] += 1
            raise web.HTTPServiceUnavailable(text=f"{AT_ONCE} readings are under way; try again later")
        counted.under_way += 1
        code = 500
        try:
            body = await asyncio.to_thread(text_of, await gather())
            code = 200
        finally:
            counted.under_way -= 1
            counted.answered[code] += 1
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    return web.get(PATH, answer)


@dataclass(frozen=True)
class _Families:
    """What the library takes for a registry."""

    write: Write

    def collect(self) -> Iterable[Metric]:
        return self.write()


def text_of(write: Write) -> bytes:
    """The families as text. Names of counters are left as they are, whatever they end in."""
    from prometheus_client.exposition import generate_latest

    odd: list[str] = []

    def noted() -> Iterable[Metric]:
        for family in write():
            if family.type == "counter" and any(not s.name.endswith(("_total", "_created")) for s in family.samples):
                odd.append(family.name)
            yield family

    text: bytes = generate_latest(_Families(noted))
    for name in odd:
        for word in (b"HELP", b"TYPE"):
            text = text.replace(b"# %s %s_total " % (word, name.encode()), b"# %s %s " % (word, name.encode()))
    return text


@asynccontextmanager
async def serving(gather: Callable[[], Awaitable[Write]], tls: SSLContext, *, port: int = PORT,
                  readings: Readings | None = None, besides: Iterable[web.RouteDef] = ()) -> AsyncIterator[None]:
    """Serves the page, and what little else there is `besides`, for programs that have no server of their own on its
    port.
    """
    app = web.Application()
    app.router.add_routes([route(gather, readings), *besides])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, None, port, ssl_context=tls).start()
        except OSError as e:
            raise Problem(cause=f"port {port} cannot be served: {e.strerror}",
                          remedy="see whether another program runs in the same pod or namespace") from e
        yield
    finally:
        await runner.cleanup()
