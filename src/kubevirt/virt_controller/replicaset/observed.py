"""What the replica set controller looks at: the set, its instances by class, and those that it could take over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubevirt.api.phase import is_final
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.conditions import is_false, is_true
from kubevirt.virt_controller.crowd import selects, selects_its_own


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A replica set and what belongs to it, as the caches had it at `now`. `seed` is random: new names come from it."""

    rs: VirtualMachineInstanceReplicaSet
    owned: tuple[VirtualMachineInstance, ...] = ()  # all that the set controls, fitting or not
    free: tuple[VirtualMachineInstance, ...] = ()  # of its namespace, without a controller
    now: datetime
    seed: int = 0

    @property
    def wanted(self) -> int:
        """How many instances there should be."""
        replicas = self.rs.spec.replicas
        return 1 if replicas is None else replicas

    @property
    def is_deleting(self) -> bool:
        """The set is to go; the garbage collector sees to its instances."""
        return self.rs.metadata.deletion_timestamp is not None

    @property
    def makes_sense(self) -> bool:
        """The set selects what it makes."""
        return selects_its_own(self.rs.spec.selector, self.rs.spec.template.metadata.labels)

    def fits(self, labels: dict[str, str]) -> bool:
        """Whether instances with these labels are the set's."""
        return selects(self.rs.spec.selector, labels)

    @property
    def mine(self) -> list[VirtualMachineInstance]:
        """What the set controls and selects."""
        return [v for v in self.owned if self.fits(v.metadata.labels)]

    @property
    def active(self) -> list[VirtualMachineInstance]:
        """Those that count as replicas."""
        return [v for v in self.mine if is_active(v)]

    @property
    def ready(self) -> list[VirtualMachineInstance]:
        """Replicas whose guests serve."""
        return [v for v in self.active if is_true(v.status.conditions, "Ready")]

    @property
    def spent(self) -> list[VirtualMachineInstance]:
        """Those that count no more, and that nobody has deleted yet: ended, or with a pod that is going away."""
        return [v for v in self.mine if v.metadata.deletion_timestamp is None and not is_active(v)]


def is_active(vmi: VirtualMachineInstance) -> bool:
    """The instance runs, or is on its way there."""
    leaving = is_false(vmi.status.conditions, "Ready", "PodTerminating")
    return vmi.metadata.deletion_timestamp is None and not is_final(vmi.status.phase) and not leaving
