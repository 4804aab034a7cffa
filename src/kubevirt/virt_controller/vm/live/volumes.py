"""Volumes that are replaced while the guest runs, `updateVolumesStrategy: Migration`.

The data would move by a live migration of the guest. This release begins none, so a change that could be made so is
told to need a restart, in the words for an instance that cannot be migrated; what could not be made at all is named
first. Volumes that are on their way already can only be called back, all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from kubevirt.api.disks import Disk
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition
from kubevirt.api.volumes import Volume
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.conditions import drop, find, is_true
from kubevirt.virt_controller.vm.live.change import Change, held_up
from kubevirt.virt_controller.volumes import claim_name, is_hotpluggable

FAILED = FailureWords(
    reason="VolumesUpdateError",
    condition="error encountered while handling volumes update requests: ",
)
MIGRATION = "Migration"
CHANGES = "VolumesChange"
CANCELLED = "VolumesChangeCancellation"
ONLY_BACK = "The volume can only be reverted to the previous version during the update"
NOT_THERE = "One of the destination volumes doesn't exist: "
NOT_SERVED = "live migration is not available in this version of KubeVirt"
SHARED_BY_NODES = frozenset({"ReadWriteMany", "ReadOnlyMany"})

Claims = Mapping[str, PersistentVolumeClaim]


def change(spec: VirtualMachineSpec, wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance, *,
           claims: Claims, data_volumes: Collection[str]) -> Change:
    """The claims of the template for the instance. `claims` and names of `data_volumes` are those that exist."""
    if spec.update_volumes_strategy != MIGRATION:
        return Change(vmi=vmi)
    has = {v.name: v for v in vmi.spec.volumes}
    replaced = [v for v in wanted.volumes if v.name in has and is_replaced(has[v.name], v)]
    if not replaced:
        return Change(vmi=vmi)
    if is_true(vmi.status.conditions, CHANGES):
        return called_back(replaced, vmi)
    if invalid := why_invalid(replaced, wanted):
        return Change(vmi=vmi, restart=f"invalid volumes to update with migration:{invalid}")
    missing = [name for v in replaced if (name := claim_name(v)) not in claims and name not in data_volumes]
    if missing:
        return Change(vmi=told(vmi, "", f'{NOT_THERE}persistentvolumeclaim "{missing[0]}" not found'))
    vmi = without_news_of_missing(vmi)
    known = find(vmi.status.conditions, "StorageLiveMigratable")
    if known is None or known.status == "False":
        reason = known.message if known is not None and known.message else NOT_SERVED
        return Change(vmi=vmi, restart=f"cannot migrate the volumes as the VMI isn't migratable: {reason}")
    if left := bound_to_node(wanted, replaced, claims):
        return Change(vmi=vmi, restart=f"cannot migrate the VM. The volume {left} is RWO and not included in the "
                                       "migration volumes")
    return Change(vmi=vmi, restart=f"cannot migrate the volumes as the VMI isn't migratable: {NOT_SERVED}")


def called_back(replaced: list[Volume], vmi: VirtualMachineInstance) -> Change:
    """While volumes are moved the only change is back to where all of them came from."""
    sources = {m.volume_name: m.source_pvc_info.claim_name for m in vmi.status.migrated_volumes
               if m.source_pvc_info is not None}
    back = {v.name: v for v in replaced}
    if {name: claim_name(v) for name, v in back.items()} != sources:
        return held_up(vmi, FAILED, ONLY_BACK)
    spec = replace(vmi.spec, volumes=[back.get(v.name, v) for v in vmi.spec.volumes])
    status = replace(vmi.status, migrated_volumes=[])
    return Change(vmi=told(replace(vmi, spec=spec, status=status), CANCELLED, ""))


def told(vmi: VirtualMachineInstance, reason: str, message: str) -> VirtualMachineInstance:
    """The instance whose condition says why its volumes do not change; the very same when it says so already."""
    now = find(vmi.status.conditions, CHANGES)
    if now is not None and (now.status, now.reason, now.message) == ("False", reason, message):
        return vmi
    condition = VirtualMachineInstanceCondition(type=CHANGES, status="False", reason=reason, message=message)
    return replace(vmi, status=replace(vmi.status, conditions=[*drop(vmi.status.conditions, CHANGES), condition]))


def without_news_of_missing(vmi: VirtualMachineInstance) -> VirtualMachineInstance:
    """The instance once all destinations are there."""
    now = find(vmi.status.conditions, CHANGES)
    if now is None or not now.message.startswith(NOT_THERE):
        return vmi
    return replace(vmi, status=replace(vmi.status, conditions=drop(vmi.status.conditions, CHANGES)))


def is_replaced(old: Volume, new: Volume) -> bool:
    """The volume stands for another claim."""
    return bool(claim_name(old)) and bool(claim_name(new)) and claim_name(old) != claim_name(new)


def bound_to_node(wanted: VirtualMachineInstanceSpec, replaced: list[Volume], claims: Claims) -> str:
    """A volume that stays and can only be used on one node; empty when there is none."""
    moved = {v.name for v in replaced}
    for volume in wanted.volumes:
        claim = claims.get(claim_name(volume)) if volume.name not in moved else None
        if claim is not None and SHARED_BY_NODES.isdisjoint(claim.spec.access_modes):
            return volume.name
    return ""


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
