"""What is known about a running instance."""

from typing import Annotated

from kubevirt.api.backup_status import ChangedBlockTrackingStatus
from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, Time, UInt32, required
from kubevirt.api.compute import Machine
from kubevirt.api.meta import Condition
from kubevirt.api.migration_status import (
    PersistentVolumeClaimInfo,
    StorageMigratedVolumeInfo,
    VirtualMachineInstanceMigrationState,
)
from kubevirt.kit.quantity import Quantity


class VirtualMachineInstanceCondition(Condition):
    """One aspect of the instance's state."""


class CPUTopology(Api):
    """Sockets, cores and threads the guest has now."""

    cores: Int32 | None = None
    """Cores per socket."""
    sockets: Int32 | None = None
    """Sockets."""
    threads: Int32 | None = None
    """Threads per core."""


class VirtualMachineInstanceGuestOSInfo(Api):
    """The guest's operating system, as its agent reports it."""

    id: str = ""
    """Short name of the operating system: debian, fedora, mswindows..."""
    kernel_release: str = ""
    """Release of its kernel."""
    kernel_version: str = ""
    """Version text of its kernel."""
    machine: str = ""
    """Architecture as the guest names it."""
    name: str = ""
    """Name of the operating system."""
    pretty_name: str = ""
    """Name and version in one text."""
    version: str = ""
    """Version text."""
    version_id: str = ""
    """Version number."""


class VirtualMachineInstanceNetworkInterface(Api):
    """A network interface as it is now."""

    info_source: str = ""
    """Who knows of the interface: any of domain, guest-agent, multus-status, separated by commas."""
    interface_name: str = ""
    """Name of the interface within the guest."""
    ip_address: str = ""
    """First address; the pod's address where the guest is behind address translation."""
    ip_addresses: list[str] = []
    """All addresses."""
    link_state: str = ""
    """up or down."""
    mac: str = ""
    """MAC address."""
    name: str = ""
    """Name in spec."""
    pod_interface_name: str = ""
    """Name of the interface within the launcher pod."""
    queue_count: Int32 | None = None
    """Number of queues."""


class InitrdInfo(Api):
    """The initial ramdisk in use."""

    checksum: UInt32 | None = None
    """Checksum of the initrd."""


class KernelInfo(Api):
    """The kernel in use."""

    checksum: UInt32 | None = None
    """Checksum of the kernel."""


class KernelBootStatus(Api):
    """What a direct kernel boot uses."""

    initrd_info: InitrdInfo | None = None
    """The initrd in use."""
    kernel_info: KernelInfo | None = None
    """The kernel in use."""


class MemoryStatus(Api):
    """Amounts of memory the guest has."""

    guest_at_boot: Quantity | None = None
    """What the guest started with."""
    guest_current: Quantity | None = None
    """What the guest has now."""
    guest_requested: Quantity | None = None
    """What the guest should have."""
    memory_overhead: Quantity | None = None
    """What the launcher pod has beside the guest's own memory."""


class VirtualMachineInstancePhaseTransitionTimestamp(Api):
    """When a phase was entered."""

    phase: str = ""
    """The phase."""
    phase_transition_timestamp: Time | None = None
    """When it was entered."""


class TopologyHints(Api):
    """What nodes must offer for this guest."""

    tsc_frequency: Int64 | None = None
    """Frequency of the time stamp counter, in Hz."""


class ContainerDiskInfo(Api):
    """The container disk in use."""

    checksum: UInt32 | None = None
    """Checksum of the disk image, to see that a migration target has the same."""


class HotplugVolumeStatus(Api):
    """The pod that attaches a plugged volume."""

    attach_pod_name: str = ""
    """Name of the pod."""
    attach_pod_uid: str = ""
    """uid of the pod."""


class DomainMemoryDumpInfo(Api):
    """A memory dump of the guest."""

    claim_name: str = ""
    """Claim that receives the dump."""
    end_timestamp: Time | None = None
    """When the dump was complete."""
    start_timestamp: Time | None = None
    """When the dump began."""
    target_file_name: str = ""
    """Name of the dump's file."""


