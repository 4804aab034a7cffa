"""Runs a program inside the guest, through its agent, and waits for its end.

Loaded by the launchers that do: for probes, and for access credentials where the agent is an old one.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kubevirt.kit.json import Json
    from kubevirt.virt_launcher.agent_channel import AgentChannel

ASK_AGAIN_S = 0.1
KILLED = 1


class Ended(msgspec.Struct, frozen=True):
    """How the program ended, and what it printed: first its standard output, then its standard error."""

    code: int
    printed: bytes


class _Started(msgspec.Struct):
    pid: int


class _Status(msgspec.Struct, rename="kebab"):
    exited: bool
    exitcode: int = KILLED
    signal: int = 0
    out_data: str = ""
    err_data: str = ""


async def run(channel: AgentChannel, program: str, arguments: Sequence[str], *, given: bytes = b"") -> Ended:
    """`given` is its standard input. A program that a signal ended counts as one that failed. Raises Problem."""
    listed: list[Json] = [*arguments]
    more: dict[str, Json] = {"input_data": base64.b64encode(given).decode()} if given else {}
    answer = await channel.ask("guest-exec", path=program, arg=listed, capture_output=True, **more)
    pid = msgspec.json.decode(answer, type=_Started).pid
    while True:
        status = msgspec.json.decode(await channel.ask("guest-exec-status", pid=pid), type=_Status)
        if status.exited:
            printed = base64.b64decode(status.out_data) + base64.b64decode(status.err_data)
            return Ended(KILLED if status.signal else status.exitcode, printed)
        await asyncio.sleep(ASK_AGAIN_S)
