"""Disks and shared file systems as the guest sees them. What is behind them stands in `volumes`."""

from kubevirt.api.base import Api, required
from kubevirt.api.features import FeatureState


class CustomBlockSize(Api):
    """Sector sizes given by the user, in bytes."""

    discard_granularity: int | None = None
    logical: int | None = None
    physical: int | None = None


class BlockSize(Api):
    """Sector sizes that the guest sees."""

    custom: CustomBlockSize | None = None
    match_volume: FeatureState | None = None


class DiskTarget(Api):
    """Shows the volume as a hard disk."""

    bus: str | None = None
    pci_address: str | None = None
    readonly: bool | None = None


class CDRomTarget(Api):
    """Shows the volume as a CD-ROM."""

    bus: str | None = None
    readonly: bool | None = None
    tray: str | None = None


class LunTarget(Api):
    """Passes a SCSI device through."""

    bus: str | None = None
    readonly: bool | None = None
    reservation: bool | None = None


class Disk(Api):
    """A disk of the guest, backed by the volume of the same name."""

    block_size: BlockSize | None = None
    boot_order: int | None = None
    cache: str | None = None
    cdrom: CDRomTarget | None = None
    changed_block_tracking: bool | None = None
    dedicated_io_thread: bool | None = None
    disk: DiskTarget | None = None
    error_policy: str | None = None
    io: str | None = None
    lun: LunTarget | None = None
    name: str = required(str)
    serial: str | None = None
    shareable: bool | None = None
    tag: str | None = None


class FilesystemVirtiofs(Api):
    """Shares by virtio-fs."""


class Filesystem(Api):
    """A volume of the same name shared with the guest as a file system."""

    name: str = required(str)
    virtiofs: FilesystemVirtiofs = required(FilesystemVirtiofs)
