"""What the domain builder is told besides the VMI: facts about host, pod and cluster that a spec cannot know.

The launcher fills this in from what it finds in its pod; `virtctl render`, which has no pod, takes the defaults,
which stand for an amd64 node with KVM.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubevirt.machine import paths
from kubevirt.machine.network.attachment import NicAttachment


class DiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about the source of one volume. Sizes in bytes, 0 for unknown."""

    image: str = ""  # container disks: the disk's file within the mounted image
    format: str = ""  # of that file, or of the backing file of an overlay: "qcow2", "raw"
    cache: str = ""  # mode for a disk whose spec leaves it open
    io: str = ""
    block: bool = False  # claims: the volume mode is Block
    preallocated: bool = False  # unmapping would undo the allocation
    logical_block_size: int = 0
    physical_block_size: int = 0
    discard_granularity: int = 0


class Smbios(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster's strings for the system table of every guest."""

    manufacturer: str = "KubeVirt"
    family: str = "KubeVirt"
    product: str = "None"
    sku: str = ""
    version: str = ""


class Firmware(msgspec.Struct, frozen=True, kw_only=True):
    """File names of the UEFI firmware in its directory; distributions differ in them."""

    directory: str = paths.OVMF_DIR
    code: str = "OVMF_CODE.fd"
    code_secure: str = "OVMF_CODE.secboot.fd"
    code_confidential: str = "OVMF_CODE.cc.fd"
    vars: str = "OVMF_VARS.fd"
    vars_secure: str = "OVMF_VARS.secboot.fd"
    rom_sev_snp: str = "OVMF.amdsev.fd"
    rom_tdx: str = "OVMF.inteltdx.fd"
    rom_tdx_secure: str = "OVMF.inteltdx.secboot.fd"

    def path(self, file_name: str) -> str:
        return f"{self.directory}/{file_name}"


class HostCell(msgspec.Struct, frozen=True, kw_only=True):
    """A NUMA cell of the host: its CPUs, whole cores as groups of sibling threads, and distances to other cells."""

    id: int
    cores: tuple[tuple[int, ...], ...]
    distances: Mapping[int, int] = msgspec.field(default_factory=dict)

    @property
    def cpus(self) -> frozenset[int]:
        return frozenset(cpu for core in self.cores for cpu in core)


class HostDevices(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses that device plugins allotted to the pod, by resource name, in the order of the environment."""

    pci: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    mediated: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    usb: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    sriov: Mapping[str, str] = msgspec.field(default_factory=dict)  # interface name -> PCI address


class DomainContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the VMI that a domain is made from."""

    kvm: bool = True
    allow_emulation: bool = False
    arch: str = "amd64"  # of the node, in Kubernetes' spelling
    nics: Mapping[str, NicAttachment] = msgspec.field(default_factory=dict)  # by network name
    disks: Mapping[str, DiskFacts] = msgspec.field(default_factory=dict)  # by volume name
    smbios: Smbios = msgspec.field(default_factory=Smbios)
    firmware: Firmware = msgspec.field(default_factory=Firmware)
    balloon_period_s: int = 10  # 0: no statistics
    free_page_reporting: bool = True  # cluster setting
    serial_log: bool = True  # cluster setting; a VMI may decide for itself
    bochs_display_for_efi: bool = False
    firmware_log: bool = False
    pod_cpus: tuple[int, ...] = ()  # what the kubelet gave to a pod with dedicated CPUs
    host_cells: tuple[HostCell, ...] = ()
    host_devices: HostDevices | None = None  # None: unknown, so none is put in
    virtio_vsock_local: bool = False  # the kernel has vsock namespaces: every guest may use the same address
    iommufd: bool = False
    shareable_nvram: str = ""  # where the NVRAM lives when it is kept on a claim

    def disk(self, volume: str) -> DiskFacts:
        return self.disks.get(volume, _UNKNOWN_DISK)


_UNKNOWN_DISK = DiskFacts()
