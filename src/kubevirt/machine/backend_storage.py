"""State of a machine that outlives its runs beside its disks: what its TPM holds, and its UEFI variables.

It is kept on one small claim, which virt-controller makes and the launcher pod mounts, a directory for each kind. The
directories bear the names that they have on every KubeVirt's claims, so that a claim can be taken elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from kubevirt.api import names
from kubevirt.api.meta import OwnerReference
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.machine import paths
from kubevirt.machine.generated_names import generated

LABEL = "persistent-state-for"
"""On the claim: the name of its machine, shortened as everywhere in labels."""
STATUS_NAME = "persistent-state-for-this-vm"
"""Of the claim's entry in the status, which is not a volume of the spec."""
POD_VOLUME = "vm-state"
SIZE = Quantity("10Mi")
_BEFORE_TIME = datetime.min.replace(tzinfo=UTC)


def is_needed(vmi: VirtualMachineInstance) -> bool:
    """The machine has state to keep."""
    return has_persistent_tpm(vmi) or has_persistent_efi(vmi)


def has_persistent_tpm(vmi: VirtualMachineInstance) -> bool:
    tpm = vmi.spec.domain.devices.tpm
    return tpm is not None and tpm.enabled is not False and bool(tpm.persistent)


def has_persistent_efi(vmi: VirtualMachineInstance) -> bool:
    firmware = vmi.spec.domain.firmware
    efi = firmware.bootloader.efi if firmware is not None and firmware.bootloader is not None else None
    return efi is not None and bool(efi.persistent)


def label_of(vmi: VirtualMachineInstance) -> str:
    """The label's value."""
    return names.vmi_id(vmi.metadata.name)


def directories(vmi: VirtualMachineInstance) -> list[str]:
    """Of the claim, those that this machine uses."""
    tpm = [paths.STATE_OF_TPM, paths.STATE_OF_TPM_AUTHORITY] if has_persistent_tpm(vmi) else []
    return [*tpm, *([paths.STATE_OF_FIRMWARE] if has_persistent_efi(vmi) else [])]


def owner(vmi: VirtualMachineInstance) -> OwnerReference:
    """Whose end is the claim's: a VM keeps it from one instance to the next, any other instance has its own."""
    above = vmi.metadata.controller
    if above is not None and above.kind == "VirtualMachine":
        return above
    return OwnerReference(api_version="kubevirt.io/v1", kind="VirtualMachineInstance", name=vmi.metadata.name,
                          uid=vmi.metadata.uid, controller=True, block_owner_deletion=True)


def claim_of(
    vmi: VirtualMachineInstance, labelled: Iterable[PersistentVolumeClaim]
) -> PersistentVolumeClaim | None:
    """The newest claim with the machine's state that is not about to go, out of those with its label.

    One that belongs to another owner was a namesake's; a restored one may have none.
    """
    mine = [claim for claim in labelled if claim.metadata.deletion_timestamp is None
            and (claim.metadata.controller is None or claim.metadata.controller.uid == owner(vmi).uid)]
    return max(mine, key=lambda claim: claim.metadata.creation_timestamp or _BEFORE_TIME, default=None)


def machine_of(claim: PersistentVolumeClaim) -> str:
    """The name of the machine whose state a labelled claim keeps; its owner has the same one, in full."""
    above = claim.metadata.controller
    return above.name if above is not None else claim.metadata.labels[LABEL]


def name_for(vmi: VirtualMachineInstance) -> str:
    """The name of the claim that is made for a machine: the same whenever it is asked for."""
    return generated(f"persistent-state-for-{vmi.metadata.name}-", made_of=f"{owner(vmi).uid}/state", at_most=253)


def new_claim(vmi: VirtualMachineInstance, *, storage_class: str, access_mode: str) -> JsonObject:
    """The manifest of the claim."""
    above = owner(vmi)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name_for(vmi),
            "namespace": vmi.metadata.namespace,
            "labels": {LABEL: label_of(vmi)},
            "ownerReferences": [{
                "apiVersion": above.api_version, "kind": above.kind, "name": above.name, "uid": above.uid,
                "controller": True, "blockOwnerDeletion": True,
            }],
        },
        "spec": {
            "accessModes": [access_mode],
            "volumeMode": "Filesystem",
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": str(SIZE)}},
        },
    }
