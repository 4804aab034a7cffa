"""What the guest's agent tells, in the report's form. Pure, but for `ask_about`.

libvirt gives it flat: {"os.name": ..., "user.count": 2, "user.0.name": ..., "fs.0.mountpoint": ...}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from kubevirt.machine.domain_report import (
    AgentReport,
    GuestDisk,
    GuestFilesystem,
    GuestOs,
    GuestUser,
    ReportedInterface,
)

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel

FIRST_POLL_S = 10.0
MAX_POLL_S = 120.0
FREEZE_POLL_S = 5.0
"""A guest that does not write is soon missed by somebody."""
MAX_LISTED = 10
"""So many users and file systems as the status shows."""


BASIC = frozenset({
    "guest-ping", "guest-get-time", "guest-info", "guest-shutdown", "guest-network-get-interfaces", "guest-get-fsinfo",
    "guest-get-host-name", "guest-get-users", "guest-get-timezone", "guest-get-osinfo",
})  # fmt: skip
KEYS = frozenset({
    "guest-ssh-get-authorized-keys", "guest-ssh-add-authorized-keys", "guest-ssh-remove-authorized-keys",
})  # fmt: skip
KEYS_BY_SHELL = frozenset({
    "guest-exec", "guest-exec-status", "guest-file-open", "guest-file-close", "guest-file-read", "guest-file-write",
})  # fmt: skip
"""What older agents have instead: a shell of the guest can write the keys (`old_agent_keys`)."""
PASSWORDS = frozenset({"guest-set-user-password"})
LACKS = "This guest agent doesn't support required {} commands"


class AgentCommand(msgspec.Struct):
    """A command of the agent, and whether the guest's owner lets it be used."""

    name: str
    enabled: bool = True


class AboutAgent(msgspec.Struct):
    """The agent's answer to `guest-info`."""

    version: str = ""
    supported_commands: list[AgentCommand] = []

    @property
    def offered(self) -> set[str]:
        return {command.name for command in self.supported_commands if command.enabled}


async def ask_about(channel: AgentChannel) -> AboutAgent:
    """What the agent says of itself. Raises Problem."""
    return msgspec.json.decode(await channel.ask("guest-info"), type=AboutAgent)


def has_key_commands(about: AboutAgent) -> bool:
    """The agent writes SSH keys itself. One that does not list its commands is too old for that."""
    return about.offered >= KEYS


def unsupported_because(about: AboutAgent, *, keys: bool = False, passwords: bool = False) -> str:
    """What the agent lacks of what the machine needs (`keys` and `passwords`: for access credentials); empty: nothing.

    An agent that is too old to list its commands is judged by its version.
    """
    if not about.supported_commands:
        if about.version[:2] in ("2.", "3.", "4.", "5."):
            return ""
        return f"Guest agent version '{about.version}' is not supported"
    for needed, ways, what in ((True, (BASIC,), "basic"), (keys, (KEYS, KEYS_BY_SHELL), "public key"),
                               (passwords, (PASSWORDS,), "password")):  # fmt: skip
        if needed and not any(commands <= about.offered for commands in ways):
            return LACKS.format(what)
    return ""


def next_poll_s(previous_s: float) -> float:
    """Often while a guest comes up, seldom later."""
    return min(previous_s * 2, MAX_POLL_S)


def agent_report(
    info: Mapping[str, object], *, at_most: int = MAX_LISTED, about: AboutAgent | None = None
) -> AgentReport:
    """What libvirt and the agent itself told; `at_most` so many users and file systems."""
    about = about or AboutAgent()
    return AgentReport(
        version=about.version,
        supported_commands=[command.name for command in about.supported_commands if command.enabled],
        connected=True,
        hostname=_text(info, "hostname"),
        timezone=_text(info, "timezone.name"),
        os=_os(info),
        users=[_user(info, i) for i in range(min(_number(info, "user.count"), at_most))],
        filesystems=[_filesystem(info, i) for i in range(min(_number(info, "fs.count"), at_most))],
    )


def guest_interfaces(found: Mapping[str, Mapping[str, object]]) -> list[ReportedInterface]:
    """The guest's interfaces except its loopback; addresses without their prefix lengths."""
    return [
        ReportedInterface(
            mac=_text(facts, "hwaddr"),
            interface_name=name,
            ip_addresses=_addresses(facts.get("addrs")),
            info_source=["guest-agent"],
        )
        for name, facts in found.items()
        if name != "lo"
    ]


def _addresses(listed: object) -> list[str]:
    if not isinstance(listed, list):
        return []
    return [str(entry["addr"]) for entry in listed if isinstance(entry, dict) and "addr" in entry]


def _os(info: Mapping[str, object]) -> GuestOs | None:
    if not any(key.startswith("os.") for key in info):
        return None
    return GuestOs(
        id=_text(info, "os.id"),
        name=_text(info, "os.name"),
        pretty_name=_text(info, "os.pretty-name"),
        version=_text(info, "os.version"),
        version_id=_text(info, "os.version-id"),
        kernel_release=_text(info, "os.kernel-release"),
        kernel_version=_text(info, "os.kernel-version"),
        machine=_text(info, "os.machine"),
    )


def _user(info: Mapping[str, object], i: int) -> GuestUser:
    return GuestUser(
        user_name=_text(info, f"user.{i}.name"),
        domain=_text(info, f"user.{i}.domain"),
        login_time=_number(info, f"user.{i}.login-time") / 1000,
    )


def _filesystem(info: Mapping[str, object], i: int) -> GuestFilesystem:
    disks = range(_number(info, f"fs.{i}.disk.count"))
    return GuestFilesystem(
        disk_name=_text(info, f"fs.{i}.name"),
        mount_point=_text(info, f"fs.{i}.mountpoint"),
        file_system_type=_text(info, f"fs.{i}.fstype"),
        used_bytes=_number(info, f"fs.{i}.used-bytes"),
        total_bytes=_number(info, f"fs.{i}.total-bytes"),
        disk=[
            GuestDisk(serial=_text(info, f"fs.{i}.disk.{n}.serial"), bus_type=_text(info, f"fs.{i}.disk.{n}.bus"))
            for n in disks
        ],
    )


def _text(info: Mapping[str, object], key: str) -> str:
    value = info.get(key, "")
    return value if isinstance(value, str) else ""


def _number(info: Mapping[str, object], key: str) -> int:
    value = info.get(key, 0)
    return value if isinstance(value, int) else 0
