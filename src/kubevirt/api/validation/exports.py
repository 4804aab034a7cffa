"""Rules for exports and backups."""

from collections.abc import Iterable

from kubevirt.api.backup import VirtualMachineBackup
from kubevirt.api.config import ClusterConfig
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.validation.causes import Cause, Causes, invalid
from kubevirt.api.validation.references import is_same, unchanged

# Kind of the source: its API group, and its name in messages.
SOURCES = {
    "PersistentVolumeClaim": ("", "PVC"),
    "VirtualMachineSnapshot": ("snapshot.kubevirt.io", "VMSnapshot"),
    "VirtualMachine": ("kubevirt.io", "VM"),
    "VirtualMachineBackup": ("backup.kubevirt.io", "VirtualMachineBackup"),
    "VirtualMachineTemplate": ("template.kubevirt.io", "VirtualMachineTemplate"),
}


def validate_export(
    new: VirtualMachineExport, config: ClusterConfig, old: VirtualMachineExport | None = None
) -> list[Cause]:
    """What is wrong with an export; `old` is the stored one where it is changed."""
    return list(_export(new, config)) if old is None else unchanged(old.spec, new.spec)


def _export(export: VirtualMachineExport, config: ClusterConfig) -> Causes:
    source, at = export.spec.source, "spec.source"
    if source.kind not in SOURCES:
        yield invalid(f"{at}.kind", "invalid kind")
        return
    group, called = SOURCES[source.kind]
    if not source.name:
        name = "Virtual Machine" if source.kind == "VirtualMachine" else called
        yield invalid(f"{at}.name", f"{name} name must not be empty")
    if (source.api_group or "") != group:
        wanted = f"must be {group}" if group else "must be missing or blank"
        yield invalid(f"{at}.apiGroup", f"{called} API group {wanted}")
    deployment = config.raw.virt_template_deployment
    deployed = deployment is None or deployment.enabled is not False
    if source.kind == "VirtualMachineTemplate" and not (
        config.has_gate("OCIExport") and config.has_gate("Template") and deployed
    ):
        yield invalid(
            f"{at}.kind",
            "VirtualMachineTemplate source requires the OCIExport feature gate and virt-template deployment to be "
            "enabled",
        )


def backup_obstacle(config: ClusterConfig) -> str:
    """Why there can be no backups, or an empty text."""
    return "" if config.has_gate("IncrementalBackup") else "IncrementalBackup feature gate not enabled"


def validate_backup(new: VirtualMachineBackup, others: Iterable[VirtualMachineBackup]) -> list[Cause]:
    """What is wrong with a new backup; `others` are the backups of its namespace.

    Its members, and that they never change, are checked by the CustomResourceDefinition.
    """
    return list(_backup(new, others))


def _backup(new: VirtualMachineBackup, others: Iterable[VirtualMachineBackup]) -> Causes:
    for other in others:
        if other.metadata.name == new.metadata.name:
            yield invalid("metadata.name", f'VirtualMachineBackup "{other.metadata.name}" already exists')
        elif is_same(other.spec.source, new.spec.source) and not _is_over(other):
            yield invalid(
                "spec.source", f'VirtualMachineBackup "{other.metadata.name}" in progress for source'
            )


def _is_over(backup: VirtualMachineBackup) -> bool:
    ends = ("Complete", "Failed")
    return any(condition.type in ends and condition.status == "True" for condition in backup.status.conditions)
