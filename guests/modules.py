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


def find(directory: Path) -> dict[str, Path]:
    """All modules below a kernel's module directory, by canonical name."""
    return {canonical(path.stem): path for path in directory.rglob("*.ko")}


def read(path: Path) -> Module:
    data = path.read_bytes()
    depends = re.search(rb"\0depends=([^\0]+)\0", data)
    return Module(
        name=canonical(path.stem),
        path=path,
        depends=tuple(map(canonical, depends[1].decode().split(","))) if depends else (),
        aliases=tuple(a.decode() for a in re.findall(rb"(?<=\0)alias=([^\0]+)(?=\0)", data)),
    )


def closure(paths: dict[str, Path], wanted: tuple[str, ...]) -> list[Module]:
    """The wanted modules and all they need, dependencies first. KeyError for a name that the kernel does not have."""
    ordered: dict[str, Module] = {}

    def add(name: str) -> None:
        if name not in ordered:
            module = read(paths[name])
            for needed in module.depends:
                add(needed)
            ordered[name] = module

    for name in wanted:
        add(canonical(name))
    return list(ordered.values())


def without_signature(data: bytes) -> bytes:
    """A module as it was before it was signed; checking the signature is the longer part of loading it in emulation."""
    magic = b"~Module signature appended~\n"
    if not data.endswith(magic):
        return data
    # Before the magic: eight bytes of which the last four are the signature's length.
    head = len(data) - len(magic) - 12
    return data[: head - int.from_bytes(data[head + 8 : head + 12], "big")]


def indexes(directory: Path, chosen: list[Module]) -> dict[str, str]:
    """modules.dep and modules.alias for the chosen modules, by file name."""
    by_name = {m.name: m for m in chosen}

    def needs(module: Module) -> list[Module]:
        """Everything a module needs, what must be loaded first at the end, as depmod writes it."""
        found: dict[str, Module] = {}
        for name in module.depends:
            found |= {m.name: m for m in [by_name[name], *needs(by_name[name])] if m.name not in found}
        return list(found.values())

    dep = []
    for module in sorted(chosen, key=lambda m: m.name):
        paths = [str(m.path.relative_to(directory)) for m in (module, *needs(module))]
        dep.append(f"{paths[0]}: {' '.join(paths[1:])}".rstrip())
    alias = [f"alias {a} {m.name}" for m in sorted(chosen, key=lambda m: m.name) for a in m.aliases]
    return {"modules.dep": "\n".join(dep) + "\n", "modules.alias": "\n".join(alias) + "\n"}
