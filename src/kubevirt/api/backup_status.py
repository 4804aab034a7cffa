"""Backups of a running instance, as they show in its status."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, Time, required


class VirtualMachineInstanceBackupVolumeInfo(Api):
    """A volume that is part of a backup."""

    volume_name: str = required(str)
    """Name of the volume in spec."""


class VirtualMachineInstanceBackupStatus(Api):
    """The backup in progress, or the last one."""

    backup_msg: str = ""
    """How it goes or went, as a sentence."""
    backup_name: str = ""
    """Name of the backup object."""
    checkpoint_name: str = ""
    """The checkpoint from which later backups can be incremental."""
    completed: bool | None = None
    """The backup is over, well or not."""
    end_timestamp: Time | None = None
    """When it ended."""
    failed: bool | None = None
    """It ended without a usable backup."""
    quiesce_status: str = ""
    """Whether the guest's file systems were frozen for it."""
    start_timestamp: Time | None = None
    """When it began."""
    volumes: Annotated[list[VirtualMachineInstanceBackupVolumeInfo], Atomic] = []
    """The volumes that are backed up."""


class ChangedBlockTrackingStatus(Api):
    """Whether changed blocks are tracked for incremental backups."""

    backup_status: Annotated[VirtualMachineInstanceBackupStatus | None, Nullable] = None
    """The backup in progress, or the last one."""
    state: str = required(str)
    """Whether changed blocks are tracked, or what stands in the way."""
