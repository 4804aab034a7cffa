"""What is started before the launcher has loaded itself, so that nobody waits for anybody: libvirtd and the workshop.

The workshop is a fork of the launcher at the earliest moment at which all is there that both need (msgspec, logs, the
link's messages): half of what a new interpreter would have to load once more. At that moment there are no threads, no
event loop and no open files; what else runs later in one of the two is loaded there.
"""

import os
import socket
import subprocess
import sys

import msgspec

from kubevirt.kit import logs
from kubevirt.launcher_link import wire
from kubevirt.virt_launcher import libvirt_files, orders, programs

log = logs.get("launcher")

NEEDED_BY_BOTH = (wire, orders, subprocess)
"""Loaded here, once, for launcher and workshop."""


class Started(msgspec.Struct, frozen=True):
    """Processes that run by now."""

    libvirtd: int
    workshop: int
    orders: socket.socket
    """Where the workshop takes its orders."""


def start() -> Started:
    """Start both. To be called once, and before any thread. Raises OSError."""
    libvirt_files.write()
    libvirtd = programs.start(libvirt_files.COMMAND, libvirt_files.environment(os.environ))
    ours, theirs = socket.socketpair()
    workshop = os.fork()
    if workshop == 0:
        ours.close()
        _work(theirs)
    theirs.close()
    return Started(libvirtd, workshop, ours)


def _work(link: socket.socket) -> None:
    """The rest of the forked process's life."""
    code = 1
    try:
        os.setpgid(0, 0)
        from kubevirt.virt_launcher.workshop.process import serve

        with link, link.makefile("rb") as given, link.makefile("wb") as told:
            serve(given, told)
        code = 0
    finally:
        if (error := sys.exception()) is not None:
            log.error("the workshop has failed", error)
        sys.stderr.flush()
        os._exit(code)
