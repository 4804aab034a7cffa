"""Commands of the guest agent itself, for what libvirt has no call for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit.json import Json

if TYPE_CHECKING:
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost


class _Command(msgspec.Struct, omit_defaults=True):
    execute: str
    arguments: dict[str, Json] = {}


class _Returned(msgspec.Struct):
    """The frame around every answer of the agent."""

    return_: msgspec.Raw = msgspec.field(name="return", default=msgspec.Raw(b"null"))


class AgentChannel:
    """Commands go one after another, and each has its time-out. All raise HostError."""

    def __init__(self, host: LibvirtHost) -> None:
        self._host = host

    async def ask(self, command: str, **arguments: Json) -> msgspec.Raw:
        """The undecoded answer. Underscores in names of arguments stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        order = msgspec.json.encode(_Command(execute=command, arguments=named)).decode()
        return msgspec.json.decode(await self._host.agent_command(order), type=_Returned).return_
