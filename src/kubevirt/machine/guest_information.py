"""From an agent's report to the API's answers about a guest. Pure."""

from __future__ import annotations

from kubevirt.api.guest_agent import (
    GuestAgentCommandInfo,
    VirtualMachineInstanceFileSystem,
    VirtualMachineInstanceFileSystemDisk,
    VirtualMachineInstanceFileSystemInfo,
    VirtualMachineInstanceFileSystemList,
    VirtualMachineInstanceGuestAgentInfo,
    VirtualMachineInstanceGuestOSUser,
    VirtualMachineInstanceGuestOSUserList,
)
from kubevirt.machine.domain_report import AgentReport, GuestDisk, GuestFilesystem, GuestUser
from kubevirt.machine.status import os_info

AT_A_GLANCE = 10
"""So many users and file systems stand in guestosinfo; the lists of their own hold all."""


def guest_agent_info(agent: AgentReport) -> VirtualMachineInstanceGuestAgentInfo:
    """The answer of guestosinfo."""
    info = VirtualMachineInstanceGuestAgentInfo(
        guest_agent_version=agent.version or None,
        supported_commands=[GuestAgentCommandInfo(name=name, enabled=True) for name in agent.supported_commands],
        hostname=agent.hostname or None,
        timezone=agent.timezone or None,
        user_list=[_user(user) for user in agent.users[:AT_A_GLANCE]],
        fs_info=VirtualMachineInstanceFileSystemInfo(
            disks=[_filesystem(each) for each in agent.filesystems[:AT_A_GLANCE]] or None
        ),
        fs_freeze_status=agent.fs_freeze_status or None,
    )
    if agent.os is not None:
        info.os = os_info(agent.os)
    return info


def user_list(agent: AgentReport) -> VirtualMachineInstanceGuestOSUserList:
    """The answer of userlist."""
    return VirtualMachineInstanceGuestOSUserList(items=[_user(user) for user in agent.users])


def filesystem_list(agent: AgentReport) -> VirtualMachineInstanceFileSystemList:
    """The answer of filesystemlist."""
    return VirtualMachineInstanceFileSystemList(items=[_filesystem(each) for each in agent.filesystems])


def _user(user: GuestUser) -> VirtualMachineInstanceGuestOSUser:
    return VirtualMachineInstanceGuestOSUser(
        user_name=user.user_name, domain=user.domain or None, login_time=user.login_time or None
    )


def _filesystem(found: GuestFilesystem) -> VirtualMachineInstanceFileSystem:
    return VirtualMachineInstanceFileSystem(
        disk_name=found.disk_name,
        mount_point=found.mount_point,
        file_system_type=found.file_system_type,
        used_bytes=found.used_bytes,
        total_bytes=found.total_bytes,
        disk=[_disk(disk) for disk in found.disk],
    )


def _disk(disk: GuestDisk) -> VirtualMachineInstanceFileSystemDisk:
    return VirtualMachineInstanceFileSystemDisk(serial=disk.serial or None, bus_type=disk.bus_type)
