"""What the VM controller looks at, all of it, and what it may decide. Plain values; nothing here touches the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubevirt.api.config import ClusterConfig
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.run_strategy import RunStrategy, effective_run_strategy
from kubevirt.api.vm import VirtualMachine, VirtualMachineStateChangeRequest
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.actions import Action, Event, SyncProblem
from kubevirt.virt_controller.revision import StartRevision
from kubevirt.virt_controller.vm import requests
from kubevirt.virt_controller.vm.importer_facts import ImporterFacts
from kubevirt.virt_controller.vm.in_step import Patterns
from kubevirt.virt_controller.vm.offered import Offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A VM and what belongs to it, as the caches had it at `now`."""

    vm: VirtualMachine
    named: VirtualMachineInstance | None = None  # the VMI of the VM's name, whoever controls it
    misnamed: tuple[VirtualMachineInstance, ...] = ()  # VMIs this VM controls under another name
    revisions: tuple[StartRevision, ...] = ()  # start revisions this VM controls
    claims: Mapping[str, PersistentVolumeClaim] = field(default_factory=dict)  # of the template's volumes, that exist
    importer: ImporterFacts = field(default_factory=ImporterFacts)
    offered: Offered = field(default_factory=Offered)
    config: ClusterConfig = field(default_factory=ClusterConfig)
    patterns: Patterns = field(default_factory=Patterns)  # keys that VMIs keep in step with the template
    now: datetime
    slack: float = 0.0  # 0..1, random: how much is added to a back-off

    @property
    def vmi(self) -> VirtualMachineInstance | None:
        """The VM's instance; one that something else controls counts as absent."""
        if self.named is None or (owner := self.named.metadata.controller) is None:
            return self.named
        return self.named if owner.uid == self.vm.metadata.uid else None

    @property
    def strategy(self) -> RunStrategy | None:
        """The run strategy that holds; None where the spec contradicts itself."""
        spec = self.vm.spec
        try:
            return effective_run_strategy(running=spec.running, run_strategy=spec.run_strategy)
        except Refused:
            return None

    @property
    def requests(self) -> list[VirtualMachineStateChangeRequest]:
        """The state change requests that are still to be served."""
        return requests.pending(self.vm.status.state_change_requests, self.vmi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do now, in order; the first action that fails ends it.

    `problem` is why nothing (more) can be done yet; `again_s` asks for another look after that many seconds.
    `ask_for_start` leaves a request to start in the VM's status; `news` are events to tell once it is written.
    """

    actions: tuple[Action, ...] = ()
    problem: SyncProblem | None = None
    again_s: float | None = None
    ask_for_start: bool = False
    news: tuple[Event, ...] = ()


def is_controlled_by(metadata: ObjectMeta, uid: str) -> bool:
    """Exactly that object controls this one."""
    owner = metadata.controller
    return owner is not None and owner.uid == uid
