"""An agent's report as the API's answers: guestosinfo, userlist, filesystemlist."""

from __future__ import annotations

import pytest

from kubevirt.api import codec
from kubevirt.kit.json import JsonObject
from kubevirt.machine.domain_report import AgentReport, GuestDisk, GuestFilesystem, GuestOs, GuestUser
from kubevirt.machine.guest_information import filesystem_list, guest_agent_info, user_list

ROOT = GuestFilesystem(
    disk_name="vda1", mount_point="/", file_system_type="ext4", used_bytes=3, total_bytes=9,
    disk=[GuestDisk(serial="D1", bus_type="virtio")],
)  # fmt: skip
FULL = AgentReport(
    connected=True, version="9.2.0", supported_commands=["guest-ping"], hostname="web", timezone="UTC",
    fs_freeze_status="thawed", os=GuestOs(id="debian", pretty_name="Debian"),
    users=[GuestUser(user_name="alice", login_time=1.5)] * 12, filesystems=[ROOT] * 12,
)  # fmt: skip


def test_everything() -> None:
    info = codec.to_builtins(guest_agent_info(FULL))
    assert info["guestAgentVersion"] == "9.2.0"
    assert info["supportedCommands"] == [{"name": "guest-ping", "enabled": True}]
    assert info["os"] == {"id": "debian", "prettyName": "Debian"}
    assert info["userList"] == [{"userName": "alice", "loginTime": 1.5}] * 10
    assert info["fsInfo"] == {
        "disks": [
            {
                "diskName": "vda1",
                "mountPoint": "/",
                "fileSystemType": "ext4",
                "usedBytes": 3,
                "totalBytes": 9,
                "disk": [{"serial": "D1", "busType": "virtio"}],
            }
        ] * 10
    }
    assert info["fsFreezeStatus"] == "thawed"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            codec.to_builtins(guest_agent_info(AgentReport())),
            {
                "apiVersion": "kubevirt.io/v1",
                "kind": "VirtualMachineInstanceGuestAgentInfo",
                "os": {},
                "fsInfo": {"disks": None},
            },
            id="os and fsInfo are there even when nothing is known",
        ),
        pytest.param(
            codec.to_builtins(user_list(AgentReport())),
            {
                "apiVersion": "kubevirt.io/v1",
                "kind": "VirtualMachineInstanceGuestOSUserList",
                "metadata": {},
                "items": [],
            },
            id="nobody is logged in",
        ),
        pytest.param(
            codec.to_builtins(filesystem_list(AgentReport()))["items"], [], id="no file system is told of"
        ),
    ],
)
def test_little_is_known(answer: JsonObject, expected: JsonObject) -> None:
    assert answer == expected


def test_lists_of_their_own_are_whole() -> None:
    assert len(user_list(FULL).items) == len(filesystem_list(FULL).items) == 12
