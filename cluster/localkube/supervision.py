"""Groups of programs under one `supervise` process: written down as JSON, started, asked after, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localkube import cgroups
from localkube.errors import Problem

# Nothing of the terminal that `localkube up` was typed into reaches the cluster.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8"}
# In the ninth field of /proc/PID/stat, which proc(5) takes from the kernel's include/linux/sched.h.
_PF_EXITING = 0x4
PATIENCE_S = 60
"""How long a process may take to begin: moments, but not on a machine with ten times more to do than it can."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to be kept running. `wait_for`: a socket or host:port that must answer before it is started."""

    name: str
    args: Sequence[str]
    env: Sequence[str] = field(default_factory=list)
    wait_for: str = ""


def write_configuration(path: Path, programs: Sequence[Program], *, logs: Path, run: Path) -> None:
    """Write the configuration of `supervise`."""
    document = {"log_dir": str(logs), "run_dir": str(run), "programs": [asdict(program) for program in programs]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def start(command: Sequence[str], *, group: str, log: Path, pid_file: Path) -> int:
    """Start a command inside a control group, a child of nobody here, and remember it by `pid_file`."""
    cgroups.create(group)
    log.parent.mkdir(parents=True, exist_ok=True)
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.unlink(missing_ok=True)
    note_pid = 'echo $$ $(cut -d" " -f22 /proc/$$/stat) > "$1.new"; mv "$1.new" "$1"; shift; exec "$@"'
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", "/bin/sh", "-c", f"{cgroups.join_command(group)}; {note_pid}", "localkube",
             str(pid_file), *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=_ENVIRONMENT, check=True,
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_S
    while not pid_file.exists():
        if time.monotonic() > deadline:
            raise failure(f"{command[0]} could not be started", log)
        time.sleep(0.005)
    return int(pid_file.read_text().split()[0])


def running(pid_file: Path) -> int | None:
    """The process that `pid_file` remembers, when it still is that process and lives on."""
    try:
        pid, started = pid_file.read_text().split()
        if _start_time(int(pid)) == started and not is_ending(int(pid)):
            return int(pid)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass
    return None


def is_ending(pid: int) -> bool:
    """Whether the process was killed, though the kernel still shows it.

    The first process of a namespace lies dying for as long as the others in it take to end; for that time nothing but
    its flags tells. Raises FileNotFoundError or ProcessLookupError when it is gone.
    """
    stat = _stat(pid)
    if stat[0] in "ZX" or int(stat[6]) & _PF_EXITING:
        return True
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(signals >> (signal.SIGKILL - 1) & 1 for signals in pending)


def stop(pid_file: Path, *, group: str, within_s: float) -> None:
    """Ask the supervisor to end, then make sure that nothing of its group is left."""
    pid = running(pid_file)
    if pid is not None:
        terminate(pid, within_s=within_s)
    cgroups.kill(group)
    pid_file.unlink(missing_ok=True)


def terminate(pid: int, *, within_s: float) -> None:
    """Ask a process to end, and wait for it; it may still live afterwards."""
    try:
        started = _start_time(pid)
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while _start_time(pid) == started and _state(pid) != "Z" and time.monotonic() < deadline:
            time.sleep(0.02)
    except (FileNotFoundError, ProcessLookupError):
        return


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log, to be quoted in an error."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 16384))
        text = stream.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def failure(what: str, log: Path) -> Problem:
    """A Problem that quotes the log of what failed."""
    return Problem(cause=f"{what}. The end of {log}:\n{tail(log)}", remedy=f"the whole log is in {log}")


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def _start_time(pid: int) -> str:
    return _stat(pid)[19]


def _state(pid: int) -> str:
    return _stat(pid)[0]
