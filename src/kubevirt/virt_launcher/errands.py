"""What a guest does slowly: shutting down and booting anew, asked of it through its agent.

libvirt comes back from such a call only when the guest is down, or after a minute. Nobody waits for that: a grace
period that ends meanwhile must find libvirt free to kill the guest. Loaded with the first errand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem

if TYPE_CHECKING:
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost

log = logs.get("errands")

REFUSED_WITHIN_S = 2.0
"""A call that lasts longer has been accepted."""

Spawn = Callable[[Coroutine[object, object, None]], asyncio.Task[None]]


class Errands:
    """At most one at a time. `spawn` runs one beside everything else."""

    def __init__(self, host: LibvirtHost, spawn: Spawn) -> None:
        self._host = host
        self._spawn = spawn
        self._under_way: asyncio.Task[None] | None = None

    async def press_power_button(self, *, agent: bool) -> None:
        """Ask the guest to shut down, through its agent if it has one that is not at it already. Raises Problem when it
        is refused."""
        if agent and self._is_free():
            await self._begin(self._host.press_power_button(agent=True), "shutdown")
        else:
            await self._host.press_power_button(agent=False)

    async def reboot(self, *, agent: bool) -> None:
        """Ask the guest to boot anew. Raises Problem when it is refused."""
        if not agent:
            await self._host.reboot(agent=False)
        elif self._is_free():
            await self._begin(self._host.reboot(agent=True), "reboot")
        else:
            log.info("the guest's agent is busy with what it was asked before")

    def _is_free(self) -> bool:
        return self._under_way is None or self._under_way.done()

    async def _begin(self, work: Awaitable[None], what: str) -> None:
        trouble: list[Problem] = []

        async def carry_out() -> None:
            try:
                await work
            except Problem as problem:
                trouble.append(problem)
                log.info("the guest's agent did not do it", errand=what, cause=problem.cause)

        self._under_way = self._spawn(carry_out())
        await asyncio.wait({self._under_way}, timeout=REFUSED_WITHIN_S)
        if trouble:
            raise trouble[0]
