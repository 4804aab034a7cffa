"""The page of virt-controller. Only the leader has caches; other copies tell of themselves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kubevirt.api.config import ClusterConfig
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_controller.metrics.phases import PhaseTransitions
from kubevirt.virt_controller.stores import Stores

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from kubevirt.kube.metrics.page import Write

PREFIX = "kubevirt_virt_controller"


class ControllerMetrics:
    """What is told at the moment of the question. `host` is the API server."""

    def __init__(self, measures: Measures, *, host: str) -> None:
        self.measures = measures
        self.is_leading = False
        self._host = host
        self._stores: Stores | None = None
        self._config: Callable[[], ClusterConfig] = ClusterConfig
        self._phases = PhaseTransitions()

    def watch(self, stores: Stores, config: Callable[[], ClusterConfig]) -> None:
        """The caches of the leader are filled."""
        self._stores, self._config = stores, config
        stores.vmis.on_change(self._phases.changed)

    async def gather(self) -> Write:
        """Takes what the caches hold now; the families are made from it elsewhere."""
        stores = self._stores
        if stores is None:
            return self._of_program
        vms, vmis, config = stores.vms.all(), stores.vmis.all(), self._config()
        pods = {pod.metadata.controller.uid: pod.metadata.name for pod in stores.pods.all()
                if pod.metadata.controller is not None and pod.status.phase == "Running"}

        def write() -> Iterator[Metric]:
            from kubevirt.virt_controller.metrics import instances, machines

            yield from self._of_program()
            yield from self._phases.families()
            yield from machines.families(vms, stores.claims.get)
            yield from instances.families(vmis, pods, config)

        return write

    def _of_program(self) -> Iterator[Metric]:
        from kubevirt.kube.metrics import families
        from kubevirt.virt_controller.metrics.instances import no_migrations

        yield families.one(f"{PREFIX}_ready_status", "1 once the program is set up.", 1)
        yield families.one(f"{PREFIX}_leading_status", "1 on the copy that works.", float(self.is_leading))
        yield from families.of_program(self.measures, host=self._host)
        yield from no_migrations()
