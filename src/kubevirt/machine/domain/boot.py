"""What the machine is and how it starts: type, firmware, direct kernel boot, and what it tells the guest of itself."""

from __future__ import annotations

from kubevirt.api.compute import Chassis
from kubevirt.api.firmware import EFI
from kubevirt.api.firmware import Firmware as FirmwareSpec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine import paths
from kubevirt.machine.domain import models, security
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el, yes_no

BOOT_MENU_MS = 10000


def os(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    """`<os>`. The boot order stands at the devices, so it is not here."""
    domain = vmi.spec.domain
    machine = domain.machine.type if domain.machine is not None else ""
    root = el("os", el("type", text="hvm", arch=models.libvirt_arch(context), machine=machine or None))
    if context.arch != "s390x":
        root.append(el("smbios", mode="sysinfo"))
    firmware = domain.firmware
    if firmware is not None:
        if firmware.bootloader is not None and firmware.bootloader.efi is not None:
            root.extend(_efi(vmi, firmware.bootloader.efi, context))
        if firmware.bootloader is not None and firmware.bootloader.bios is not None \
                and firmware.bootloader.bios.use_serial:
            root.append(el("bios", useserial="yes"))
        root.extend(_kernel(firmware))
        if (acpi := _acpi_tables(vmi, firmware)) is not None:
            root.append(acpi)
    if vmi.spec.start_strategy == "Paused":
        # Time for a person to connect to the console and choose, once they let the guest run.
        root.append(el("bootmenu", enable="yes", timeout=BOOT_MENU_MS))
    return root


def _efi(vmi: VirtualMachineInstance, efi: EFI, context: DomainContext) -> list[Element]:
    files = context.firmware
    secure = efi.secure_boot is not False
    technology = security.technology(vmi.spec.domain)
    if technology in ("sev-snp", "tdx"):
        rom = files.rom_sev_snp if technology == "sev-snp" else files.rom_tdx_secure if secure else files.rom_tdx
        return [el("loader", text=files.path(rom), readonly="yes", secure="no", type="rom")]
    code = files.code_secure if secure else files.code_confidential if technology == "sev" else files.code
    template = files.vars_secure if secure else files.vars
    nvram = context.shareable_nvram or paths.nvram(vmi.metadata.name)
    return [
        el("loader", text=files.path(code), readonly="yes", secure=yes_no(secure), type="pflash"),
        el("nvram", text=nvram, template=files.path(template)),
    ]


def _kernel(firmware: FirmwareSpec) -> list[Element]:
    boot = firmware.kernel_boot
    if boot is None:
        return []
    found = []
    if boot.container is not None:
        if boot.container.kernel_path:
            found.append(el("kernel", text=paths.kernel_boot_file(boot.container.kernel_path)))
        if boot.container.initrd_path:
            found.append(el("initrd", text=paths.kernel_boot_file(boot.container.initrd_path)))
    if boot.kernel_args:
        found.append(el("cmdline", text=boot.kernel_args))
    return found


def _acpi_tables(vmi: VirtualMachineInstance, firmware: FirmwareSpec) -> Element | None:
    """Licence tables for the guest, each in a secret."""
    if firmware.acpi is None:
        return None
    secrets = {volume.name for volume in vmi.spec.volumes if volume.secret is not None}
    tables = []
    for kind, volume in (("slic", firmware.acpi.slic_name_ref), ("msdm", firmware.acpi.msdm_name_ref)):
        if not volume:
            continue
        if volume not in secrets:
            raise Refused(
                field=f"spec.domain.firmware.acpi.{kind}NameRef",
                cause=f"volume {volume!r} is not a secret of this machine",
                remedy="name a volume of type secret",
            )
        tables.append(el("table", text=f"{paths.secret_dir(volume)}/{kind}.bin", type=kind))
    return el("acpi", *tables) if tables else None


def sysinfo(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    """`<sysinfo>`: libvirt takes the uuid of the domain from here."""
    firmware, strings = vmi.spec.domain.firmware, context.smbios
    system = el("system")
    if firmware is not None and firmware.uuid:
        system.append(_entry("uuid", firmware.uuid))
    if firmware is not None and firmware.serial:
        system.append(_entry("serial", firmware.serial))
    for name in ("manufacturer", "family", "product", "sku", "version"):
        system.append(_entry(name, getattr(strings, name)))
    return el("sysinfo", system, el("bios"), el("baseBoard"), _chassis(vmi.spec.domain.chassis), type="smbios")


def _chassis(chassis: Chassis | None) -> Element:
    root = el("chassis")
    if chassis is not None:
        for name in ("manufacturer", "version", "serial", "asset", "sku"):
            if value := getattr(chassis, name):
                root.append(_entry(name, value))
    return root


def _entry(name: str, value: str) -> Element:
    return el("entry", text=value, name=name)
