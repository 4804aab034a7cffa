"""Volumes that are replaced while the guest runs, `updateVolumesStrategy: Migration`.

The data would move by a live migration of the guest. This release has none, so a change that could be made so is told
to need a restart, in the words for an instance that cannot be migrated; what could not be made at all is named first.
"""

from __future__ import annotations

from kubevirt.api.disks import Disk
from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.api.volumes import Volume
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.live.change import Change
from kubevirt.virt_controller.volumes import claim_name, is_hotpluggable

FAILED = FailureWords(
    reason="VolumesUpdateError",
    condition="error encountered while handling volumes update requests: ",
)
MIGRATION = "Migration"
NOT_SERVED = "live migration is not available in this version of KubeVirt"


def change(spec: VirtualMachineSpec, wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> Change:
    """The claims of the template for the instance."""
    if spec.update_volumes_strategy != MIGRATION:
        return Change(vmi=vmi)
    has = {v.name: v for v in vmi.spec.volumes}
    replaced = [v for v in wanted.volumes if v.name in has and is_replaced(has[v.name], v)]
    if not replaced:
        return Change(vmi=vmi)
    if invalid := why_invalid(replaced, wanted):
        return Change(vmi=vmi, restart=f"invalid volumes to update with migration:{invalid}")
    told = find(vmi.status.conditions, "StorageLiveMigratable")
    reason = told.message if told is not None and told.status == "False" and told.message else NOT_SERVED
    return Change(vmi=vmi, restart=f"cannot migrate the volumes as the VMI isn't migratable: {reason}")


def is_replaced(old: Volume, new: Volume) -> bool:
    """The volume stands for another claim."""
    return bool(claim_name(old)) and bool(claim_name(new)) and claim_name(old) != claim_name(new)


def why_invalid(replaced: list[Volume], wanted: VirtualMachineInstanceSpec) -> str:
    """What keeps these volumes from moving with a guest; empty when nothing does."""
    disks = {d.name: d for d in wanted.domain.devices.disks}
    filesystems = {f.name for f in wanted.domain.devices.filesystems}
    kinds = (
        ("hotplugged", [v.name for v in replaced if is_hotpluggable(v)]),
        ("filesystems", [v.name for v in replaced if v.name in filesystems]),
        ("shareable", [v.name for v in replaced if _disk(disks, v).shareable]),
        ("luns", [v.name for v in replaced if _disk(disks, v).lun is not None]),
    )
    return "".join(f" {kind}: [{' '.join(names)}]" for kind, names in kinds if names)


def _disk(disks: dict[str, Disk], volume: Volume) -> Disk:
    return disks.get(volume.name) or Disk(name=volume.name)
