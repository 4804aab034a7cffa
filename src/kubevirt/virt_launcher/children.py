"""Child processes of a process 1: started without a fork of Python, all reaped, also those nobody here started.

QEMU is started by libvirtd, which detaches it, so the kernel hands it to process 1: its end, and how it ended, is told
here first. asyncio's own child watching would take the same SIGCHLD for known children only.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kubevirt.virt_launcher import programs


class Child(msgspec.Struct, frozen=True):
    pid: int
    name: str
    exited: "asyncio.Future[int]"
    """Its wait status, once it has ended."""


class Children:
    """All children of this process. `on_orphan(pid, wait_status)` hears of the ends of the adopted ones."""

    def __init__(self, *, on_orphan: Callable[[int, int], None]) -> None:
        self._known: dict[int, Child] = {}
        self._on_orphan = on_orphan

    def watch(self) -> None:
        """From now on; those that have ended meanwhile are reaped at once."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)
        self._reap()

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str]) -> Child:
        """Start a program in a process group of its own. Raises OSError."""
        return self.adopt(name, programs.start(argv, env))

    def adopt(self, name: str, pid: int) -> Child:
        """A child of this process that was started before; to be told of before `watch`."""
        child = Child(pid, name, asyncio.get_running_loop().create_future())
        self._known[pid] = child
        return child

    def signal(self, child: Child, number: signal.Signals) -> None:
        """Send a signal, unless the child has been reaped (its number may be someone else's then)."""
        if child.pid in self._known:
            os.kill(child.pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._known.pop(pid, None)
            if child is None:
                self._on_orphan(pid, status)
            elif not child.exited.done():
                child.exited.set_result(status)
