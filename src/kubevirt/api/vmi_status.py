"""What is known about a running instance."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, Time, UInt32, required
from kubevirt.api.compute import Machine
from kubevirt.api.meta import Condition
from kubevirt.api.migration_status import (
    PersistentVolumeClaimInfo,
    StorageMigratedVolumeInfo,
    VirtualMachineInstanceMigrationState,
)
from kubevirt.kit.quantity import Quantity


class VirtualMachineInstanceBackupVolumeInfo(Api):
    """A volume that is part of a backup."""

    volume_name: str = required(str)


class VirtualMachineInstanceBackupStatus(Api):
    """The backup in progress, or the last one."""

    backup_msg: str = ""
    backup_name: str = ""
    checkpoint_name: str = ""
    completed: bool | None = None
    end_timestamp: Time | None = None
    failed: bool | None = None
    quiesce_status: str = ""
    start_timestamp: Time | None = None
    volumes: Annotated[list[VirtualMachineInstanceBackupVolumeInfo], Atomic] = []


class ChangedBlockTrackingStatus(Api):
    """Whether changed blocks are tracked for incremental backups."""

    backup_status: Annotated[VirtualMachineInstanceBackupStatus | None, Nullable] = None
    state: str = required(str)


class VirtualMachineInstanceCondition(Condition):
    """One aspect of the instance's state."""


class CPUTopology(Api):
    """Sockets, cores and threads the guest has now."""

    cores: Int32 | None = None
    sockets: Int32 | None = None
    threads: Int32 | None = None


class VirtualMachineInstanceGuestOSInfo(Api):
    """The guest's operating system, as its agent reports it."""

    id: str = ""
    kernel_release: str = ""
    kernel_version: str = ""
    machine: str = ""
    name: str = ""
    pretty_name: str = ""
    version: str = ""
    version_id: str = ""


class VirtualMachineInstanceNetworkInterface(Api):
    """A network interface as it is now."""

    info_source: str = ""
    interface_name: str = ""
    ip_address: str = ""
    ip_addresses: list[str] = []
    link_state: str = ""
    mac: str = ""
    name: str = ""
    pod_interface_name: str = ""
    queue_count: Int32 | None = None


class InitrdInfo(Api):
    """The initial ramdisk in use."""

    checksum: UInt32 | None = None


class KernelInfo(Api):
    """The kernel in use."""

    checksum: UInt32 | None = None


class KernelBootStatus(Api):
    """What a direct kernel boot uses."""

    initrd_info: InitrdInfo | None = None
    kernel_info: KernelInfo | None = None


class MemoryStatus(Api):
    """Amounts of memory the guest has."""

    guest_at_boot: Quantity | None = None
    guest_current: Quantity | None = None
    guest_requested: Quantity | None = None
    memory_overhead: Quantity | None = None


class VirtualMachineInstancePhaseTransitionTimestamp(Api):
    """When a phase was entered."""

    phase: str = ""
    phase_transition_timestamp: Time | None = None


class TopologyHints(Api):
    """What nodes must offer for this guest."""

    tsc_frequency: Int64 | None = None


class ContainerDiskInfo(Api):
    """The container disk in use."""

    checksum: UInt32 | None = None


class HotplugVolumeStatus(Api):
    """The pod that attaches a plugged volume."""

    attach_pod_name: str = ""
    attach_pod_uid: str = ""


class DomainMemoryDumpInfo(Api):
    """A memory dump of the guest."""

    claim_name: str = ""
    end_timestamp: Time | None = None
    start_timestamp: Time | None = None
    target_file_name: str = ""


class VolumeStatus(Api):
    """A volume as it is now."""

    container_disk_volume: ContainerDiskInfo | None = None
    hotplug_volume: HotplugVolumeStatus | None = None
    memory_dump_volume: DomainMemoryDumpInfo | None = None
    message: str = ""
    name: str = required(str)
    persistent_volume_claim_info: PersistentVolumeClaimInfo | None = None
    phase: str = ""
    reason: str = ""
    size: Int64 | None = None
    target: str = required(str)


class VirtualMachineInstanceStatus(Api):
    """What is known about the running instance."""

    vsock_cid: UInt32 | None = None
    active_pods: dict[str, str] = {}
    changed_block_tracking: Annotated[ChangedBlockTrackingStatus | None, Nullable] = None
    conditions: list[VirtualMachineInstanceCondition] = []
    current_cpu_topology: CPUTopology | None = None
    evacuation_node_name: str = ""
    fs_freeze_status: str = ""
    guest_os_info: VirtualMachineInstanceGuestOSInfo | None = None
    interfaces: list[VirtualMachineInstanceNetworkInterface] = []
    kernel_boot_status: KernelBootStatus | None = None
    launcher_container_image_version: str = ""
    machine: Machine | None = None
    memory: MemoryStatus | None = None
    migrated_volumes: Annotated[list[StorageMigratedVolumeInfo], Atomic] = []
    migration_method: str = ""
    migration_state: VirtualMachineInstanceMigrationState | None = None
    migration_transport: str = ""
    node_name: str = ""
    phase: str = ""
    phase_transition_timestamps: Annotated[list[VirtualMachineInstancePhaseTransitionTimestamp], Atomic] = []
    qos_class: str = ""
    reason: str = ""
    runtime_user: Int64 | None = None
    selinux_context: str = ""
    topology_hints: TopologyHints | None = None
    virtual_machine_revision_name: str = ""
    volume_status: Annotated[list[VolumeStatus], Atomic] = []
