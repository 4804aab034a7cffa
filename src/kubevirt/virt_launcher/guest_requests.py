"""What users ask about and of a running guest: its agent's facts, frozen file systems, a picture of its screen.

Apart from `machine`, since none of it changes whether the guest lives. A freeze has an end even when nobody asks for
it: a guest whose file systems stay frozen hangs sooner or later, so a timer of the launcher thaws them.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import FreezeRequest, Nothing, Screenshot, ScreenshotRequest
from kubevirt.launcher_link.wire import decode_body
from kubevirt.virt_launcher import guest_agent
from kubevirt.virt_launcher.agent_channel import AgentChannel
from kubevirt.virt_launcher.guest_agent import AboutAgent

if TYPE_CHECKING:
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("guest")

MANY = 1000
"""Users and file systems that an answer lists; more than any guest has, and a bound all the same."""
KEY_LEFT_SHIFT = 42
WAKES_WITHIN_S = 0.3
FROZEN = "frozen"
THAW_AGAIN_S = 5.0


class GuestRequests:
    """Answers to the link's verbs about the guest. All raise Problem."""

    def __init__(self, machine: Machine, host: LibvirtHost) -> None:
        self._machine = machine
        self._host = host
        self._channel = AgentChannel(host)
        self._thaw: asyncio.TimerHandle | None = None
        self._thawing: asyncio.Task[None] | None = None

    async def info(self, _body: bytes) -> msgspec.Struct:
        """The agent's facts, asked for now."""
        self._expect_agent()
        about = await self._about()
        found = await self._host.guest_info()
        report = guest_agent.agent_report(found, at_most=MANY, about=about)
        with contextlib.suppress(Problem):  # an agent may lack the command, or its owner forbids it
            report.fs_freeze_status = await self._freeze_status()
        return report

    async def freeze(self, body: bytes) -> msgspec.Struct:
        """Freeze; doing so again only sets the end anew."""
        request = decode_body(FreezeRequest, body)
        self._expect_agent()
        if await self._freeze_status() != FROZEN:
            await self._host.freeze()
            log.info("file systems frozen", for_at_most_s=request.unfreeze_after_s or None)
        self._machine.file_systems(FROZEN)
        self._thaw_after(request.unfreeze_after_s)
        return Nothing()

    async def unfreeze(self, _body: bytes) -> msgspec.Struct:
        """Thaw; of file systems that are not frozen nothing is asked."""
        self._expect_agent()
        self._thaw_after(0)
        await self._let_go()
        return Nothing()

    async def screenshot(self, body: bytes) -> msgspec.Struct:
        """A picture of the screen as it is."""
        request = decode_body(ScreenshotRequest, body)
        if not self._machine.now.is_alive:
            raise Problem(cause="Domain not found.", remedy="the guest is not running; start the machine first")
        if request.wake:
            await self._host.press_key(KEY_LEFT_SHIFT)
            await asyncio.sleep(WAKES_WITHIN_S)
        mime, data = await self._host.screenshot()
        return Screenshot(mime=mime, data=data)

    def _thaw_after(self, seconds: float) -> None:
        if self._thaw is not None:
            self._thaw.cancel()
        if self._thawing is not None:
            self._thawing.cancel()
        self._thaw = asyncio.get_running_loop().call_later(seconds, self._time_is_up) if seconds > 0 else None

    def _time_is_up(self) -> None:
        self._thawing = asyncio.create_task(self._thaw_unasked(), name="thaw")

    async def _thaw_unasked(self) -> None:
        """A guest whose agent is busy just then must not stay frozen for ever."""
        while self._machine.now.is_alive and self._machine.frozen.is_set():
            try:
                await self._let_go()
            except Problem as problem:
                log.warning("frozen file systems could not be thawed in time", cause=problem.cause)
                await asyncio.sleep(THAW_AGAIN_S)
            else:
                log.info("file systems thawed because nobody did in time")

    async def _let_go(self) -> None:
        await self._host.thaw()
        self._machine.file_systems("")

    async def _about(self) -> AboutAgent:
        try:
            return await guest_agent.ask_about(self._channel)
        except Problem as error:
            log.info("the guest agent does not describe itself", cause=error.cause)
            return AboutAgent()

    async def _freeze_status(self) -> str:
        return msgspec.json.decode(await self._channel.ask("guest-fsfreeze-status"), type=str)

    def _expect_agent(self) -> None:
        if not self._machine.now.has_agent:
            raise Problem(
                cause="VMI does not have guest agent connected",
                remedy="install and start qemu-guest-agent in the guest",
            )
