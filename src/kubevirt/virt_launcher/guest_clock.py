"""A guest that was paused goes on with the time at which it stopped; its agent puts it right."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("guest clock")

TRIES = 60
TRY_AGAIN_S = 1.0


async def set_clock(machine: Machine, channel: AgentChannel) -> None:
    """Once, as soon as the agent takes it: right after the pause it may be too busy. Without an agent nothing."""
    for _ in range(TRIES):
        if not machine.now.has_agent:
            return
        try:
            await channel.ask("guest-set-time", time=time.time_ns())
        except Problem as error:
            trouble = error.cause
            await asyncio.sleep(TRY_AGAIN_S)
        else:
            log.info("the guest's clock is set")
            return
    log.warning("the guest's clock could not be set after its pause", cause=trouble)
