"""Kernel modules: a chosen few, everything they depend on, and the two indexes that busybox modprobe reads.

Dependencies and aliases are read from the modules themselves (`.modinfo`), so that no depmod is needed and the alias
index holds only what is there: it is searched at every boot, under emulation.
"""

import re
from dataclasses import dataclass
from pathlib import Path

# What stands before the root file system: every bus and controller a disk of a VirtualMachineInstance can hang on.
BOOT = (
    "virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "ahci", "ata_piix", "ata_generic", "ext4",
    "crc32c_generic", "xhci_pci", "ehci_pci", "uhci_hcd", "usb_storage",
)  # fmt: skip

# The rest of the hardware that the API can ask for and a guest can show.
LATER = (
    "virtio_net", "e1000", "e1000e", "igb", "8139cp", "8139too", "ne2k-pci", "pcnet32",
    "virtio_console", "virtio_balloon", "virtio_rng", "virtio_input", "vmw_vsock_virtio_transport", "virtiofs",
    "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1",
    "button", "evdev", "i6300esb", "usbhid", "hid_generic", "tpm_tis", "tpm_crb", "nvme", "rtc_cmos",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Module:
    name: str
    path: Path
    depends: tuple[str, ...]
    aliases: tuple[str, ...]


def canonical(name: str) -> str:
    return name.replace("-", "_")


def read(directory: Path) -> dict[str, Module]:
    """All modules below a kernel's module directory, by canonical name."""
    found = {}
    for path in directory.rglob("*.ko"):
        data = path.read_bytes()
        depends = re.search(rb"\0depends=([^\0]+)\0", data)
        name = canonical(path.stem)
        found[name] = Module(
            name=name,
            path=path,
            depends=tuple(map(canonical, depends[1].decode().split(","))) if depends else (),
            aliases=tuple(a.decode() for a in re.findall(rb"(?<=\0)alias=([^\0]+)(?=\0)", data)),
        )
    return found


def closure(modules: dict[str, Module], wanted: tuple[str, ...]) -> list[Module]:
    """The wanted modules and all they need, dependencies first. KeyError for a name that the kernel does not have."""
    ordered: dict[str, Module] = {}

    def add(name: str) -> None:
        module = modules[name]
        if name not in ordered:
            for needed in module.depends:
                add(needed)
            ordered[name] = module

    for name in wanted:
        add(canonical(name))
    return list(ordered.values())


def indexes(directory: Path, chosen: list[Module]) -> dict[str, str]:
    """modules.dep and modules.alias for the chosen modules, by file name."""
    by_name = {m.name: m for m in chosen}
    dep = []
    for module in sorted(chosen, key=lambda m: m.name):
        needed = [m for m in closure(by_name, (module.name,)) if m is not module]
        paths = [str(m.path.relative_to(directory)) for m in (module, *reversed(needed))]
        dep.append(f"{paths[0]}: {' '.join(paths[1:])}".rstrip())
    alias = [f"alias {a} {m.name}" for m in sorted(chosen, key=lambda m: m.name) for a in m.aliases]
    return {"modules.dep": "\n".join(dep) + "\n", "modules.alias": "\n".join(alias) + "\n"}
