"""What is known about a virtual machine beyond its current run."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int64, Nullable, Time, marks, required
from kubevirt.api.disks import Disk
from kubevirt.api.meta import Condition
from kubevirt.api.migration_status import StorageMigratedVolumeInfo
from kubevirt.api.vmi_status import ChangedBlockTrackingStatus
from kubevirt.api.volumes import HotplugVolumeSource


class ControllerRevisionRef(Api):
    """The stored copy of an instance type or preference."""

    name: str = ""


class InstancetypeStatusRef(Api):
    """The instance type or preference in use."""

    controller_revision_ref: ControllerRevisionRef | None = None
    infer_from_volume: str = ""
    infer_from_volume_failure_policy: str = ""
    kind: str = ""
    name: str = ""


class VirtualMachineMemoryDumpRequest(Api):
    """A memory dump asked for."""

    claim_name: str = required(str)
    end_timestamp: Time | None = None
    file_name: str = ""
    message: str = ""
    phase: str = required(str)
    remove: bool | None = None
    start_timestamp: Time | None = None


class VirtualMachineStartFailure(Api):
    """Failed starts in a row, and when the next try is due."""

    consecutive_fail_count: int | None = None
    last_failed_vmi_uid: str = ""
    retry_after_timestamp: Time | None = None


class VirtualMachineStateChangeRequest(Api):
    """A start or stop asked for through the sub-resource."""

    action: str = required(str)
    data: dict[str, str] = {}
    uid: str = ""


class AddVolumeOptions(Api):
    """A volume to be plugged in."""

    disk: Disk = required(Disk)
    dry_run: Annotated[list[str], Atomic] = []
    name: str = required(str)
    volume_source: HotplugVolumeSource = required(HotplugVolumeSource)


class RemoveVolumeOptions(Api):
    """A volume to be pulled out."""

    dry_run: Annotated[list[str], Atomic] = []
    name: str = required(str)


class VirtualMachineVolumeRequest(Api):
    """A volume change asked for through the sub-resource."""

    add_volume_options: AddVolumeOptions | None = None
    remove_volume_options: RemoveVolumeOptions | None = None


class VolumeSnapshotStatus(Api):
    """Whether a volume can be part of a snapshot."""

    enabled: bool = required(bool)
    name: str = required(str)
    reason: str = ""


class VolumeMigrationState(Api):
    """Volumes on their way to other claims."""

    migrated_volumes: Annotated[list[StorageMigratedVolumeInfo], Atomic] = []


class VolumeUpdateState(Api):
    """Changes of volumes under way."""

    volume_migration_state: VolumeMigrationState | None = None


class VirtualMachineCondition(Condition):
    """One aspect of the machine's state."""


class VirtualMachineStatus(Api):
    """What is known about the machine."""

    changed_block_tracking: Annotated[ChangedBlockTrackingStatus | None, Nullable] = None
    conditions: list[VirtualMachineCondition] = []
    created: bool | None = None
    desired_generation: Int64 | None = None
    instancetype_ref: Annotated[InstancetypeStatusRef | None, Nullable] = None
    memory_dump_request: Annotated[VirtualMachineMemoryDumpRequest | None, Nullable] = None
    observed_generation: Int64 | None = None
    preference_ref: Annotated[InstancetypeStatusRef | None, Nullable] = None
    printable_status: Annotated[str, marks(default="Stopped")] = ""
    ready: bool | None = None
    restore_in_progress: str = ""
    run_strategy: str = ""
    snapshot_in_progress: str = ""
    start_failure: Annotated[VirtualMachineStartFailure | None, Nullable] = None
    state_change_requests: list[VirtualMachineStateChangeRequest] = []
    volume_requests: Annotated[list[VirtualMachineVolumeRequest], Atomic] = []
    volume_snapshot_statuses: list[VolumeSnapshotStatus] = []
    volume_update_state: VolumeUpdateState | None = None
