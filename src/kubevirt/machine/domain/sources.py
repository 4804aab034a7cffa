"""Where the data of a volume is inside the pod, and in which format QEMU finds it."""

from __future__ import annotations

import msgspec

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Refused
from kubevirt.machine import paths
from kubevirt.machine.cloud_init import iso_file_name
from kubevirt.machine.domain.context import DomainContext


class Backing(msgspec.Struct, frozen=True, kw_only=True):
    """The read-only file or device below an overlay."""

    path: str
    format: str
    block: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file or block device of the pod."""

    path: str
    format: str = "raw"
    block: bool = False
    backing: Backing | None = None
    read_only: bool = False
    holds_data: bool = False  # of the guest, as opposed to what was put onto a disk for it to read


def claim_name(volume: Volume) -> str:
    """Name of the claim behind a volume; empty when there is none. A data volume's claim has the data volume's name."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    if volume.data_volume is not None:
        return volume.data_volume.name
    if volume.ephemeral is not None and volume.ephemeral.persistent_volume_claim is not None:
        return volume.ephemeral.persistent_volume_claim.claim_name
    if volume.memory_dump is not None:
        return volume.memory_dump.claim_name
    return ""


def source(vmi: VirtualMachineInstance, volume: Volume, context: DomainContext) -> Source:
    """The source of a disk. Raises Refused for a volume that cannot be one."""
    facts, name = context.disk(volume.name), volume.name
    if volume.container_disk is not None:
        index = next(i for i, other in enumerate(vmi.spec.volumes) if other.name == name)
        image = facts.image or f"{paths.image_volume(index)}/disk/disk.img"
        return Source(path=paths.overlay(name), format="qcow2", holds_data=True,
                      backing=Backing(path=image, format=facts.format or "qcow2"))
    if volume.ephemeral is not None:
        below = paths.block_device(name) if facts.block else paths.volume_file(name)
        return Source(path=paths.overlay(name), format="qcow2", holds_data=True,
                      backing=Backing(path=below, format=facts.format or "raw", block=facts.block))
    if volume.persistent_volume_claim is not None or volume.data_volume is not None:
        return _claim(volume, block=facts.block)
    if volume.empty_disk is not None:
        return Source(path=paths.empty_disk(name), format="qcow2", holds_data=True)
    if volume.host_disk is not None:
        return Source(path=paths.host_disk_file(name, volume.host_disk.path))
    if volume.downward_metrics is not None:
        return Source(path=paths.DOWNWARD_METRICS_DISK, read_only=True)
    if (path := _iso(vmi, volume)) is not None:
        return Source(path=path)
    raise Refused(
        field=f"spec.volumes[{name}]",
        cause=f"volume {name!r} cannot be a disk",
        remedy="remove its disk, or use a file system for it",
    )


def _claim(volume: Volume, *, block: bool) -> Source:
    name = volume.name
    if volume.is_hotpluggable:
        path = paths.hotplug_block_device(name) if block else paths.hotplug_file(name)
    else:
        path = paths.block_device(name) if block else paths.volume_file(name)
    return Source(path=path, block=block, holds_data=True)


def _iso(vmi: VirtualMachineInstance, volume: Volume) -> str | None:
    """Volumes that the launcher writes onto an ISO image."""
    name = volume.name
    if (file_name := iso_file_name(volume)) is not None:
        return paths.cloud_init_iso(vmi.metadata.namespace, vmi.metadata.name, file_name)
    if volume.config_map is not None:
        return paths.config_map_iso(name)
    if volume.secret is not None:
        return paths.secret_iso(name)
    if volume.downward_api is not None:
        return paths.downward_api_iso(name)
    if volume.sysprep is not None:
        return paths.sysprep_iso(name)
    if volume.service_account is not None:
        return paths.service_account_iso()
    return None
