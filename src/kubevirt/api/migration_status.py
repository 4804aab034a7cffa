"""Live migrations as they show in an instance's status."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, Time, marks, one_of, renamed, required
from kubevirt.kit.quantity import Quantity


class DowntimeTuning(Api):
    """Raises the allowed downtime step by step."""

    cooldown_seconds: Annotated[Int32 | None, marks(minimum=1)] = None
    """Seconds between two steps, at least. The default is 10."""
    initial_ms: Annotated[Int64 | None, marks(minimum=1)] = None
    """Milliseconds of downtime to begin with. The default is 150."""
    start_after_iteration: Annotated[Int64 | None, marks(minimum=1)] = None
    """Passes over the guest's memory before the first step. The default is 3."""
    steps: Annotated[Int32 | None, marks(minimum=1)] = None
    """In how many steps the allowed downtime grows up to maxDowntimeMs. The default is 7."""


class StallDetector(Api):
    """Decides that a migration does not converge."""

    completion_timeout_factor: Quantity | None = None
    """By what the deadline is multiplied before a migration is ended. The default is 2."""
    ewma_alpha: Quantity | None = None
    """Weight of the newest measurement in the average of the speed, 0 to 1. The default is 0.4."""
    patience_window_decay_factor: Quantity | None = None
    """By what the wait for progress is multiplied after each stall. The default is 0.5."""
    precopy_possible_factor: Quantity | None = None
    """Up to how many times the allowed downtime the rest may take for the guest still to be stopped and moved. The
    default is 1.5."""
    search_local_minima: bool | None = None
    """Waits, after a stall, for a moment at which little is left. The default is true."""
    stall_margin: Annotated[Int64 | None, marks(maximum=100, minimum=0)] = None
    """Percent by which the rest must shrink to count as progress. The default is 4."""
    stall_progress_timeout: Annotated[Int64 | None, marks(minimum=0)] = None
    """Seconds without progress that are a stall. The default is 40."""
    switchover_timeout: Annotated[Int64 | None, marks(minimum=0)] = None
    """Seconds that the last step may take. The default is 60."""


class MigrationExperimental(Api):
    """Migration settings that may still change."""

    compression: Annotated[str, one_of("none", "zstd")] = ""
    """How migration data is compressed; not at all by default."""
    downtime_tuning: DowntimeTuning | None = None
    """Raises the allowed downtime step by step; not together with stallDetector."""
    stall_detector: StallDetector | None = None
    """Decides that a migration does not converge."""


class MigrationConfiguration(Api):
    """How live migrations are done."""

    allow_auto_converge: bool | None = None
    """Slows the guest's CPUs down until the migration converges."""
    allow_post_copy: bool | None = None
    """Finishes on the target before all memory is there, when the migration does not converge."""
    allow_workload_disruption: bool | None = None
    """Pauses the guest when the migration does not converge."""
    bandwidth_per_migration: Quantity | None = None
    """Bytes per second that a migration may use; 0 means no limit."""
    completion_timeout_per_gib: Int64 | None = None
    """Seconds per GiB of guest memory after which a migration is stopped. The default is 150."""
    disable_tls: bool | None = None
    """Sends migration data unencrypted."""
    match_selinux_level_on_migration: bool | None = None
    """Gives the target the SELinux level of the source."""
    max_downtime_ms: Annotated[Int64 | None, marks(maximum=2000000, minimum=1)] = None
    """Milliseconds the guest may stand still at the end."""
    network: str = ""
    """Network for migration data."""
    node_drain_taint_key: str = ""
    """Key of the taint that makes guests leave a node. The default is kubevirt.io/drain."""
    parallel_migrations_per_cluster: Int32 | None = None
    """Migrations at a time in the cluster. The default is 5."""
    parallel_outbound_migrations_per_node: Int32 | None = None
    """Migrations at a time away from a node. The default is 2."""
    progress_timeout: Int64 | None = None
    """Seconds without progress after which a migration is stopped. The default is 150."""
    unsafe_migration_override: bool | None = None
    """Allows migrations that look unsafe."""
    utility_volumes_timeout: Int64 | None = None
    """Seconds to wait for utility volumes to be detached."""


class EffectiveMigrationConfiguration(MigrationConfiguration):
    """The migration settings in force, policy included."""

    experimental: MigrationExperimental | None = None
    """Settings that may still change."""


class VirtualMachineInstanceMigrationSourceState(Api):
    """The source side of a migration."""

    domain_name: str = ""
    """Name of the libvirt domain."""
    domain_namespace: str = ""
    """Namespace within the domain's name."""
    migration_uid: str = ""
    """Uid of the migration object."""
    node: str = ""
    """The node."""
    node_selectors: dict[str, str] = {}
    """Labels that a node must have for what the guest was started with, such as its CPU model."""
    persistent_state_pvc_name: str = ""
    """Claim of the guest's kept state: TPM, EFI variables."""
    pod: str = ""
    """The launcher pod."""
    selinux_context: str = ""
    """SELinux label of the guest's process."""
    sync_address: str = ""
    """Where the other cluster reaches this side, for migrations between clusters."""
    virtual_machine_instance_uid: str = ""
    """Uid of the instance on this side."""