class VolumeStatus(Api):
    """A volume as it is now."""

    container_disk_volume: ContainerDiskInfo | None = None
    """Facts about a container disk."""
    hotplug_volume: HotplugVolumeStatus | None = None
    """The pod that attaches a plugged volume."""
    memory_dump_volume: DomainMemoryDumpInfo | None = None
    """Facts about a memory dump."""
    message: str = ""
    """Why the volume is in this phase, as a sentence."""
    name: str = required(str)
    """Name of the volume."""
    persistent_volume_claim_info: PersistentVolumeClaimInfo | None = None
    """Facts about the claim."""
    phase: str = ""
    """State of a plugged volume: Pending, Bound, AttachedToNode, MountedToPod, Ready, Detaching..."""
    reason: str = ""
    """Why the volume is in this phase, as one word."""
    size: Int64 | None = None
    """Size in bytes."""
    target: str = required(str)
    """Name of the disk on the machine, such as vda."""


class VirtualMachineInstanceStatus(Api):
    """What is known about the running instance."""

    vsock_cid: UInt32 | None = None
    """Address of the guest on VSOCK."""
    active_pods: dict[str, str] = {}
    """The launcher pods of the instance by uid, with their nodes."""
    changed_block_tracking: Annotated[ChangedBlockTrackingStatus | None, Nullable] = None
    """Tracking of changed blocks for incremental backups."""
    conditions: list[VirtualMachineInstanceCondition] = []
    """Aspects of the instance's state: Ready, LiveMigratable, Paused, AgentConnected, SoftwareEmulation and others."""
    current_cpu_topology: CPUTopology | None = None
    """Sockets, cores and threads in use."""
    evacuation_node_name: str = ""
    """Node that the guest has to leave."""
    fs_freeze_status: str = ""
    """frozen while the guest's file systems are frozen."""
    guest_os_info: VirtualMachineInstanceGuestOSInfo | None = None
    """What the guest agent says of the operating system."""
    interfaces: list[VirtualMachineInstanceNetworkInterface] = []
    """Network interfaces with their addresses."""
    kernel_boot_status: KernelBootStatus | None = None
    """Kernel and initrd of a direct kernel boot."""
    launcher_container_image_version: str = ""
    """Image of the launcher in use."""
    machine: Machine | None = None
    """The board in use."""
    memory: MemoryStatus | None = None
    """Amounts of memory."""
    migrated_volumes: Annotated[list[StorageMigratedVolumeInfo], Atomic] = []
    """Volumes that move to other claims with the next migration."""
    migration_method: str = ""
    """BlockMigration where disks are copied with the guest, else LiveMigration."""
    migration_state: VirtualMachineInstanceMigrationState | None = None
    """The migration in progress, or the last one."""
    migration_transport: str = ""
    """How migration data travels."""
    node_name: str = ""
    """Node that the guest runs on."""
    phase: str = ""
    """Pending, Scheduling, Scheduled, Running, Succeeded, Failed, WaitingForSync or Unknown."""
    phase_transition_timestamps: Annotated[list[VirtualMachineInstancePhaseTransitionTimestamp], Atomic] = []
    """When each phase was entered."""
    qos_class: str = ""
    """Quality of service class of the launcher pod."""
    reason: str = ""
    """Why the instance is in this phase, as one word."""
    runtime_user: Int64 | None = None
    """User that the guest's process runs as; 107 unless the cluster says otherwise."""
    selinux_context: str = ""
    """SELinux context of the launcher."""
    topology_hints: TopologyHints | None = None
    """What a node must offer so that the guest can move there."""
    virtual_machine_revision_name: str = ""
    """ControllerRevision of the machine that the instance was made from."""
    volume_status: Annotated[list[VolumeStatus], Atomic] = []
    """State of the volumes."""
