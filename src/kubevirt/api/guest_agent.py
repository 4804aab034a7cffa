"""What the sub-resources guestosinfo, userlist and filesystemlist answer: a guest as its own agent describes it."""

from kubevirt.api.base import Api, constant, present, required
from kubevirt.api.vmi_status import VirtualMachineInstanceGuestOSInfo

__all__ = [
    "GuestAgentCommandInfo",
    "ListMetadata",
    "VirtualMachineInstanceFileSystem",
    "VirtualMachineInstanceFileSystemDisk",
    "VirtualMachineInstanceFileSystemInfo",
    "VirtualMachineInstanceFileSystemList",
    "VirtualMachineInstanceGuestAgentInfo",
    "VirtualMachineInstanceGuestOSUser",
    "VirtualMachineInstanceGuestOSUserList",
]


class GuestAgentCommandInfo(Api):
    """A command of the agent."""

    name: str = required(str)
    """Name of the command."""
    enabled: bool | None = None
    """False when the guest's owner forbids it."""


class VirtualMachineInstanceGuestOSUser(Api):
    """Somebody logged in inside the guest."""

    user_name: str = required(str)
    """Name of the user."""
    domain: str | None = None
    """Windows domain."""
    login_time: float | None = None
    """Seconds since the epoch."""


class VirtualMachineInstanceFileSystemDisk(Api):
    """A disk below a file system."""

    serial: str | None = None
    """Serial number of the disk."""
    bus_type: str = required(str)
    """Bus of the disk: virtio, scsi, sata, usb..."""


class VirtualMachineInstanceFileSystem(Api):
    """A file system mounted inside the guest."""

    disk_name: str = required(str)
    """Name of the block device inside the guest."""
    mount_point: str = required(str)
    """Where it is mounted."""
    file_system_type: str = required(str)
    """Type of the file system: ext4, xfs, ntfs..."""
    used_bytes: int = required(int)
    """Bytes in use."""
    total_bytes: int = required(int)
    """Size in bytes."""
    disk: list[VirtualMachineInstanceFileSystemDisk] = []
    """The disks below it."""


class VirtualMachineInstanceFileSystemInfo(Api):
    """The file systems; None, written as null, when the agent tells of none."""

    disks: list[VirtualMachineInstanceFileSystem] | None = required(lambda: None)
    """The file systems."""


class VirtualMachineInstanceGuestAgentInfo(Api):
    """Everything that the agent tells at once."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceGuestAgentInfo")
    guest_agent_version: str | None = None
    """Version of the agent."""
    supported_commands: list[GuestAgentCommandInfo] = []
    """The commands it knows."""
    hostname: str | None = None
    """Host name of the guest."""
    os: VirtualMachineInstanceGuestOSInfo = present(VirtualMachineInstanceGuestOSInfo)
    """Operating system of the guest."""
    timezone: str | None = None
    """Time zone of the guest and its offset from UTC in seconds."""
    user_list: list[VirtualMachineInstanceGuestOSUser] = []
    """Users who are logged in."""
    fs_info: VirtualMachineInstanceFileSystemInfo = present(VirtualMachineInstanceFileSystemInfo)
    """The mounted file systems."""
    fs_freeze_status: str | None = None
    """frozen while the guest's file systems are frozen."""


class ListMetadata(Api):
    """The empty metadata that clients look for in a list."""


class VirtualMachineInstanceGuestOSUserList(Api):
    """The users logged in inside the guest."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceGuestOSUserList")
    metadata: ListMetadata = present(ListMetadata)
    items: list[VirtualMachineInstanceGuestOSUser] = required(list)
    """The users."""


class VirtualMachineInstanceFileSystemList(Api):
    """The file systems mounted inside the guest."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceFileSystemList")
    metadata: ListMetadata = present(ListMetadata)
    items: list[VirtualMachineInstanceFileSystem] = required(list)
    """The file systems."""
