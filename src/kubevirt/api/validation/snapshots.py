"""Rules for snapshots and restores."""

from collections.abc import Iterable

from kubevirt.api.config import ClusterConfig
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.snapshot_content import CapturedVirtualMachine
from kubevirt.api.validation.causes import Cause, Causes, invalid
from kubevirt.api.validation.references import check_machine, is_same, operations_in, unchanged

PATCHABLE = ("/spec/", "/metadata/labels/", "/metadata/annotations/")
RESTORE_POLICIES = ("RandomizeNames", "InPlace", "PrefixTargetName")
OWNERSHIP_POLICIES = ("Vm", "None")


def snapshot_obstacle(config: ClusterConfig) -> str:
    """Why there can be no snapshots, or an empty text."""
    return "" if config.has_gate("Snapshot") else "snapshot feature gate not enabled"


def restore_obstacle(config: ClusterConfig) -> str:
    """Why there can be no restores, or an empty text."""
    return "" if config.has_gate("Snapshot") else "Snapshot/Restore feature gate not enabled"


def validate_snapshot(new: VirtualMachineSnapshot, old: VirtualMachineSnapshot | None = None) -> list[Cause]:
    """What is wrong with a snapshot; `old` is the stored one where it is changed."""
    return list(check_machine("spec.source", new.spec.source)) if old is None else unchanged(old.spec, new.spec)


def validate_restore(
    new: VirtualMachineRestore,
    old: VirtualMachineRestore | None = None,
    *,
    others: Iterable[VirtualMachineRestore] = (),
    captured: CapturedVirtualMachine | None = None,
) -> list[Cause]:
    """What is wrong with a restore; `old` is the stored one where it is changed.

    `others` are the restores of its namespace; `captured` is the machine in the snapshot, where that is ready.
    """
    return list(_restore(new, others, captured)) if old is None else unchanged(old.spec, new.spec)


def _restore(
    restore: VirtualMachineRestore, others: Iterable[VirtualMachineRestore], captured: CapturedVirtualMachine | None
) -> Causes:
    spec = restore.spec
    yield from check_machine("spec.target", spec.target)
    if captured is not None and captured.metadata.name != spec.target.name and _keeps_state(captured):
        yield invalid(
            "spec.target",
            "Restore to a different VM is not supported when snapshotted VM has backend storage "
            "(persistent TPM or EFI)",
        )
    for other in others:
        if is_same(other.spec.target, spec.target) and not other.status.complete:
            yield invalid("spec.target", f'VirtualMachineRestore "{other.metadata.name}" in progress')
    yield from _patches(spec.patches)
    for index, override in enumerate(spec.volume_restore_overrides):
        at = f"spec.volumeRestoreOverrides[{index}]"
        if not override.volume_name:
            yield invalid(f"{at}.volumeName", "must provide a volume name")
        if not (override.restore_name or override.labels or override.annotations):
            yield invalid(at, "must provide at least one overriden field")
    restoring, owning = spec.volume_restore_policy, spec.volume_ownership_policy
    if restoring is not None and restoring not in RESTORE_POLICIES:
        yield invalid("spec.volumeRestorePolicy", f'volume restore policy "{restoring}" doesn\'t exist')
    if owning is not None and owning not in OWNERSHIP_POLICIES:
        yield invalid("spec.volumeOwnershipPolicy", f'volume ownership policy "{owning}" doesn\'t exist')


def _patches(patches: list[str]) -> Causes:
    for text, operation in operations_in(patches):
        if operation is None:
            yield invalid(
                "spec.patches",
                f'patch format is not valid - one ":" expected in a single key-value json patch: {text}',
            )
            continue
        path = operation.get("path")
        if not isinstance(path, str) or not path.startswith(PATCHABLE):
            yield invalid(
                "spec.patches", f'patching is valid only for elements under /spec/ only: "path": "{path}"'
            )


def _keeps_state(captured: CapturedVirtualMachine) -> bool:
    """Whether the machine keeps TPM or UEFI state on a claim of its own."""
    domain = captured.spec.template.spec.domain
    tpm, firmware = domain.devices.tpm, domain.firmware
    efi = firmware.bootloader.efi if firmware is not None and firmware.bootloader is not None else None
    return bool((tpm is not None and tpm.persistent) or (efi is not None and efi.persistent))
