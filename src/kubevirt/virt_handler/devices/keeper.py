"""Which device plugins run: the permanent ones always, those of feature gates while their gate is on and the node has
such a device.

A kind that a node lacks is not offered at all: to the scheduler that is the same as none, and it costs nothing.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks
from kubevirt.virt_handler.devices.nodes import DeviceNode
from kubevirt.virt_handler.devices.plugin import DevicePlugin

LOOK_EVERY_S = 30.0

log = logs.get("device-plugin")


class Keeper:
    """Runs the plugins; `gated()` are the devices whose gates are on at the moment."""

    def __init__(self, tasks: Tasks, directory: Path, *, permanent: list[DeviceNode],
                 gated: Callable[[], list[DeviceNode]]) -> None:
        self._tasks = tasks
        self._directory = directory
        self._gated = gated
        self._running: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self.permanent = [self._start(node) for node in permanent]
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
        wanted = {node.name: node for node in self._gated()}
        for name in self._running.keys() - wanted.keys():
            log.info("device is offered no more: its feature gate is off", device=name)
            self._running.pop(name).cancel()
        for name, node in wanted.items():
            if name not in self._running and node.ids():
                self._running[name] = self._spawn(DevicePlugin(node, self._directory))

    def _start(self, node: DeviceNode) -> DevicePlugin:
        plugin = DevicePlugin(node, self._directory)
        self._spawn(plugin)
        return plugin

    def _spawn(self, plugin: DevicePlugin) -> asyncio.Task[None]:
        return self._tasks.spawn(plugin.run(), name=f"device plugin {plugin.node.name}")
