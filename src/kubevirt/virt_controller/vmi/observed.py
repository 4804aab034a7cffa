"""What the VMI controller looks at, and what it may decide. Plain values; nothing here touches the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubevirt.api.objects import PersistentVolumeClaim, StorageClass
from kubevirt.api.pods import Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import backend_storage
from kubevirt.virt_controller.actions import Action, Event, SyncProblem
from kubevirt.virt_controller.datavolumes import DataVolume
from kubevirt.virt_controller.vmi import pods


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A VMI and what belongs to it, as the caches had it at `now`."""

    vmi: VirtualMachineInstance
    pods: tuple[Pod, ...] = ()  # all that the VMI controls, in whatever state
    claims: Mapping[str, PersistentVolumeClaim] = field(default_factory=dict)  # of its volumes, that exist
    data_volumes: Mapping[str, DataVolume] = field(default_factory=dict)  # of its volumes, that exist, by claim
    has_vm: bool = False  # a VM controls the VMI and exists
    nodes_ready: bool = True  # some node can take launcher pods, and it is known which devices nodes offer
    state_claims: tuple[PersistentVolumeClaim, ...] = ()  # labelled as keeping the state of a machine of this name
    storage_classes: tuple[StorageClass, ...] = ()  # all there are, for machines with state to keep
    state_storage_class: str = ""  # the administrator's choice for such claims
    tsc_hz: int = 0  # for guests whose time stamp counter must not change; 0 when no node has one
    launcher_image: str = ""
    vsock_cid: int | None = None  # for a machine with such a device
    now: datetime

    @property
    def pod(self) -> Pod | None:
        """The launcher pod that counts."""
        return pods.current(self.vmi, self.pods)

    @property
    def state_claim(self) -> PersistentVolumeClaim | None:
        """The claim that keeps what outlives a run, for a machine that has something to keep."""
        return backend_storage.claim_of(self.vmi, self.state_claims) if self.state_claims else None

    @property
    def is_deleting(self) -> bool:
        """The VMI is to go."""
        return self.vmi.metadata.deletion_timestamp is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with pods now. `problem` is why no more can be done yet, `event` tells of it once.

    `create_pod` asks for the launcher pod; rendering it needs the cluster's configuration, which decisions do not.
    With `temporary` it is the short-lived one that goes before it. `create_state_claim` asks for the claim that keeps
    the machine's state, in this storage class; what the importer knows of the class is asked when it is made.
    """

    actions: tuple[Action, ...] = ()
    create_pod: bool = False
    temporary: bool = False
    create_state_claim: str = ""
    problem: SyncProblem | None = None
    event: Event | None = None
