"""Asks the guest's agent about the guest, for as long as there is an agent: often at first, seldom later."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import AgentReport, State
from kubevirt.virt_launcher import guest_agent

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("guest agent")

THAWED = "thawed"


class AgentWatch:
    """What it learns goes to `machine.agent_told`."""

    def __init__(self, machine: Machine, host: LibvirtHost, channel: AgentChannel) -> None:
        self._machine = machine
        self._host = host
        self._channel = channel
        self._unsupported = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._machine.agent_seen.wait()
            await self._judge()
            pause = guest_agent.FIRST_POLL_S
            while self._machine.agent_seen.is_set():
                if self._machine.now.state is State.RUNNING and not self._machine.frozen.is_set():
                    await self._ask()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._watch_freeze()
                pause = guest_agent.next_poll_s(pause)

    async def _watch_freeze(self) -> None:
        """Until cancelled: notice that a guest which was frozen has thawed by itself, or by somebody inside."""
        while True:
            await self._machine.frozen.wait()
            await asyncio.sleep(guest_agent.FREEZE_POLL_S)
            if not self._machine.frozen.is_set():
                continue
            try:
                status = msgspec.json.decode(await self._channel.ask("guest-fsfreeze-status"), type=str)
            except Problem as problem:
                log.info("the guest agent does not say whether file systems are frozen", cause=problem.cause)
                continue
            if status == THAWED:
                log.info("the guest's file systems were thawed inside the guest")
                self._machine.file_systems("")

    async def _judge(self) -> None:
        """Whether the agent can do what the machine needs; once for each time it comes."""
        self._unsupported = ""
        try:
            about = await guest_agent.ask_about(self._channel)
        except Problem as problem:
            log.info("the guest agent does not describe itself", cause=problem.cause)
            return
        built = self._machine.now.built
        credentials = built.credentials if built is not None else []
        self._unsupported = guest_agent.unsupported_because(
            about, keys=any(c.is_keys for c in credentials), passwords=any(not c.is_keys for c in credentials)
        )

    async def _ask(self) -> None:
        try:
            info = await self._host.guest_info()
            interfaces = await self._host.guest_interfaces()
        except Problem as problem:
            log.info("the guest agent gave no answer", cause=problem.cause)
            if not self._machine.now.has_agent:
                self._machine.agent_told(self._report({}))
            return
        self._machine.agent_told(self._report(info), tuple(guest_agent.guest_interfaces(interfaces)))

    def _report(self, info: dict[str, object]) -> AgentReport:
        report = guest_agent.agent_report(info)
        report.supported, report.unsupported_because = not self._unsupported, self._unsupported
        return report
