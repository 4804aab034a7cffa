"""The cluster's control groups: by them its processes are found, whatever became of their parents.

Both generations are served: with v1 every mounted hierarchy gets the same path; with v2 the one hierarchy gets it, and
hands its controllers down. Paths begin with the cluster's tag, so a scan of /proc/*/cgroup finds every process of it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from localkube.errors import Problem

ROOT = Path("/sys/fs/cgroup")


def is_v2() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """The roots under which a group's path has to be made."""
    if is_v2():
        return [ROOT]
    found = [
        path for path in sorted(ROOT.iterdir())
        if path.name != "unified" and not path.is_symlink() and (path / "cgroup.procs").exists()
    ] if ROOT.is_dir() else []  # fmt: skip
    if not {"cpu", "memory", "pids"} <= {part for path in found for part in path.name.split(",")}:
        raise Problem(
            cause="no control groups are mounted under /sys/fs/cgroup, and a kubelet cannot work without them",
            remedy="mount them (Debian: boot with systemd, or 'apt-get install cgroupfs-mount')",
        )
    return found


def create(path: str) -> None:
    """Make the group `path` ("/tag/node1") in every hierarchy."""
    for hierarchy in hierarchies():
        current = hierarchy
        for part in Path(path.lstrip("/")).parts:
            if is_v2():
                _hand_down(current)
            parent, current = current, current / part
            current.mkdir(exist_ok=True)
            if hierarchy.name == "cpuset":
                _inherit_cpuset(parent, current)


def join_command(path: str) -> str:
    """A shell line by which a process puts itself into the group before it becomes something else."""
    files = " ".join(str(hierarchy / path.lstrip("/") / "cgroup.procs") for hierarchy in hierarchies())
    return f'for group in {files}; do echo $$ > "$group" || exit 97; done'


def processes(path: str) -> list[int]:
    """Every process in the group or below it, in any hierarchy."""
    found = []
    prefix = path.rstrip("/")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            lines = (entry / "cgroup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        places = {line.split(":", 2)[2] for line in lines}
        if any(place == prefix or place.startswith(prefix + "/") for place in places):
            found.append(int(entry.name))
    return found


def kill(path: str, *, within_s: float = 60) -> None:
    """Kill -9 every process of the group until none is left."""
    deadline = time.monotonic() + within_s
    while pids := [pid for pid in processes(path) if pid != os.getpid()]:
        if time.monotonic() > deadline:
            raise Problem(
                cause=f"processes {pids} of {path} do not die", remedy="see what they wait for: cat /proc/PID/stack"
            )
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def remove(path: str, *, within_s: float = 60) -> None:
    """Remove the group and all below it; its processes must be gone."""
    deadline = time.monotonic() + within_s
    for root in _places(path):
        while root.exists():
            for directory, _, _ in os.walk(root, topdown=False):
                try:
                    Path(directory).rmdir()
                except OSError:
                    # A process that has just died may hold its group for a moment longer.
                    if time.monotonic() > deadline:
                        raise
            time.sleep(0.01)


def exists(path: str) -> bool:
    return any(place.exists() for place in _places(path))


def _places(path: str) -> list[Path]:
    """Where the group may be: also in an otherwise empty v2 hierarchy beside v1's, in which runc makes groups, too."""
    roots = [ROOT, *ROOT.iterdir()] if ROOT.is_dir() else []
    return [root / path.lstrip("/") for root in roots if root.is_dir() and not root.is_symlink()]


def _hand_down(group: Path) -> None:
    available = (group / "cgroup.controllers").read_text().split()
    wanted = [f"+{name}" for name in available]
    (group / "cgroup.subtree_control").write_text(" ".join(wanted))


def _inherit_cpuset(parent: Path, child: Path) -> None:
    """A new v1 cpuset is empty, and nothing can run in it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (child / name).read_text().strip():
            (child / name).write_text((parent / name).read_text())