class VirtualMachineInstanceMigrationTargetState(Api):
    """The target side of a migration."""

    attachment_pod_uid: str = ""
    """Uid of the pod that attaches plugged volumes."""
    cpu_set: Annotated[list[int], Atomic] = []
    """CPUs of the node that were given to the guest alone."""
    direct_migration_node_ports: dict[str, int] = {}
    """Ports that the node listens on, by number, and what each is for in the launcher (0 for libvirt itself)."""
    domain_detected: bool | None = None
    """Whether the domain was seen there."""
    domain_name: str = ""
    """Name of the libvirt domain."""
    domain_namespace: str = ""
    """Namespace within the domain's name."""
    domain_ready_timestamp: Time | None = None
    """When the domain was seen to run."""
    migration_uid: str = ""
    """Uid of the migration object."""
    node: str = ""
    """The node."""
    node_address: str = ""
    """Address at which the node takes migration data."""
    node_topology: str = ""
    """CPUs and NUMA cells of the node, as JSON; for guests with CPUs of their own."""
    persistent_state_pvc_name: str = ""
    """Claim of the guest's kept state: TPM, EFI variables."""
    pod: str = ""
    """The launcher pod."""
    selinux_context: str = ""
    """SELinux label that the guest's process gets."""
    sync_address: str = ""
    """Where the other cluster reaches this side, for migrations between clusters."""
    virtual_machine_instance_uid: str = ""
    """Uid of the instance on this side."""


class VirtualMachineInstanceMigrationState(Api):
    """The migration in progress, or the last one."""

    abort_requested: bool | None = None
    """Somebody wants the migration to end."""
    abort_status: str = ""
    """What became of that: Aborting, Succeeded or Failed."""
    completed: bool | None = None
    """The migration is over, well or not."""
    end_timestamp: Annotated[Time | None, Nullable] = None
    """When it ended."""
    failed: bool | None = None
    """It ended without the guest having moved."""
    failure_reason: str = ""
    """Why it failed, as a sentence."""
    migration_configuration: EffectiveMigrationConfiguration | None = None
    """The settings it is done with, policy included."""
    migration_network_type: str = ""
    """Network of the data: Migration for one of its own, else Pod."""
    migration_policy_name: str = ""
    """Policy that the settings come from; empty where none fits."""
    migration_uid: str = renamed("migrationUid", "")
    """Uid of the migration object."""
    mode: str = ""
    """How memory is moved: PreCopy, PostCopy or Paused."""
    source_node: str = ""
    """Node that the guest leaves."""
    source_persistent_state_pvc_name: str = ""
    """Claim of the guest's kept state at the source."""
    source_pod: str = ""
    """Launcher pod that the guest leaves."""
    source_state: VirtualMachineInstanceMigrationSourceState | None = None
    """The source side."""
    start_timestamp: Annotated[Time | None, Nullable] = None
    """When memory began to move."""
    target_attachment_pod_uid: str = ""
    """Uid of the pod that attaches plugged volumes at the target."""
    target_cpu_set: Annotated[list[int], Atomic] = []
    """CPUs of the target node that were given to the guest alone."""
    target_direct_migration_node_ports: dict[str, int] = {}
    """Ports that the target node listens on, by number, and what each is for in the launcher (0 for libvirt itself)."""
    target_memory_overhead: Quantity | None = None
    """Memory of the target pod beside the guest's own."""
    target_node: str = ""
    """Node that the guest goes to."""
    target_node_address: str = ""
    """Address at which that node takes migration data."""
    target_node_domain_detected: bool | None = None
    """Whether the domain was seen at the target."""
    target_node_domain_ready_timestamp: Time | None = None
    """When the domain was seen to run at the target."""
    target_node_topology: str = ""
    """CPUs and NUMA cells of the target node, as JSON; for guests with CPUs of their own."""
    target_persistent_state_pvc_name: str = ""
    """Claim of the guest's kept state at the target."""
    target_pod: str = ""
    """Launcher pod that the guest goes to."""
    target_state: VirtualMachineInstanceMigrationTargetState | None = None
    """The target side."""


class PersistentVolumeClaimInfo(Api):
    """What is known about a claim."""

    access_modes: Annotated[list[str], Atomic] = []
    """Access modes of the claim."""
    capacity: dict[str, Quantity] = {}
    """What the bound volume gives; storage is in bytes."""
    claim_name: str = ""
    """Name of the claim."""
    filesystem_overhead: Annotated[str, marks(pattern="^(0(?:\\.\\d{1,3})?|1)$")] = ""
    """Share of a file system, 0 to 1, that its own structures take. Empty for block volumes."""
    preallocated: bool | None = None
    """All blocks are reserved, so what the guest discards is not given back."""
    requests: dict[str, Quantity] = {}
    """What the claim asks for; storage is in bytes."""
    volume_mode: str = ""
    """Block or Filesystem."""


class StorageMigratedVolumeInfo(Api):
    """A volume whose contents move to another claim."""

    destination_pvc_info: PersistentVolumeClaimInfo | None = None
    """The claim that the contents go to."""
    source_pvc_info: PersistentVolumeClaimInfo | None = None
    """The claim that they come from."""
    volume_name: str = required(str)
    """Name of the volume in spec."""
