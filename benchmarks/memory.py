"""How much memory each program costs: PSS, so that pages shared between machines are counted once and divided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ProcessMemory:
    """One process: proportional, resident and private memory in bytes, processor seconds since its start."""

    pid: int
    name: str
    pss: int
    rss: int
    private: int
    cpu_s: float


def of_pod(uid: str) -> list[ProcessMemory]:
    """The processes of a pod, found by the pod's uid in their cgroup paths; largest first."""
    mark = {uid, uid.replace("-", "_")}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            groups = (entry / "cgroup").read_text()
            if any(m in groups for m in mark):
                found.append(measure(int(entry.name)))
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
    return sorted(found, key=lambda p: -p.pss)


def measure(pid: int) -> ProcessMemory:
    """One process's memory now; raises FileNotFoundError or ProcessLookupError when it is gone."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return ProcessMemory(
        pid=pid,
        name=program(pid),
        pss=kib["Pss"] * 1024,
        rss=kib["Rss"] * 1024,
        private=(kib["Private_Clean"] + kib["Private_Dirty"]) * 1024,
        cpu_s=(int(stat[11]) + int(stat[12])) / 100,
    )


def program(pid: int) -> str:
    """What runs: for a Python program its module or script, else the program's file."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    names = [Path(word).name for word in words if word and not word.startswith("-")]
    if names and names[0].startswith("python"):
        return names[1] if len(names) > 1 else names[0]
    return names[0] if names else Path(f"/proc/{pid}/comm").read_text().strip()


def guest_memory(qemu_pid: int, guest_bytes: int) -> int:
    """Resident bytes of the guest's own memory in a QEMU process: of the mapping that has the guest's size."""
    resident = size = 0
    for line in Path(f"/proc/{qemu_pid}/smaps").read_text().splitlines():
        if line.startswith("Size:"):
            size = int(line.split()[1]) * 1024
        elif line.startswith("Pss:") and size >= guest_bytes:
            resident = max(resident, int(line.split()[1]) * 1024)
    return resident


def translated_code(qemu_pid: int) -> int:
    """Resident bytes of code that QEMU has translated for an emulated guest: what is writable and executable."""
    resident, is_code = 0, False
    for line in Path(f"/proc/{qemu_pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and len(words) > 1:
            is_code = words[1].startswith("rwx")
        elif is_code and words[0] == "Pss:":
            resident += int(words[1]) * 1024
    return resident
