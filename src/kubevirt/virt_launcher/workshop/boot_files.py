"""Checksums of the files of a direct kernel boot: a migration's target must have the very same ones."""

import zlib
from pathlib import Path

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine import paths
from kubevirt.machine.domain_report import BootFiles

CHUNK = 4 * 1024 * 1024


def boot_files(vmi: VirtualMachineInstance, root: Path = Path(paths.KERNEL_BOOT_MOUNT)) -> BootFiles | None:
    """None for a machine that boots from its disks. Raises Refused for a file that the image does not have."""
    firmware = vmi.spec.domain.firmware
    container = firmware.kernel_boot.container if firmware is not None and firmware.kernel_boot is not None else None
    if container is None:
        return None
    return BootFiles(
        kernel=_checksum(root, container.kernel_path or "", "kernelPath"),
        initrd=_checksum(root, container.initrd_path or "", "initrdPath"),
    )


def _checksum(root: Path, path: str, field: str) -> int:
    """CRC-32 as everybody computes it; 0 for no file."""
    if not path:
        return 0
    found = 0
    try:
        with (root / path.lstrip("/")).open("rb") as opened:
            while part := opened.read(CHUNK):
                found = zlib.crc32(part, found)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Refused(
            field=f"spec.domain.firmware.kernelBoot.container.{field}",
            cause=f"there is no file {path} in the image",
            remedy="correct the path, or use an image that has the file",
        ) from error
    return found
