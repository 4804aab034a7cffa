"""What can be seen of guests on the machine itself: processes, mounts and files of pods.

The nodes of a localkube are namespaces of this machine, so all their processes stand in its process table. On another
kind of cluster these observations are not available, and the tests that need them say so.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

GUEST_PROGRAMS = ("qemu-system", "virt-launcher")
"""Those of a guest that name its namespace. libvirtd does not; it cannot outlive the launcher, process 1 of its pod."""


@dataclass(frozen=True)
class Process:
    """A process of this machine."""

    pid: int
    command: str

    def __repr__(self) -> str:
        return f"<{self.pid} {self.command[:100]}>"

    def kill(self) -> None:
        """SIGKILL, unless it has ended: with the first process of a pod the others go too."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def processes(*words: str) -> list[Process]:
    """The processes whose command line holds all of these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it ended while we looked
            continue
        if command and all(word in command for word in words):
            found.append(Process(int(entry.name), command))
    return found


def qemu_of(namespace: str, vmi: str) -> list[Process]:
    """The QEMU processes of an instance."""
    return processes("qemu-system", f"guest={namespace}_{vmi},")


def guest_processes(namespace: str) -> list[Process]:
    """Every process that exists only for guests of a namespace."""
    found = [p for word in GUEST_PROGRAMS for p in processes(word) if is_program(p, word)]
    marks = (f"guest={namespace}_", f"--namespace {namespace} ", f"--namespace={namespace} ")
    return [p for p in found if any(mark in f"{p.command} " for mark in marks)]


def is_program(process: Process, word: str) -> bool:
    """Whether the program itself is meant, not somebody who names it in an argument."""
    first_two = process.command.split(" ")[:3]
    return any(Path(part).name.startswith(word) for part in first_two)


def mounts_of_pod(uid: str) -> list[str]:
    """Mount points of a pod, seen in any mount namespace of this machine."""
    found: set[str] = set()
    seen: set[str] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            namespace = os.readlink(entry / "ns/mnt")  # noqa: PTH115 - the link's text is the namespace's name
            if namespace in seen:
                continue
            seen.add(namespace)
            lines = (entry / "mounts").read_text(errors="replace").splitlines()
        except OSError:
            continue
        found |= {line.split(" ")[1] for line in lines if uid in line}
    return sorted(found)
