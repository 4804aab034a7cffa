"""Volumes from claims: is it a file or a device, and how may QEMU cache it."""

import os
import stat
from pathlib import Path

from kubevirt.api.volumes import Volume
from kubevirt.kit.errors import Refused
from kubevirt.machine import paths
from kubevirt.machine.domain import DiskFacts
from kubevirt.virt_launcher.workshop import qemu_img


def is_claim(volume: Volume) -> bool:
    return (
        volume.persistent_volume_claim is not None or volume.data_volume is not None or volume.ephemeral is not None
    )


def facts(volume: Volume) -> DiskFacts:
    """Facts of a claim's volume; makes the overlay of an ephemeral one. Raises Refused when there is no disk in it."""
    device, file = Path(paths.block_device(volume.name)), Path(paths.volume_file(volume.name))
    block = device.is_block_device()
    source = device if block else file
    if not block and not file.is_file():
        raise Refused(
            field=f"spec.volumes[{volume.name}]",
            cause=f"the claim of volume {volume.name} holds no file disk.img",
            remedy="import or upload a disk image into the claim, or use a claim of volume mode Block",
        )
    cache = cache_mode(source)
    if volume.ephemeral is not None:
        overlay = Path(paths.overlay(volume.name))
        overlay.parent.mkdir(parents=True, exist_ok=True)
        if not overlay.exists():
            qemu_img.create_overlay(overlay, backing=source, backing_format="raw")
        return DiskFacts(format="raw", block=block, cache=cache)
    allocated = block or _is_allocated(source)
    return DiskFacts(format="raw", block=block, cache=cache, io="native" if cache == "none" and allocated else "")


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
