"""Defaults that differ between architectures."""

from dataclasses import dataclass
from typing import Final

from kubevirt.api.devices import Diag288Watchdog, I6300ESBWatchdog, Watchdog
from kubevirt.api.domain import CPU, EFI, Bootloader, DomainSpec, Firmware
from kubevirt.api.vmi import VirtualMachineInstanceSpec


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What guests of an architecture get unasked."""

    disk_bus: str
    cpu_model: str = ""
    """Empty means the cluster's."""
    uefi: bool = False
    watchdog: str = ""


ARCHITECTURES: Final = {
    "amd64": Architecture(disk_bus="sata", watchdog="i6300esb"),
    "arm64": Architecture(disk_bus="virtio", cpu_model="host-passthrough", uefi=True),
    "s390x": Architecture(disk_bus="virtio", watchdog="diag288"),
}
WATCHDOG_ACTION: Final = "reset"


def apply_architecture(spec: VirtualMachineInstanceSpec) -> None:
    """Fill in what depends on the architecture; unknown ones are left to validation."""
    architecture = ARCHITECTURES.get(spec.architecture or "")
    if architecture is None:
        return
    domain = spec.domain
    for disk in domain.devices.disks:
        for target in (disk.disk, disk.cdrom, disk.lun):
            if target is not None and not target.bus:
                target.bus = architecture.disk_bus
    if architecture.cpu_model:
        cpu = domain.cpu = domain.cpu or CPU()
        cpu.model = cpu.model or architecture.cpu_model
    if architecture.uefi:
        _uefi(domain)
    if domain.devices.watchdog is not None:
        _watchdog(domain.devices.watchdog, architecture)


def _uefi(domain: DomainSpec) -> None:
    firmware = domain.firmware = domain.firmware or Firmware()
    if firmware.bootloader is None:
        firmware.bootloader = Bootloader(efi=EFI(secure_boot=False))


def _watchdog(watchdog: Watchdog, architecture: Architecture) -> None:
    if watchdog.i6300esb is None and watchdog.diag288 is None:
        match architecture.watchdog:
            case "i6300esb":
                watchdog.i6300esb = I6300ESBWatchdog()
            case "diag288":
                watchdog.diag288 = Diag288Watchdog()
    for device in (watchdog.i6300esb, watchdog.diag288):
        if device is not None:
            device.action = device.action or WATCHDOG_ACTION
