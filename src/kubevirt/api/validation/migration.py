"""Rules for migrations and their policies.

What is wrong with the object itself are causes; what stands in the way of a well-formed migration (the instance it is
about, other migrations) is an obstacle, a plain sentence.
"""

from collections.abc import Iterable

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.phase import is_final
from kubevirt.api.validation.causes import Cause, Causes, invalid, not_supported, required
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.quantity import Quantity

STALL_DETECTION, DOWNTIME_TUNING = "MigrationStallDetection", "MigrationDowntimeTuning"


def validate_migration_create(
    migration: VirtualMachineInstanceMigration, config: ClusterConfig, *, by_controller: bool
) -> list[Cause]:
    """What is wrong with a new migration. `by_controller`: virt-controller makes it."""
    return list(_create(migration, config, by_controller=by_controller))


def _create(migration: VirtualMachineInstanceMigration, config: ClusterConfig, *, by_controller: bool) -> Causes:
    spec = migration.spec
    if not spec.vmi_name:
        yield required("spec.vmiName", "vmiName is missing")
    if spec.priority is not None and not by_controller:
        yield not_supported(
            "spec.priority",
            "Migration priority queue, only virt-controller is allowed to set priority field",
        )
    gate = "DecentralizedLiveMigration"
    if (spec.send_to is not None or spec.receive is not None) and not config.has_gate(gate):
        yield invalid("spec", f"{gate} feature gate is not enabled in kubevirt resource")
    if spec.send_to is not None and spec.receive is not None:
        sent, received = spec.send_to.migration_id, spec.receive.migration_id
        if sent != received:
            yield invalid(
                "spec", f"sendTo migrationID {sent} does not match receive migrationID {received}"
            )


def migration_obstacle(
    migration: VirtualMachineInstanceMigration,
    vmi: VirtualMachineInstance | None,
    others: Iterable[VirtualMachineInstanceMigration],
) -> str:
    """Why the instance cannot be moved now, or an empty text.

    `vmi` is the instance the migration names, where it exists; `others` are the migrations of its namespace.
    """
    name = migration.spec.vmi_name or ""
    if vmi is None:
        return f'the VMI "{migration.metadata.namespace}/{name}" does not exist'
    if is_final(vmi.status.phase):
        return "Cannot migrate VMI in finalized state."
    conditions = {condition.type: condition for condition in vmi.status.conditions}
    movable, volumes = conditions.get("LiveMigratable"), conditions.get("VolumesChange")
    if movable is not None and movable.status == "False":
        # Disks that keep an instance where it is are no obstacle to the migration that moves the disks.
        moves_disks = movable.reason == "DisksNotLiveMigratable" and volumes is not None and volumes.status == "True"
        if not moves_disks:
            return f"Cannot migrate VMI, Reason: {movable.reason}, Message: {movable.message}"
    for other in others:
        if other.spec.vmi_name == name and not _is_final(other) and other.metadata.name != migration.metadata.name:
            return (
                f"in-flight migration detected. Active migration job ({other.metadata.uid}) is currently already in "
                f"progress for VMI {name}."
            )
    return ""


def validate_migration_update(
    old: VirtualMachineInstanceMigration, new: VirtualMachineInstanceMigration
) -> list[Cause]:
    """What is wrong with changing `old` to `new`."""
    if old.spec != new.spec:
        return [not_supported("spec", "update of Migration object's spec is restricted")]
    before, after = (m.metadata.labels.get(names.LABEL_VMI_NAME) for m in (old, new))
    if _is_final(old) or before is None or before == after:
        return []
    change = "removed from" if after is None else "modified on"
    label = "metadata.labels"
    return [not_supported(label, f"selector label can't be {change} an in-flight migration")]


def validate_migration_policy(policy: MigrationPolicy, config: ClusterConfig) -> list[Cause]:
    """What is wrong with a migration policy."""
    return list(_policy(policy, config))


def _policy(policy: MigrationPolicy, config: ClusterConfig) -> Causes:
    spec, negative = policy.spec, "must not be negative"
    if spec.completion_timeout_per_gib is not None and spec.completion_timeout_per_gib < 0:
        yield invalid("spec.completionTimeoutPerGiB", negative)
    if spec.bandwidth_per_migration is not None and spec.bandwidth_per_migration < Quantity():
        yield invalid("spec.bandwidthPerMigration", negative)
    experimental = spec.experimental
    if experimental is None:
        return
    settings = (
        ("stallDetector", experimental.stall_detector, STALL_DETECTION),
        ("downtimeTuning", experimental.downtime_tuning, DOWNTIME_TUNING),
    )
    for member, setting, gate in settings:
        if setting is not None and not config.has_gate(gate):
            yield invalid(f"spec.experimental.{member}", f"{member} requires the {gate} feature gate to be enabled")
    if all(setting is not None for _, setting, _ in settings):
        yield invalid("spec.experimental", "stallDetector and downtimeTuning are mutually exclusive")


def _is_final(migration: VirtualMachineInstanceMigration) -> bool:
    return is_final(migration.status.phase)
