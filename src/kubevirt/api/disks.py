"""Disks and shared file systems as the guest sees them. What is behind them stands in `volumes`."""

from kubevirt.api.base import Api, required
from kubevirt.api.features import FeatureState


class CustomBlockSize(Api):
    """Sector sizes given by the user, in bytes."""

    discard_granularity: int | None = None
    """Smallest unit that can be discarded, in bytes; a multiple of the logical size."""
    logical: int | None = None
    """Sector size that the guest addresses, in bytes: a power of two from 512."""
    physical: int | None = None
    """Sector size that the medium works in, in bytes; at least the logical one."""


class BlockSize(Api):
    """Sector sizes that the guest sees."""

    custom: CustomBlockSize | None = None
    """Sizes given by hand."""
    match_volume: FeatureState | None = None
    """Sizes of the storage behind the disk."""


class DiskTarget(Api):
    """Shows the volume as a hard disk."""

    bus: str | None = None
    """virtio, sata, scsi or usb. The default is that of the architecture: sata on amd64."""
    pci_address: str | None = None
    """Fixed PCI address, such as 0000:81:01.0; only for bus virtio."""
    readonly: bool | None = None
    """Whether the guest cannot write."""


class CDRomTarget(Api):
    """Shows the volume as a CD-ROM."""

    bus: str | None = None
    """sata, scsi or usb."""
    readonly: bool | None = None
    """Whether the guest cannot write. The default is true."""
    tray: str | None = None
    """open or closed, which is the default."""


class LunTarget(Api):
    """Passes a SCSI device through."""

    bus: str | None = None
    """scsi, sata or virtio."""
    readonly: bool | None = None
    """Whether the guest cannot write."""
    reservation: bool | None = None
    """Lets the guest make SCSI persistent reservations."""


class Disk(Api):
    """A disk of the guest, backed by the volume of the same name."""

    block_size: BlockSize | None = None
    """Sector sizes."""
    boot_order: int | None = None
    """Place among the devices to boot from; 1 comes first."""
    cache: str | None = None
    """Host cache: none, writethrough or writeback. The default is the fastest safe one of the storage."""
    cdrom: CDRomTarget | None = None
    """Shows the volume as a CD-ROM."""
    changed_block_tracking: bool | None = None
    """Whether changed blocks are tracked."""
    dedicated_io_thread: bool | None = None
    """Gives the disk an I/O thread of its own."""
    disk: DiskTarget | None = None
    """Shows the volume as a hard disk, the default."""
    error_policy: str | None = None
    """What an I/O error does: stop (the default), ignore, report or enospace."""
    io: str | None = None
    """How I/O is done: native or threads."""
    lun: LunTarget | None = None
    """Passes a SCSI device through."""
    name: str = required(str)
    """Name of the volume behind the disk."""
    serial: str | None = None
    """Serial number shown to the guest."""
    shareable: bool | None = None
    """Whether several guests may use the volume at a time."""
    tag: str | None = None
    """Shown to the guest as metadata of the device."""


class FilesystemVirtiofs(Api):
    """Shares by virtio-fs."""


class Filesystem(Api):
    """A volume of the same name shared with the guest as a file system."""

    name: str = required(str)
    """Name of the volume, and tag by which the guest mounts it."""
    virtiofs: FilesystemVirtiofs = required(FilesystemVirtiofs)
    """Shares by virtio-fs."""
