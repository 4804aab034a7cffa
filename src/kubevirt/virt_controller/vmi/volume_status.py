"""What a VMI's status tells of its volumes: where each is in the guest, and the facts of its claim.

The launcher makes disks by it, and migrations compare it, so it is complete when the VMI is handed over, in the same
write.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.migration_status import PersistentVolumeClaimInfo
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.vmi_status import VolumeStatus
from kubevirt.machine import backend_storage
from kubevirt.machine.domain import disks
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.volumes import claim_name, is_hotpluggable

FILESYSTEM_OVERHEAD = "0.055"
"""What a file system keeps to itself, where nobody has said otherwise."""

PREALLOCATED = "/storage.preallocation"
"""The importer's annotation of a claim whose disk was given all of its room at once, whatever comes before it."""


def volume_status(o: Observed) -> list[VolumeStatus]:
    """All volumes of the VMI, sorted by name. What others have said of a volume stays; plugged ones are not touched."""
    told = {status.name: status for status in o.vmi.status.volume_status}
    targets = disks.targets(o.vmi)
    for volume in o.vmi.spec.volumes:
        if is_hotpluggable(volume):
            continue
        target = targets.get(volume.name)
        status = told.get(volume.name) or VolumeStatus(name=volume.name, target=target.name if target else "")
        claim = o.claims.get(claim_name(volume))
        if claim is not None:
            status = replace(status, persistent_volume_claim_info=info(claim))
        told[volume.name] = status
    if o.state_claim is not None:
        name = backend_storage.STATUS_NAME
        status = told.get(name) or VolumeStatus(name=name, target="")
        told[name] = replace(status, persistent_volume_claim_info=info(o.state_claim))
    return sorted(told.values(), key=lambda status: status.name)


def info(claim: PersistentVolumeClaim) -> PersistentVolumeClaimInfo:
    """The facts of a claim that matter to a machine."""
    block = claim.spec.volume_mode == "Block"
    given = claim.metadata.annotations
    return PersistentVolumeClaimInfo(
        claim_name=claim.metadata.name,
        access_modes=claim.spec.access_modes,
        volume_mode=claim.spec.volume_mode or "Filesystem",
        capacity=claim.status.capacity,
        requests=claim.spec.resources.requests,
        preallocated=any(key.endswith(PREALLOCATED) and value == "true" for key, value in given.items()) or None,
        filesystem_overhead="" if block else FILESYSTEM_OVERHEAD,
    )
