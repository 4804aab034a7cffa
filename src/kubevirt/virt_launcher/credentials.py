"""Keeps a guest's SSH keys and passwords as the mounted secrets say, through its agent, for as long as it runs.

The kubelet puts new contents of a secret in place by turning a link, some time after the secret has changed; the files
are small, so they are simply read again every few seconds. A guest that boots anew is given everything anew.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json
from kubevirt.machine.access_credentials import AgentCredential
from kubevirt.virt_launcher import guest_agent

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("credentials")

LOOK_EVERY_S = 5.0


class Wanted(msgspec.Struct, kw_only=True):
    """Public keys and passwords by user."""

    keys: dict[str, list[str]] = msgspec.field(default_factory=dict)
    passwords: dict[str, bytes] = msgspec.field(default_factory=dict)


async def keep(
    credentials: list[AgentCredential],
    machine: Machine,
    channel: AgentChannel,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Until cancelled. What is wrong is told in the machine's report, and tried again."""
    done: Wanted | None = None
    boot = 0
    while True:
        await machine.agent_seen.wait()
        if boot != machine.agent_visits:
            boot, done = machine.agent_visits, None
        try:
            wanted = read(credentials)
            if wanted != done:
                if wanted.keys:
                    await _set_all_keys(channel, wanted.keys)
                for user, password in changed_passwords(done, wanted):
                    await _set_password(channel, user, password)
                done = wanted
                log.info("access credentials are in the guest", users=sorted({*wanted.keys, *wanted.passwords}))
                machine.credentials_told("")
        except Problem as problem:
            machine.credentials_told(str(problem))
        await pause(LOOK_EVERY_S)


def read(credentials: Iterable[AgentCredential]) -> Wanted:
    """What the secrets hold now. Raises Problem when one cannot be read."""
    wanted = Wanted()
    for credential in credentials:
        files = contents(Path(credential.directory))
        if credential.is_keys:
            lines = [line.strip() for data in files.values() for line in data.decode(errors="replace").splitlines()]
            for user in credential.key_users:
                known = wanted.keys.setdefault(user, [])
                known += [line for line in dict.fromkeys(lines) if line and line not in known]
        else:
            wanted.passwords |= {user: data.rstrip(b"\r\n") for user, data in files.items()}
    return wanted


def contents(directory: Path) -> Mapping[str, bytes]:
    """The keys of a mounted secret, without what the kubelet keeps beside them. Raises Problem."""
    try:
        files = [file for file in sorted(directory.iterdir()) if not file.name.startswith(".") and file.is_file()]
        return {file.name: file.read_bytes() for file in files}
    except OSError as error:
        raise Problem(
            cause=f"the secret {directory.name.removesuffix('-access-cred')} cannot be read: {error.strerror}",
            remedy="see that it exists and that the launcher pod has it mounted",
        ) from error


def changed_passwords(done: Wanted | None, wanted: Wanted) -> list[tuple[str, bytes]]:
    """Only what the secret has changed: a user may have a password of their own choice by now."""
    before = done.passwords if done is not None else {}
    return [(user, password) for user, password in wanted.passwords.items() if before.get(user) != password]


async def _set_all_keys(channel: AgentChannel, wanted: Mapping[str, list[str]]) -> None:
    if guest_agent.has_key_commands(await guest_agent.ask_about(channel)):
        set_keys = _set_keys
    else:
        from kubevirt.virt_launcher.old_agent_keys import set_keys
    for user, keys in wanted.items():
        await set_keys(channel, user, keys)


async def _set_keys(channel: AgentChannel, user: str, keys: list[str]) -> None:
    """The keys are all that the user has afterwards, so that one that left the secret lets nobody in any more."""
    listed: list[Json] = [*keys]
    await channel.ask("guest-ssh-add-authorized-keys", username=user, keys=listed, reset=True)


async def _set_password(channel: AgentChannel, user: str, password: bytes) -> None:
    encoded = base64.b64encode(password).decode()
    await channel.ask("guest-set-user-password", username=user, password=encoded, crypted=False)
