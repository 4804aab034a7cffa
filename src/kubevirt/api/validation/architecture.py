"""Rules that hold on some architectures only."""

from kubevirt.api.validation.causes import Causes, invalid, not_supported
from kubevirt.api.vmi import VirtualMachineInstanceSpec

ARCHITECTURES = frozenset({"amd64", "arm64", "s390x"})


def check_architecture(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """What guests of the instance's architecture cannot have."""
    if spec.architecture == "arm64":
        yield from _arm64(f"{field}.domain", spec)


def _arm64(at: str, spec: VirtualMachineInstanceSpec) -> Causes:
    domain = spec.domain
    cpu, firmware = domain.cpu, domain.firmware
    if firmware is not None and firmware.bootloader is not None and firmware.bootloader.bios is not None:
        yield not_supported(
            f"{at}.firmware.bootloader.bios", "Arm64 does not support bios boot, please change to uefi boot"
        )
    if cpu is not None and cpu.model and cpu.model != "host-passthrough":
        yield not_supported(f"{at}.cpu.model", "currently, host-passthrough is the only model supported on Arm64")
    if cpu is not None and cpu.dedicated_cpu_placement and (cpu.threads or 0) > 1:
        architecture = f"{at.removesuffix('.domain')}.architecture"
        yield invalid(
            architecture,
            f"threads must not be greater than 1 at {at}.cpu.threads (got {cpu.threads}) when {architecture} is arm64",
        )
    if domain.devices.sound is not None:
        yield not_supported(f"{at}.devices.sound", "Arm64 not support sound device")
    for index, disk in enumerate(domain.devices.disks):
        for kind, target in (("disk", disk.disk), ("cdrom", disk.cdrom), ("lun", disk.lun)):
            if target is not None and target.bus and target.bus not in ("virtio", "scsi"):
                yield not_supported(
                    f"{at}.devices.disks[{index}].{kind}.bus",
                    "Arm64 not support this disk bus type, please use virtio or scsi",
                )
