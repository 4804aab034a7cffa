"""The libvirt daemon of this pod: watched, and started again should it die.

A guest does not notice its daemon's end; the new one finds it again by the files in the run directory. The first one is
started before there is an event loop: see `early`.
"""

import asyncio
import os

from kubevirt.kit import logs
from kubevirt.virt_launcher import libvirt_files
from kubevirt.virt_launcher.children import Child, Children

log = logs.get("libvirtd")

URI = f"qemu+unix:///session?socket={libvirt_files.SOCKET}"
RESTART_AFTER_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""The last one is repeated. A daemon that lived for a minute starts anew at the first."""


class LibvirtDaemon:
    """Keeps one libvirtd running, beginning with one that has been started."""

    def __init__(self, children: Children, first: Child) -> None:
        self._children = children
        self._child = first

    async def keep(self) -> None:
        """Start another whenever it dies, until cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            born = loop.time()
            status = await self._child.exited
            if loop.time() - born > 60:
                attempt = 0
            pause = RESTART_AFTER_S[min(attempt, len(RESTART_AFTER_S) - 1)]
            attempt += 1
            log.warning("libvirtd died, the guest goes on; starting another", wait_status=status, pause_s=pause)
            await asyncio.sleep(pause)
            env = libvirt_files.environment(os.environ)
            self._child = self._children.spawn("libvirtd", libvirt_files.COMMAND, env=env)
