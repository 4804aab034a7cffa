"""Which device plugins run: the permanent ones always, others while the configuration asks for them (by a feature gate,
or as a permitted host device) and the node has such a device.

A kind that a node lacks is not offered at all: to the scheduler that is the same as none, and it costs nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks
from kubevirt.virt_handler.devices.offer import Offer
from kubevirt.virt_handler.devices.plugin import DevicePlugin

LOOK_EVERY_S = 30.0

log = logs.get("device-plugin")


class Keeper:
    """Runs the plugins; `asked_for()` is what the configuration asks for at the moment."""

    def __init__(self, tasks: Tasks, directory: Path, *, permanent: Sequence[Offer],
                 asked_for: Callable[[], Sequence[Offer]]) -> None:
        self._tasks = tasks
        self._directory = directory
        self._asked_for = asked_for
        self._running: dict[str, tuple[Offer, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self.permanent = [self._start(offer) for offer in permanent]
        """The plugins without which no guest can run here."""

    def look_again(self) -> None:
        """The configuration may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Keep to the configuration until cancelled."""
        while True:
            self._changed.clear()
            self._settle()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _settle(self) -> None:
        wanted = {offer.name: offer for offer in self._asked_for()}
        for name, (offer, task) in list(self._running.items()):
            if wanted.get(name) != offer:
                log.info("device is offered no more, or otherwise", device=name)
                task.cancel()
                del self._running[name]
        for name, offer in wanted.items():
            if name not in self._running and offer.ids():
                self._running[name] = (offer, self._spawn(DevicePlugin(offer, self._directory)))

    def _start(self, offer: Offer) -> DevicePlugin:
        plugin = DevicePlugin(offer, self._directory)
        self._spawn(plugin)
        return plugin

    def _spawn(self, plugin: DevicePlugin) -> asyncio.Task[None]:
        return self._tasks.spawn(plugin.run(), name=f"device plugin {plugin.offer.name}")
