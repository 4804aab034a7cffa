"""What is known about a virtual machine beyond its current run."""

from typing import Annotated

from kubevirt.api.backup_status import ChangedBlockTrackingStatus
from kubevirt.api.base import Api, Atomic, Int64, Nullable, Time, marks, required
from kubevirt.api.disks import Disk
from kubevirt.api.meta import Condition
from kubevirt.api.migration_status import StorageMigratedVolumeInfo
from kubevirt.api.volumes import HotplugVolumeSource


class ControllerRevisionRef(Api):
    """The stored copy of an instance type or preference."""

    name: str = ""
    """Name of the ControllerRevision."""


class InstancetypeStatusRef(Api):
    """The instance type or preference in use."""

    controller_revision_ref: ControllerRevisionRef | None = None
    """The stored copy in use."""
    infer_from_volume: str = ""
    """Volume whose labels named it."""
    infer_from_volume_failure_policy: str = ""
    """What happens when the volume names none."""
    kind: str = ""
    """Its kind."""
    name: str = ""
    """Its name."""


class VirtualMachineMemoryDumpRequest(Api):
    """A memory dump asked for."""

    claim_name: str = required(str)
    """Claim that receives the dump."""
    end_timestamp: Time | None = None
    """When the dump was complete."""
    file_name: str = ""
    """Name of the dump's file within the claim."""
    message: str = ""
    """Why the dump failed."""
    phase: str = required(str)
    """Associating, InProgress, Unmounting, Completed, Dissociating or Failed."""
    remove: bool | None = None
    """Asks that the claim is let go of again."""
    start_timestamp: Time | None = None
    """When the dump began."""


class VirtualMachineStartFailure(Api):
    """Failed starts in a row, and when the next try is due."""

    consecutive_fail_count: int | None = None
    """How many starts in a row have failed."""
    last_failed_vmi_uid: str = ""
    """uid of the instance that failed last, so that none is counted twice."""
    retry_after_timestamp: Time | None = None
    """When the next start is tried; the wait doubles with every failure, up to 5 minutes."""


class VirtualMachineStateChangeRequest(Api):
    """A start or stop asked for through the sub-resource."""

    action: str = required(str)
    """Start or Stop."""
    data: dict[str, str] = {}
    """Options of the action, for example that the guest starts paused."""
    uid: str = ""
    """uid of the instance a Stop is about."""


class AddVolumeOptions(Api):
    """A volume to be plugged in."""

    disk: Disk = required(Disk)
    """The disk by which the guest sees the volume; its name is that of the volume."""
    dry_run: Annotated[list[str], Atomic] = []
    """["All"]: check everything, change nothing."""
    name: str = required(str)
    """Name of the volume and its disk."""
    volume_source: HotplugVolumeSource = required(HotplugVolumeSource)
    """The claim or data volume."""


class RemoveVolumeOptions(Api):
    """A volume to be pulled out."""

    dry_run: Annotated[list[str], Atomic] = []
    """["All"]: check everything, change nothing."""
    name: str = required(str)
    """Name of the volume."""


class VirtualMachineVolumeRequest(Api):
    """A volume change asked for through the sub-resource."""

    add_volume_options: AddVolumeOptions | None = None
    """The volume to plug in."""
    remove_volume_options: RemoveVolumeOptions | None = None
    """The volume to pull out."""


class VolumeSnapshotStatus(Api):
    """Whether a volume can be part of a snapshot."""

    enabled: bool = required(bool)
    """Whether a snapshot can include the volume."""
    name: str = required(str)
    """Name of the volume."""
    reason: str = ""
    """Why it can or cannot."""


class VolumeMigrationState(Api):
    """Volumes on their way to other claims."""

    migrated_volumes: Annotated[list[StorageMigratedVolumeInfo], Atomic] = []
    """The volumes, with the claims they come from and go to."""


class VolumeUpdateState(Api):
    """Changes of volumes under way."""

    volume_migration_state: VolumeMigrationState | None = None
    """Volumes on their way to other claims."""


class VirtualMachineCondition(Condition):
    """One aspect of the machine's state."""


class VirtualMachineStatus(Api):
    """What is known about the machine."""

    changed_block_tracking: Annotated[ChangedBlockTrackingStatus | None, Nullable] = None
    """Tracking of changed blocks for incremental backups."""
    conditions: list[VirtualMachineCondition] = []
    """Aspects of the machine's state: Ready, Paused, RestartRequired, Failure and others."""
    created: bool | None = None
    """Whether an instance exists."""
    desired_generation: Int64 | None = None
    """Generation of the machine that is wanted to run."""
    instancetype_ref: Annotated[InstancetypeStatusRef | None, Nullable] = None
    """The instance type in use."""
    memory_dump_request: Annotated[VirtualMachineMemoryDumpRequest | None, Nullable] = None
    """The memory dump asked for, and how far it is."""
    observed_generation: Int64 | None = None
    """Generation of the machine that the instance was made from."""
    preference_ref: Annotated[InstancetypeStatusRef | None, Nullable] = None
    """The preference in use."""
    printable_status: Annotated[str, marks(default="Stopped")] = ""
    """The state in one word: Stopped, Starting, Running, Paused, Stopping, CrashLoopBackOff, ErrorUnschedulable,
    ErrImagePull...
    """
    ready: bool | None = None
    """Whether the instance is up and ready."""
    restore_in_progress: str = ""
    """Name of the restore that works on the machine."""
    run_strategy: str = ""
    """The run strategy in force."""
    snapshot_in_progress: str = ""
    """Name of the snapshot that is being taken."""
    start_failure: Annotated[VirtualMachineStartFailure | None, Nullable] = None
    """Failed starts in a row; unset once a start has succeeded."""
    state_change_requests: list[VirtualMachineStateChangeRequest] = []
    """Starts and stops asked for that have not been carried out yet."""
    volume_requests: Annotated[list[VirtualMachineVolumeRequest], Atomic] = []
    """Volumes to be plugged in or pulled out that have not been yet."""
    volume_snapshot_statuses: list[VolumeSnapshotStatus] = []
    """For each volume, whether a snapshot can include it."""
    volume_update_state: VolumeUpdateState | None = None
    """Changes of volumes under way."""
