"""What the pool controller looks at: the pool, its machines with their instances, its revisions, and names in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.crowd import selects, selects_its_own
from kubevirt.virt_controller.revision import StartRevision

BURST = 250
"""So many machines are created, changed or deleted at a time; the rest follows when these have shown effect."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A machine of the pool and its instance, if it has one."""

    vm: VirtualMachine
    vmi: VirtualMachineInstance | None = None

    @property
    def index(self) -> int:
        """The machine's number: what stands after the last dash of its name; -1 for a name without one."""
        digits = self.vm.metadata.name.rpartition("-")[2]
        return int(digits) if digits.isdecimal() else -1

    @property
    def is_deleting(self) -> bool:
        """The machine is on its way out."""
        return self.vm.metadata.deletion_timestamp is not None

    @property
    def is_available(self) -> bool:
        """Its guest serves."""
        vmi = self.vmi
        return (vmi is not None and vmi.metadata.deletion_timestamp is None and vmi.status.phase == "Running"
                and is_true(vmi.status.conditions, "Ready"))


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A pool and what belongs to it, as the caches had it at `now`. The order Random comes from `seed`."""

    pool: VirtualMachinePool
    owned: tuple[Member, ...] = ()  # all that the pool controls, fitting or not
    strays: tuple[VirtualMachine, ...] = ()  # carry the pool's finalizer, but the pool does not control them
    revisions: tuple[StartRevision, ...] = ()
    is_taken: Callable[[str], bool] = field(default=lambda name: False)  # whether a machine has that name
    disks: Mapping[str, Any] = field(default_factory=dict)  # that are to survive their machine, by plural/name
    now: datetime
    seed: int = 0

    @property
    def wanted(self) -> int:
        """How many machines there should be."""
        replicas = self.pool.spec.replicas
        return 1 if replicas is None else replicas

    @property
    def is_deleting(self) -> bool:
        """The pool is to go."""
        return self.pool.metadata.deletion_timestamp is not None

    @property
    def is_at_rest(self) -> bool:
        """Nothing may be done for the pool: it is paused or going, or it would not select its own machines."""
        return self.is_deleting or bool(self.pool.spec.paused) or not self.makes_sense

    @property
    def makes_sense(self) -> bool:
        """The pool selects what it makes."""
        return selects_its_own(self.pool.spec.selector, self.pool.spec.virtual_machine_template.metadata.labels)

    def fits(self, labels: dict[str, str]) -> bool:
        """Whether machines with these labels are the pool's."""
        return selects(self.pool.spec.selector, labels)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """What the pool controls and selects, machines being deleted included: they keep their names until they are
        gone.
        """
        return tuple(m for m in self.owned if self.fits(m.vm.metadata.labels))

    @property
    def surplus(self) -> int:
        """How many machines there are too many; negative for too few."""
        return len(self.members) - self.wanted
