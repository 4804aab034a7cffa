"""The page that Prometheus reads: `/metrics`, as text, written outside of the event loop.

A page is written by one request at a time in a thread of its own, from data that was gathered on the loop: ten thousand
machines make a page of several megabytes, and nobody else must wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
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


def route(gather: Callable[[], Awaitable[Write]]) -> web.RouteDef:
    """The route of the page.

    `gather` runs on the event loop and looks at what only the loop may touch; what it returns makes the families, in a
    thread. More than a few requests at once are refused: a page that is slow must not pile up.
    """
    busy = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal busy
        if busy >= AT_ONCE:
            raise web.HTTPServiceUnavailable(text=f"{AT_ONCE} readings are under way; try again later")
        busy += 1
        try:
            body = await asyncio.to_thread(text_of, await gather())
        finally:
            busy -= 1
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
async def serving(gather: Callable[[], Awaitable[Write]], tls: SSLContext, *, port: int = PORT) -> AsyncIterator[None]:
    """Serves nothing but the page, for programs that have no server of their own on its port."""
    app = web.Application()
    app.router.add_routes([route(gather)])
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
