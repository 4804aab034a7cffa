"""Checksums of kernel and initrd, from the files of an image."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine.domain_report import BootFiles
from kubevirt.virt_launcher.workshop.boot_files import boot_files


def machine(**container: str) -> VirtualMachineInstance:
    boot: dict[str, Any] = {"kernelBoot": {"container": {"image": "i", **container}}} if container else {}
    return codec.convert({"spec": {"domain": {"devices": {}, "firmware": boot}}}, VirtualMachineInstance)


KERNEL, INITRD = b"kernel" * 1000, b"initrd"


@pytest.mark.parametrize(("vmi", "found"), [
    pytest.param(machine(), None, id="no direct boot"),
    pytest.param(machine(kernelPath="/boot/vmlinuz"), BootFiles(kernel=zlib.crc32(KERNEL)), id="a kernel"),
    pytest.param(machine(kernelPath="/boot/vmlinuz", initrdPath="boot/initrd"),
                 BootFiles(kernel=zlib.crc32(KERNEL), initrd=zlib.crc32(INITRD)), id="and an initrd"),
])
def test_checksums(vmi: VirtualMachineInstance, found: BootFiles | None, tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "vmlinuz").write_bytes(KERNEL)
    (tmp_path / "boot" / "initrd").write_bytes(INITRD)
    assert boot_files(vmi, tmp_path) == found


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no file /boot/vmlinuz in the image") as raised:
        boot_files(machine(kernelPath="/boot/vmlinuz"), tmp_path)
    assert raised.value.field == "spec.domain.firmware.kernelBoot.container.kernelPath"
