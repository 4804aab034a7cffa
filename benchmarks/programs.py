"""Programs that are watched while they work: memory and processor time of ours, processor time of Kubernetes' own.

What one machine with few processors can carry is decided by the sum of all of them, so a page that shows the cost of
one program shows the others' beside it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks import memory
from benchmarks.page import line
from kubevirt.api.resources import LEASES, PODS
from kubevirt.kube.client import Client

INSTALLATION = "kubevirt"
KUBERNETES = ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(kw_only=True)
class Program:
    """One of our programs while it is watched: memory in bytes, processor seconds since the watch began."""

    pod: str
    pid: int
    at_first: memory.ProcessMemory
    highest: memory.ProcessMemory

    @classmethod
    async def find(cls, client: Client, name: str) -> list[Program]:
        """The processes of all copies; the one that leads, or else has worked most, comes first."""
        leases = {lease.metadata.name: lease for lease in await client.list(LEASES, INSTALLATION)}
        leader = leases[name].spec.holder_identity if name in leases else ""
        found = [cls(pod=pod.metadata.name, pid=process.pid, at_first=process, highest=process)
                 for pod in await client.list(PODS, INSTALLATION, labels=f"kubevirt.io={name}")
                 for process in memory.of_pod(pod.metadata.uid)]
        return sorted(found, key=lambda program: (program.pod == leader, program.at_first.cpu_s), reverse=True)

    def look(self) -> memory.ProcessMemory:
        """What it takes now."""
        found = memory.measure(self.pid)
        if found.rss > self.highest.rss:
            self.highest = found
        return found


class Processors:
    """Processor seconds of everybody who takes part, since this was made."""

    def __init__(self, binaries: Path, ours: dict[str, list[Program]]) -> None:
        self._pids = {name: [pid] for name in KUBERNETES if (pid := pid_of(binaries / name))}
        self._pids |= {name: [program.pid for program in copies] for name, copies in ours.items()}
        self._pids["the simulation itself"] = [os.getpid()]
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {name: sum(map(spent_s, pids)) for name, pids in self._pids.items()}

    def spent(self) -> dict[str, float]:
        """By program; starts anew for the next question."""
        before, self._before = self._before, self._now()
        return {name: self._before[name] - before[name] for name in self._before}

    def print(self, took_s: float, count: int) -> None:
        """One line a program: seconds, the part of one processor, and per instance."""
        spent = self.spent()
        for name, seconds in sorted(spent.items(), key=lambda entry: -entry[1]):
            line(f"  processor seconds: {name}", f"{seconds:.1f} s",
                 f"{seconds / took_s:.0%} of a processor, {seconds / count * 1000:.1f} ms an instance")
        line("  processor seconds: together", f"{sum(spent.values()):.1f} s",
             f"{sum(spent.values()) / took_s:.0%} of a processor; the machine has {os.cpu_count()}")


def pid_of(binary: Path) -> int:
    """The process that runs this file; 0 when there is none (a cluster on other machines)."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cmdline").read_bytes().split(b"\0", 1)[0] == str(binary).encode():
                return int(entry.name)
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
    return 0


def spent_s(pid: int) -> float:
    """Processor seconds of a process since its start, all threads, both modes."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / CLOCK_TICKS
