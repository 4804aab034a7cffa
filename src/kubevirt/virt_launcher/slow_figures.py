"""Figures that take a second or more to find out: the load of the guest's system, and how fast it changes its memory.

Whoever asks for counters does not wait for them. Each question gets what the last one has brought, and sets off the
next inquiry; while nobody asks, nothing is found out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import State
from kubevirt.machine.domain_stats import LoadStats

if TYPE_CHECKING:
    from kubevirt.virt_launcher.agent_channel import AgentChannel
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost
    from kubevirt.virt_launcher.machine import Machine

log = logs.get("statistics")

LOAD_EVERY_S = 20.0
LOAD_AGAIN_S = 300.0
"""After an agent has not known its load; older ones never do."""
DIRTY_RATE_EVERY_S = 3.0

Spawn = Callable[[Coroutine[object, object, None]], object]
Clock = Callable[[], float]


class _Load(msgspec.Struct):
    """The agent's answer to `guest-get-load`."""

    one: float = msgspec.field(name="load1m")
    five: float = msgspec.field(name="load5m")
    fifteen: float = msgspec.field(name="load15m")


class SlowFigures:
    """Remembers the last answers. `spawn` runs an inquiry beside everything else."""

    def __init__(self, machine: Machine, host: LibvirtHost, channel: AgentChannel, spawn: Spawn, *,
                 clock: Clock = time.monotonic) -> None:
        self.load = LoadStats()
        self._machine = machine
        self._host = host
        self._channel = channel
        self._spawn = spawn
        self._clock = clock
        self._load_due = self._dirty_rate_due = clock()

    def set_off(self) -> None:
        """Begins what is due."""
        now, seen = self._clock(), self._machine.now
        if not seen.has_agent:
            self.load, self._load_due = LoadStats(), now
        if seen.state is not State.RUNNING:
            return
        if seen.has_agent and now >= self._load_due:
            self._load_due = now + LOAD_EVERY_S
            self._spawn(self._ask_load())
        if now >= self._dirty_rate_due:
            self._dirty_rate_due = now + DIRTY_RATE_EVERY_S
            self._spawn(self._measure_dirty_rate())

    async def _ask_load(self) -> None:
        try:
            found = msgspec.json.decode(await self._channel.ask("guest-get-load"), type=_Load)
        except (Problem, msgspec.DecodeError) as error:
            log.debug("the guest agent does not tell its load", cause=str(error))
            self.load, self._load_due = LoadStats(), self._clock() + LOAD_AGAIN_S
            return
        self.load = LoadStats(one_minute=found.one, five_minutes=found.five, fifteen_minutes=found.fifteen)

    async def _measure_dirty_rate(self) -> None:
        try:
            await self._host.measure_dirty_rate()
        except Problem as problem:  # a migration goes on, or the last measurement does
            log.debug("the rate at which memory changes is not measured now", cause=problem.cause)
