"""The page of virt-controller. Only the leader has caches; other copies tell of themselves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kubevirt.api.config import ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_controller.metrics.phases import PhaseTransitions
from kubevirt.virt_controller.metrics.shown_labels import ShownLabels
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.vm.offers_view import looking_into

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
        self._labels: Callable[[], ShownLabels] = ShownLabels
        self._phases = PhaseTransitions()

    def watch(self, stores: Stores, config: Callable[[], ClusterConfig], labels: Callable[[], ShownLabels]) -> None:
        """The caches of the leader are filled; `config` and `labels` say what holds at the moment."""
        self._stores, self._config, self._labels = stores, config, labels
        stores.vmis.on_change(self._phases.changed)
        stores.vmis.on_change(self._forget)

    async def gather(self) -> Write:
        """Takes what the caches hold now; the families are made from it elsewhere."""
        stores = self._stores
        if stores is None:
            return self._of_program
        vms, vmis, config, labels = stores.vms.all(), stores.vmis.all(), self._config(), self._labels()
        pods = {pod.metadata.controller.uid: pod.metadata.name for pod in stores.pods.all()
                if pod.metadata.controller is not None and pod.status.phase == "Running"}

        def write() -> Iterator[Metric]:
            from kubevirt.kube.metrics.families import of_instance_writes
            from kubevirt.virt_controller.metrics import instances, machines

            look = looking_into(stores)
            yield from self._of_program()
            yield of_instance_writes(self.measures)
            yield from self._phases.families()
            yield from machines.families(vms, machines.Known(
                claim=stores.claims.get, look=look, config=config, labels=labels))
            yield from instances.families(vmis, pods, config, look)

        return write

    def _forget(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        if old is not None and new is None:
            self.measures.instance_writes.gone(old.metadata.namespace, old.metadata.name)

    def _of_program(self) -> Iterator[Metric]:
        from kubevirt.kube.metrics import families
        from kubevirt.virt_controller.metrics.instances import no_migrations

        yield families.one(f"{PREFIX}_ready_status", "1 once the program is set up.", 1)
        yield families.one(f"{PREFIX}_leading_status", "1 on the copy that works.", float(self.is_leading))
        yield from families.of_program(self.measures, host=self._host)
        yield from no_migrations()
