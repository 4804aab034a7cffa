"""virt-tail, with real files and locks: it follows the log while the launcher's lock is held, and no longer."""

import fcntl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

VIRT_TAIL = Path(__file__).parents[3] / "images/files/usr/bin/virt-tail"


@pytest.fixture
def follower(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = ["sh", str(VIRT_TAIL), "--logfile", str(tmp_path / "log"), "--lock", str(tmp_path / "alive")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def read(process: "subprocess.Popen[bytes]", text: bytes) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == text


def test_follows_a_log_that_appears_later_and_ends_with_the_launcher(
    tmp_path: Path, follower: "subprocess.Popen[bytes]"
) -> None:
    with (tmp_path / "alive").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        log = tmp_path / "log"
        with log.open("w", buffering=1) as out:
            out.write("first\n")
            read(follower, b"first\n")
            follower.terminate()  # a pod that is told to stop: the guest still shuts down
            out.write("last\n")
            read(follower, b"last\n")
        assert follower.poll() is None
    assert follower.wait(timeout=20) == 0


def test_ends_when_the_launcher_ended_before_it_was_seen(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()
    (tmp_path / "log").write_text("all there is\n")
    command = ["sh", str(VIRT_TAIL), f"--logfile={tmp_path}/log", f"--lock={tmp_path}/alive"]
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=True, timeout=20)
    assert done.stdout == b"all there is\n"
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("arguments", [[], ["--logfile"], ["--other", "x"]])
def test_wrong_arguments_are_named(arguments: list[str]) -> None:
    done = subprocess.run(["sh", str(VIRT_TAIL), *arguments], capture_output=True, check=False, timeout=20)
    assert done.returncode == 2
    assert b"virt-tail: " in done.stderr
