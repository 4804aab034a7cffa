"""Rules for firmware and for direct kernel boot."""

from kubevirt.api.domain import DomainSpec, KernelBoot
from kubevirt.api.validation.causes import Causes, invalid, required
from kubevirt.api.validation.volumes import check_path
from kubevirt.api.vmi import VirtualMachineInstanceSpec


def check_acpi_tables(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """ACPI tables come from volumes that hold plain files."""
    acpi = spec.domain.firmware.acpi if spec.domain.firmware is not None else None
    if acpi is None:
        return
    at = f"{field}.acpi"
    if not acpi.slic_name_ref and not acpi.msdm_name_ref:
        yield invalid(at, "ACPI was set but no SLIC nor MSDM volume reference was set")
        return
    volumes = {volume.name: volume for volume in spec.volumes}
    for member, name in (("slicNameRef", acpi.slic_name_ref), ("msdmNameRef", acpi.msdm_name_ref)):
        if not name:
            continue
        volume = volumes.get(name)
        if volume is None:
            yield invalid(f"{at}.{member}", f"{at} does not have a matching Volume.")
        elif volume.secret is None:
            yield invalid(f"{at}.{member}", f"{at} refers to Volume of unsupported type.")


def check_firmware(field: str, domain: DomainSpec) -> Causes:
    """One boot loader, and what it needs."""
    firmware = domain.firmware
    if firmware is None:
        return
    boot = firmware.bootloader
    if boot is not None and boot.efi is not None and boot.bios is not None:
        at = f"{field}.firmware.bootloader"
        yield invalid(at, f"{at} has both EFI and BIOS configured, but they are mutually exclusive.")
    if boot is not None and boot.efi is not None and boot.efi.secure_boot is not False and not has_smm(domain):
        yield invalid(
            field, f"{field} has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled."
        )
    if firmware.kernel_boot is not None:
        yield from _kernel_boot(f"{field}.firmware.kernelBoot", firmware.kernel_boot)


def has_smm(domain: DomainSpec) -> bool:
    """Whether system management mode is on."""
    smm = domain.features.smm if domain.features is not None else None
    return smm is not None and smm.enabled is not False


def _kernel_boot(field: str, boot: KernelBoot) -> Causes:
    container = boot.container
    if container is None:
        if boot.kernel_args:
            yield invalid(f"{field}.kernelArgs", "kernel arguments cannot be provided without an external kernel")
        return
    if not container.image:
        yield required(f"{field}.container.image", f"{field}.container must be defined with an image")
    if not container.kernel_path and not container.initrd_path:
        yield required(
            f"{field}.container",
            f"{field}.container must be defined with at least one of the following: kernelPath, initrdPath",
        )
    for member, path in (("kernelPath", container.kernel_path), ("initrdPath", container.initrd_path)):
        if path:
            yield from check_path(f"{field}.container.{member}", path)
    if boot.kernel_args and not container.kernel_path:
        yield invalid(f"{field}.kernelArgs", "kernel arguments cannot be provided without an external kernel")
