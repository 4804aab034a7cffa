"""What virt-api tells Prometheus: itself, and the streams that users have open."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kubevirt.kube.metrics.measures import Measures

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from kubevirt.kube.metrics.page import Write

STREAMS = {
    "vnc": "kubevirt_vnc_active_connections",
    "console": "kubevirt_console_active_connections",
    "usbredir": "kubevirt_usbredir_active_connections",
    "portforward": "kubevirt_portforward_active_tunnels",
}
REMEMBERED = 10_000
"""Of so many instances it is told when their last stream ended."""
WHOSE = ("namespace", "vmi")


class ApiMetrics:
    """Counts by namespace and name. `host` is the API server."""

    def __init__(self, measures: Measures, *, host: str) -> None:
        self.measures = measures
        self.is_ready = False
        self._host = host
        self._open: dict[str, Counter[tuple[str, str]]] = {kind: Counter() for kind in STREAMS}
        self._last: dict[tuple[str, str], float] = {}
        self._created: Counter[str] = Counter()

    def machine_created(self, namespace: str) -> None:
        """A machine was let through."""
        self._created[namespace] += 1

    def follow(self) -> Middleware:
        """The middleware that counts streams from the moment somebody asks for one, refused ones included."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            kind = stream_of(request.path)
            if not kind:
                return await handler(request)
            whose = request.match_info.get("namespace", ""), request.match_info.get("name", "")
            self._open[kind][whose] += 1
            try:
                return await handler(request)
            finally:
                self._open[kind][whose] -= 1
                if not self._open[kind][whose]:
                    del self._open[kind][whose]
                self._ended(whose)

        return count

    def _ended(self, whose: tuple[str, str]) -> None:
        self._last.pop(whose, None)
        self._last[whose] = time.time()
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]

    async def gather(self) -> Write:
        """Everything is counted already; it is only copied, as requests go on."""
        streams = {kind: list(counter.items()) for kind, counter in self._open.items()}
        last, created = list(self._last.items()), list(self._created.items())

        def write() -> Iterator[Metric]:
            from kubevirt.kube.metrics import families

            yield families.one("kubevirt_virt_api_ready_status", "1 while requests are served.", float(self.is_ready))
            for kind, found in streams.items():
                yield families.gauge(STREAMS[kind], f"Open streams of the kind {kind}.", WHOSE, found)
            yield families.gauge("kubevirt_vmi_last_api_connection_timestamp_seconds", "When a stream last ended.",
                                 WHOSE, last)
            yield families.counter("kubevirt_vm_created_by_pod_total", "Machines that this copy let through.",
                                   ["namespace"], [((namespace,), n) for namespace, n in created])
            yield from families.of_program(self.measures, host=self._host)

        return write


def stream_of(path: str) -> str:
    """Which kind of stream a path opens (`.../namespaces/NS/RESOURCE/NAME/KIND[/...]`); empty for none."""
    _, found, rest = path.partition("/namespaces/")
    parts = rest.split("/")
    if not found or len(parts) < 4 or parts[3] not in STREAMS or parts[4:] == ["screenshot"]:
        return ""
    return parts[3]
