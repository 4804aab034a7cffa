"""Answers `virt-probe`: is the guest's agent there, and what does a command inside the guest say.

The kubelet starts `virt-probe` in the pod every few seconds, for as long as the machine lives; so it is a tiny program
with a protocol of its own, on a socket beside the link's. A question is one connection: fields that end with a zero
byte (`ping` or `exec`, the seconds it may take, for `exec` the program and its arguments), then the end of the stream.
The answer is the exit code in decimal on a line of its own, then what there is to print.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.machine.domain_report import Reason, State
from kubevirt.virt_launcher import guest_programs

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("probes")

MAX_QUESTION_BYTES = 128 * 1024
MAX_PRINTED_BYTES = 10 * 1024
"""As much as the kubelet reads."""
MAX_SECONDS = 3600.0
WELL, ILL = 0, 1
BENIGN = frozenset({Reason.USER, Reason.MIGRATION, Reason.SAVE, Reason.DUMP, Reason.SNAPSHOT, Reason.STARTING_UP,
                    Reason.POSTCOPY, Reason.FROM_SNAPSHOT})
"""A guest that was paused for one of these is not ill, though its agent cannot answer."""


class GuestProbes:
    """`tell` passes on events about the guest; only a change for the worse is one."""

    def __init__(self, machine: Machine, channel: AgentChannel, tell: Callable[[GuestEvent], None]) -> None:
        self._machine = machine
        self._channel = channel
        self._tell = tell
        self._well = True

    @contextlib.asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        """Answer at `path` while inside."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path, limit=MAX_QUESTION_BYTES)
        path.chmod(0o600)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            question = b""
            while len(question) < MAX_QUESTION_BYTES and (part := await reader.read(MAX_QUESTION_BYTES)):
                question += part
            code, text = await self._answer(question)
            writer.write(f"{code}\n".encode() + text[:MAX_PRINTED_BYTES])
            await writer.drain()

    async def _answer(self, question: bytes) -> tuple[int, bytes]:
        verb, seconds, command = parse(question)
        try:
            async with asyncio.timeout(seconds):
                if verb == "ping":
                    return await self._ping()
                if verb == "exec" and command:
                    return await self._exec(command)
        except TimeoutError:
            return self._failed(verb, f"there was no answer within {seconds:g} s")
        except Problem as problem:
            return self._failed(verb, problem.cause)
        return ILL, b"virt-probe and virt-launcher do not understand each other\n"

    async def _ping(self) -> tuple[int, bytes]:
        now = self._machine.now
        quiet = now.built is not None and now.built.quiet_probes
        if not quiet and not (now.state is State.PAUSED and now.reason in BENIGN):
            await self._channel.ask("guest-ping")
        self._well = True
        return WELL, b""

    async def _exec(self, command: list[str]) -> tuple[int, bytes]:
        """Run a program of the guest; its exit code is the probe's."""
        ended = await guest_programs.run(self._channel, command[0], command[1:])
        return ended.code, ended.printed

    def _failed(self, verb: str, why: str) -> tuple[int, bytes]:
        if verb == "ping" and self._well:
            self._well = False
            name = self._machine.now.options.name
            self._tell(GuestEvent(type="Warning", reason="GuestAgentPingFailed",
                                  message=f"GuestAgentPing probe failed for VMI {name}"))  # fmt: skip
        log.info("a probe failed", probe=verb, cause=why)
        return ILL, f"{why}\n".encode()


def parse(question: bytes) -> tuple[str, float, list[str]]:
    """Verb, seconds and command; an empty verb for what is no question."""
    verb, seconds, *command = [*question.decode(errors="replace").split("\0")[:-1], "", ""]
    if not seconds.replace(".", "", 1).isdecimal():
        return "", MAX_SECONDS, []
    return verb, min(float(seconds), MAX_SECONDS), command[:-2]
