"""Volumes from claims: is it a file or a device, and how may QEMU cache it. An empty claim is given its disk."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from kubevirt.api.migration_status import PersistentVolumeClaimInfo
from kubevirt.api.vmi_status import VolumeStatus
from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Refused
from kubevirt.machine import paths
from kubevirt.machine.domain import DiskFacts
from kubevirt.virt_launcher.workshop import qemu_img

MIB = 1024 * 1024
TOLERATED_PERCENT = 10
"""A file system may hold so much less than its claim asks for."""
RESERVED_BYTES = 128 * 1024
DEFAULT_OVERHEAD = 0.055


def is_claim(volume: Volume) -> bool:
    return (
        volume.persistent_volume_claim is not None or volume.data_volume is not None or volume.ephemeral is not None
    )


def info_of(volume: Volume, told: Iterable[VolumeStatus]) -> PersistentVolumeClaimInfo | None:
    """What the VMI's status tells of the volume's claim."""
    return next((status.persistent_volume_claim_info for status in told if status.name == volume.name), None)


def facts(volume: Volume, info: PersistentVolumeClaimInfo | None = None) -> DiskFacts:
    """Facts of a claim's volume; makes the disk of an empty claim, and the overlay of an ephemeral one.

    Raises Refused when there is no disk in it and none can be made.
    """
    device, file = Path(paths.block_device(volume.name)), Path(paths.volume_file(volume.name))
    block = device.is_block_device()
    source = device if block else file
    if not block and not file.is_file():
        if info is None or volume.ephemeral is not None:
            raise Refused(
                field=f"spec.volumes[{volume.name}]",
                cause=f"the claim of volume {volume.name} holds no file disk.img",
                remedy="import or upload a disk image into the claim, or use a claim of volume mode Block",
            )
        make_disk(file, volume.name, info)
    cache = cache_mode(source)
    if volume.ephemeral is not None:
        overlay = Path(paths.overlay(volume.name))
        overlay.parent.mkdir(parents=True, exist_ok=True)
        if not overlay.exists():
            qemu_img.create_overlay(overlay, backing=source, backing_format="raw")
        return DiskFacts(format="raw", block=block, cache=cache)
    allocated = block or _is_allocated(source)
    return DiskFacts(
        format="raw",
        block=block,
        cache=cache,
        io="native" if cache == "none" and allocated else "",
        preallocated=info is not None and info.preallocated is True,
    )


def make_disk(file: Path, volume: str, info: PersistentVolumeClaimInfo) -> None:
    """A raw, sparse disk as large as the claim allows; it has its name only once it has its size. Raises Refused."""
    system = os.statvfs(file.parent)
    size = disk_bytes(info, free_bytes=system.f_bavail * system.f_frsize)
    if size is None:
        raise Refused(
            field=f"spec.volumes[{volume}]",
            cause=f"the claim {info.claim_name} has no room for the disk that its size promises",
            remedy="free space on the claim, or use a larger one",
        )
    staging = file.with_name(file.name + ".staging")
    with staging.open("wb") as made:
        made.truncate(size)
    staging.chmod(0o660)
    staging.rename(file)


def disk_bytes(info: PersistentVolumeClaimInfo, *, free_bytes: int) -> int | None:
    """How large the disk of an empty claim can be, in whole MiB; None when the file system is much too small.

    The claim's capacity without what the file system keeps to itself; up to a tenth less where that much is not free.
    """
    amount = info.capacity.get("storage") or info.requests.get("storage")
    if amount is None:
        return None
    overhead = float(info.filesystem_overhead) if info.filesystem_overhead else DEFAULT_OVERHEAD
    wanted = int(amount.bytes * (1 - overhead))
    usable = free_bytes - RESERVED_BYTES
    if usable < wanted * (100 - TOLERATED_PERCENT) // 100:
        return None
    return min(wanted, usable) // MIB * MIB or None


def cache_mode(file: Path) -> str:
    """`none` where the file system can do without the page cache, else `writethrough`."""
    try:
        os.close(os.open(file, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC))
    except OSError:
        return "writethrough"
    return "none"


def _is_allocated(file: Path) -> bool:
    found = file.stat()
    return stat.S_ISREG(found.st_mode) and found.st_blocks * 512 >= found.st_size > 0
