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
    enabled: bool | None = None
    """False when the guest's owner forbids it."""


class VirtualMachineInstanceGuestOSUser(Api):
    """Somebody logged in inside the guest."""

    user_name: str = required(str)
    domain: str | None = None
    """Windows domain."""
    login_time: float | None = None
    """Seconds since the epoch."""


class VirtualMachineInstanceFileSystemDisk(Api):
    """A disk below a file system."""

    serial: str | None = None
    bus_type: str = required(str)


class VirtualMachineInstanceFileSystem(Api):
    """A file system mounted inside the guest."""

    disk_name: str = required(str)
    mount_point: str = required(str)
    file_system_type: str = required(str)
    used_bytes: int = required(int)
    total_bytes: int = required(int)
    disk: list[VirtualMachineInstanceFileSystemDisk] = []


class VirtualMachineInstanceFileSystemInfo(Api):
    """The file systems; None, written as null, when the agent tells of none."""

    disks: list[VirtualMachineInstanceFileSystem] | None = required(lambda: None)


class VirtualMachineInstanceGuestAgentInfo(Api):
    """Everything that the agent tells at once."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceGuestAgentInfo")
    guest_agent_version: str | None = None
    supported_commands: list[GuestAgentCommandInfo] = []
    hostname: str | None = None
    os: VirtualMachineInstanceGuestOSInfo = present(VirtualMachineInstanceGuestOSInfo)
    timezone: str | None = None
    user_list: list[VirtualMachineInstanceGuestOSUser] = []
    fs_info: VirtualMachineInstanceFileSystemInfo = present(VirtualMachineInstanceFileSystemInfo)
    fs_freeze_status: str | None = None


class ListMetadata(Api):
    """The empty metadata that clients look for in a list."""


class VirtualMachineInstanceGuestOSUserList(Api):
    """The users logged in inside the guest."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceGuestOSUserList")
    metadata: ListMetadata = present(ListMetadata)
    items: list[VirtualMachineInstanceGuestOSUser] = required(list)


class VirtualMachineInstanceFileSystemList(Api):
    """The file systems mounted inside the guest."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceFileSystemList")
    metadata: ListMetadata = present(ListMetadata)
    items: list[VirtualMachineInstanceFileSystem] = required(list)
