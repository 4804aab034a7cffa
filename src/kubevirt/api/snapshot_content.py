"""VirtualMachineSnapshotContent: what a snapshot captured. Made and kept by the control plane."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, Preserve, Time, constant, present, required
from kubevirt.api.datavolume import PersistentVolumeClaimSpec
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.snapshot import SnapshotError
from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vm_status import VirtualMachineStatus


class CapturedVirtualMachine(Api):
    """A copy of the machine."""

    metadata: Annotated[ObjectMeta, Nullable, Preserve] = present(ObjectMeta)
    """Its metadata."""
    spec: VirtualMachineSpec = present(VirtualMachineSpec)
    """Its spec; that of the running guest where changes wait for a restart."""
    status: VirtualMachineStatus | None = None
    """Empty."""


class SourceSpec(Api):
    """A copy of what was captured."""

    virtual_machine: CapturedVirtualMachine | None = None
    """The machine."""


class CapturedPersistentVolumeClaim(Api):
    """A copy of a claim."""

    metadata: Annotated[ObjectMeta, Preserve] = present(ObjectMeta)
    """Its metadata."""
    spec: PersistentVolumeClaimSpec = present(PersistentVolumeClaimSpec)
    """Its spec."""


class VolumeBackup(Api):
    """A captured volume."""

    persistent_volume_claim: CapturedPersistentVolumeClaim = required(CapturedPersistentVolumeClaim)
    """The claim as it was."""
    volume_name: str = required(str)
    """The machine's name for the volume."""
    volume_snapshot_name: str | None = None
    """The VolumeSnapshot that holds the data."""


class VirtualMachineSnapshotContentSpec(Api):
    """What was captured."""

    source: SourceSpec = required(SourceSpec)
    """The machine."""
    virtual_machine_snapshot_name: str | None = None
    """The snapshot it belongs to."""
    volume_backups: Annotated[list[VolumeBackup], Atomic] = []
    """Its volumes."""


class VolumeSnapshotInfo(Api):
    """State of a VolumeSnapshot."""

    creation_time: Annotated[Time | None, Nullable] = None
    """The moment that it shows."""
    error: SnapshotError | None = None
    """What went wrong last."""
    ready_to_use: bool | None = None
    """Whether it can be restored."""
    volume_snapshot_name: str = required(str)
    """Its name."""


class VirtualMachineSnapshotContentStatus(Api):
    """How far the capture is."""

    creation_time: Annotated[Time | None, Nullable] = None
    """When all volumes were captured."""
    error: SnapshotError | None = None
    """What went wrong last."""
    ready_to_use: bool | None = None
    """Whether all volumes can be restored."""
    volume_snapshot_status: Annotated[list[VolumeSnapshotInfo], Atomic] = []
    """State of each volume."""


class VirtualMachineSnapshotContent(Api):
    """What a snapshot captured: the machine, its claims, and the names of the VolumeSnapshots."""

    api_version: str = constant("snapshot.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineSnapshotContent")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineSnapshotContentSpec = required(VirtualMachineSnapshotContentSpec)
    """What was captured."""
    status: VirtualMachineSnapshotContentStatus = present(VirtualMachineSnapshotContentStatus)
    """How far the capture is."""
