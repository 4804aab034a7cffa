"""VirtualMachineSnapshot: the state of a machine's disks and settings at a moment.

What was captured is kept in an object of its own, see `snapshot_content`.
"""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, SetList, Time, constant, present, required
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference


class SnapshotCondition(Condition):
    """One aspect of the state of a snapshot or restore."""


class SnapshotError(Api):
    """What went wrong last."""

    message: str | None = None
    """What went wrong, as a sentence."""
    time: Time | None = None
    """When it did."""


class SnapshotVolumesLists(Api):
    """Which volumes are part of the snapshot."""

    excluded_volumes: Annotated[list[str], SetList] = []
    """Volumes that cannot be captured."""
    included_volumes: Annotated[list[str], SetList] = []
    """Volumes that are captured."""


class SourceIndication(Api):
    """A circumstance that says how far the snapshot can be trusted."""

    indication: str = required(str)
    """Online, GuestAgent, NoGuestAgent, QuiesceTimeout, Paused or PartialSnapshot."""
    message: str = required(str)
    """What it means."""


class VirtualMachineSnapshotSpec(Api):
    """What is captured. Cannot be changed."""

    deletion_policy: str | None = None
    """Whether what was captured goes with the snapshot: Delete (the default) or Retain."""
    failure_deadline: str | None = None
    """How long the snapshot may take, such as 5m, which is the default; 0 means as long as it needs. The guest's file
    systems are frozen no longer than that.
    """
    source: TypedLocalObjectReference = required(TypedLocalObjectReference)
    """The machine: apiGroup kubevirt.io, kind VirtualMachine."""


class VirtualMachineSnapshotStatus(Api):
    """How far the snapshot is."""

    conditions: Annotated[list[SnapshotCondition], Atomic] = []
    """Aspects of its state: Ready, Progressing, Failure."""
    creation_time: Annotated[Time | None, Nullable] = None
    """The moment that the snapshot shows."""
    error: SnapshotError | None = None
    """What went wrong last."""
    indications: Annotated[list[str], SetList] = []
    """Names of sourceIndications. Deprecated."""
    phase: str = ""
    """InProgress, Succeeded, Failed, Deleting or Unknown."""
    ready_to_use: bool | None = None
    """Whether it can be restored."""
    snapshot_volumes: SnapshotVolumesLists | None = None
    """Which volumes are part of it."""
    source_indications: Annotated[list[SourceIndication], Atomic] = []
    """Circumstances that say how far it can be trusted."""
    source_uid: str = ""
    """uid of the machine."""
    virtual_machine_snapshot_content_name: str = ""
    """The object that holds what was captured."""


class VirtualMachineSnapshot(Api):
    """Captures a machine's settings and disks, while it runs or not."""

    api_version: str = constant("snapshot.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineSnapshot")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineSnapshotSpec = required(VirtualMachineSnapshotSpec)
    """What is captured."""
    status: VirtualMachineSnapshotStatus = present(VirtualMachineSnapshotStatus)
    """How far it is."""
