"""What virt-handler tells Prometheus: itself, and what the guests of its node have used.

Guests are measured when the page is asked for, and at no other time: their launchers are asked side by side, each for a
few seconds at most. One that is slow, or of an older version, is left out of the page rather than holding it up.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubevirt import __version__
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.kube.cache import key_of
from kubevirt.kube.metrics.measures import Measures
from kubevirt.kube.metrics.page import Readings
from kubevirt.machine.domain_report import GuestFilesystem
from kubevirt.machine.domain_stats import DomainStats
from kubevirt.virt_handler.instances.launchers import Launcher

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from kubevirt.kube.metrics.page import Write

AT_ONCE = 8
ANSWER_WITHIN_S = 3.0
ALL_WITHIN_S = 10.0
PANIC = ("namespace", "name", "type", "bugcheck_code")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One guest's figures."""

    vmi: VirtualMachineInstance
    stats: DomainStats
    filesystems: list[GuestFilesystem]


class HandlerMetrics:
    """`instances` are those of this node, `launcher` finds theirs by `namespace/name`; `panics` counts kernels of
    guests that gave up, by namespace, name, kind and code.
    """

    def __init__(self, measures: Measures, *, host: str, node: str,
                 instances: Callable[[], Iterable[VirtualMachineInstance]],
                 launcher: Callable[[str], Launcher | None],
                 panics: Mapping[tuple[str, str, str, str], int]) -> None:
        self.measures = measures
        self.is_ready = False
        self.deprecated_machine_types: Sequence[str] = ()
        """Those of the node's QEMU."""
        self.readings = Readings()
        self._panics = panics
        self._host = host
        self._node = node
        self._instances = instances
        self._launcher = launcher
        self._asked: set[str] = set()

    async def gather(self) -> Write:
        """Asks all launchers."""
        guests, panics = await self._measure(), list(self._panics.items())

        def write() -> Iterator[Metric]:
            from kubevirt.kube.metrics import families
            from kubevirt.virt_handler import guest_metrics

            yield families.one("kubevirt_virt_handler_ready_status", "1 while the program serves.",
                               float(self.is_ready))
            yield families.gauge("kubevirt_info", "The version of the installation.", ["goversion", "kubeversion"],
                                 [((f"python{platform.python_version()}", f"v{__version__}"), 1.0)])
            yield families.gauge("kubevirt_node_deprecated_machine_types", "A machine type that will go one day.",
                                 ["machine_type", "node"],
                                 [((name, self._node), 1.0) for name in self.deprecated_machine_types])
            yield families.counter("kubevirt_vmi_guest_os_panic_total", "Kernels of guests that gave up.", PANIC,
                                   panics)
            yield families.of_instance_writes(self.measures)
            yield from self.readings.families()
            yield from families.of_program(self.measures, host=self._host)
            yield from guest_metrics.families(guests, self._node)

        return write

    async def _measure(self) -> list[Measured]:
        gate = asyncio.Semaphore(AT_ONCE)
        running = [vmi for vmi in self._instances() if vmi.status.phase == "Running"]
        tasks = [asyncio.create_task(self._measure_one(vmi, gate)) for vmi in running]
        if not tasks:
            return []
        done, late = await asyncio.wait(tasks, timeout=ALL_WITHIN_S)
        for task in late:
            task.cancel()
        return [found for task in tasks if task in done and (found := task.result()) is not None]

    async def _measure_one(self, vmi: VirtualMachineInstance, gate: asyncio.Semaphore) -> Measured | None:
        """None for a guest that does not answer now, or is still being asked for an earlier page."""
        key = key_of(vmi)
        launcher = self._launcher(key)
        if launcher is None or launcher.link is None or key in self._asked:
            return None
        async with gate:
            self._asked.add(key)
            try:
                stats = await launcher.link.stats(timeout_s=ANSWER_WITHIN_S)
            except Problem:
                return None
            finally:
                self._asked.discard(key)
        agent = launcher.report.agent if launcher.report is not None else None
        return Measured(vmi=vmi, stats=stats, filesystems=agent.filesystems if agent is not None else [])
