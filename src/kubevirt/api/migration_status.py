"""Live migrations as they show in an instance's status."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, Time, marks, one_of, renamed, required
from kubevirt.kit.quantity import Quantity


class DowntimeTuning(Api):
    """Raises the allowed downtime step by step."""

    cooldown_seconds: Annotated[Int32 | None, marks(minimum=1)] = None
    initial_ms: Annotated[Int64 | None, marks(minimum=1)] = None
    start_after_iteration: Annotated[Int64 | None, marks(minimum=1)] = None
    steps: Annotated[Int32 | None, marks(minimum=1)] = None


class StallDetector(Api):
    """Decides that a migration does not converge."""

    completion_timeout_factor: Quantity | None = None
    ewma_alpha: Quantity | None = None
    patience_window_decay_factor: Quantity | None = None
    precopy_possible_factor: Quantity | None = None
    search_local_minima: bool | None = None
    stall_margin: Annotated[Int64 | None, marks(maximum=100, minimum=0)] = None
    stall_progress_timeout: Annotated[Int64 | None, marks(minimum=0)] = None
    switchover_timeout: Annotated[Int64 | None, marks(minimum=0)] = None


class MigrationExperimental(Api):
    """Migration settings that may still change."""

    compression: Annotated[str, one_of("none", "zstd")] = ""
    downtime_tuning: DowntimeTuning | None = None
    stall_detector: StallDetector | None = None


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
    domain_namespace: str = ""
    migration_uid: str = ""
    node: str = ""
    node_selectors: dict[str, str] = {}
    persistent_state_pvc_name: str = ""
    pod: str = ""
    selinux_context: str = ""
    sync_address: str = ""
    virtual_machine_instance_uid: str = ""


class VirtualMachineInstanceMigrationTargetState(Api):
    """The target side of a migration."""

    attachment_pod_uid: str = ""
    cpu_set: Annotated[list[int], Atomic] = []
    direct_migration_node_ports: dict[str, int] = {}
    domain_detected: bool | None = None
    domain_name: str = ""
    domain_namespace: str = ""
    domain_ready_timestamp: Time | None = None
    migration_uid: str = ""
    node: str = ""
    node_address: str = ""
    node_topology: str = ""
    persistent_state_pvc_name: str = ""
    pod: str = ""
    selinux_context: str = ""
    sync_address: str = ""
    virtual_machine_instance_uid: str = ""


class VirtualMachineInstanceMigrationState(Api):
    """The migration in progress, or the last one."""

    abort_requested: bool | None = None
    abort_status: str = ""
    completed: bool | None = None
    end_timestamp: Annotated[Time | None, Nullable] = None
    failed: bool | None = None
    failure_reason: str = ""
    migration_configuration: EffectiveMigrationConfiguration | None = None
    migration_network_type: str = ""
    migration_policy_name: str = ""
    migration_uid: str = renamed("migrationUid", "")
    mode: str = ""
    source_node: str = ""
    source_persistent_state_pvc_name: str = ""
    source_pod: str = ""
    source_state: VirtualMachineInstanceMigrationSourceState | None = None
    start_timestamp: Annotated[Time | None, Nullable] = None
    target_attachment_pod_uid: str = ""
    target_cpu_set: Annotated[list[int], Atomic] = []
    target_direct_migration_node_ports: dict[str, int] = {}
    target_memory_overhead: Quantity | None = None
    target_node: str = ""
    target_node_address: str = ""
    target_node_domain_detected: bool | None = None
    target_node_domain_ready_timestamp: Time | None = None
    target_node_topology: str = ""
    target_persistent_state_pvc_name: str = ""
    target_pod: str = ""
    target_state: VirtualMachineInstanceMigrationTargetState | None = None


class PersistentVolumeClaimInfo(Api):
    """What is known about a claim."""

    access_modes: Annotated[list[str], Atomic] = []
    capacity: dict[str, Quantity] = {}
    claim_name: str = ""
    filesystem_overhead: Annotated[str, marks(pattern="^(0(?:\\.\\d{1,3})?|1)$")] = ""
    preallocated: bool | None = None
    requests: dict[str, Quantity] = {}
    volume_mode: str = ""


class StorageMigratedVolumeInfo(Api):
    """A volume whose contents move to another claim."""

    destination_pvc_info: PersistentVolumeClaimInfo | None = None
    source_pvc_info: PersistentVolumeClaimInfo | None = None
    volume_name: str = required(str)
