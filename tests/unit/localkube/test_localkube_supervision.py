"""Which processes count as alive: one that was killed does not, also while the kernel still shows it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localkube import supervision


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def remember(process: subprocess.Popen[bytes], place: Path) -> Path:
    """A pid file as supervision.start writes it."""
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    place.write_text(f"{process.pid} {stat[stat.rindex(')') + 2 :].split()[19]}\n")
    return place


def test_a_living_process_is_running(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert not supervision.is_ending(sleeper.pid)
    assert supervision.running(remember(sleeper, tmp_path / "pid")) == sleeper.pid


def test_a_stopped_process_is_running(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    sleeper.send_signal(signal.SIGTERM)
    assert not supervision.is_ending(sleeper.pid), "what waits for it is no SIGKILL"


def test_a_killed_process_is_not_from_that_moment_on(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    record = remember(sleeper, tmp_path / "pid")
    os.kill(sleeper.pid, signal.SIGKILL)
    assert supervision.running(record) is None
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert supervision.running(record) is None
    assert supervision.is_ending(sleeper.pid), "it waits for its parent, and is dead"


def test_a_first_process_that_waits_for_the_others_to_end_is_not(tmp_path: Path) -> None:
    """A namespace whose first process is killed: it is never seen alive again."""
    command = "sleep 600 & sleep 600 & sleep 600 & wait"
    try:
        subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", "true"], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine makes no namespaces for this user")
    with subprocess.Popen(["unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", command]) as outer:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        deadline = time.monotonic() + 30
        while not children.read_text().split():
            assert time.monotonic() < deadline, "the namespace has no first process"
        first = int(children.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        seen = []
        try:
            while True:
                seen.append(supervision.is_ending(first))
        except (FileNotFoundError, ProcessLookupError):
            pass
        assert all(seen), f"seen alive after it was killed: {seen}"


def test_a_record_of_another_process_with_the_same_number_is_not(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    record = tmp_path / "pid"
    record.write_text(f"{sleeper.pid} 1\n")
    assert supervision.running(record) is None


@pytest.mark.parametrize("text", ["", "12", "one two\n"])
def test_a_damaged_record_is_no_process(text: str, tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(text)
    assert supervision.running(tmp_path / "pid") is None
    assert supervision.running(tmp_path / "missing") is None
