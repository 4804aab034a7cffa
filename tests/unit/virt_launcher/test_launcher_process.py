"""Children of a process 1, the serial log's bound, and the stamps on libvirt's capability cache."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from kubevirt.virt_launcher import capability_seed, explain, programs
from kubevirt.virt_launcher.capability_seed import Stamps
from kubevirt.virt_launcher.children import Children

SEED = b"<qemuCaps>\n<qemuctime>1</qemuctime><qemumoddirmtime>2</qemumoddirmtime>\n<selfctime>3</selfctime></qemuCaps>"


async def test_a_childs_end_is_told_with_its_status() -> None:
    children = Children(on_orphan=lambda _pid, _status: None)
    children.watch()
    try:
        env = {"PATH": os.environ["PATH"]}
        good = children.spawn("good", ["sh", "-c", "exit 3"], env=env)
        killed = children.spawn("killed", ["sleep", "60"], env=env)
        children.signal(killed, signal.SIGKILL)
        async with asyncio.timeout(10):
            assert os.WEXITSTATUS(await good.exited) == 3
            assert os.WTERMSIG(await killed.exited) == signal.SIGKILL
        children.signal(killed, signal.SIGKILL)  # its number may belong to somebody else now: nothing is sent
        with pytest.raises(FileNotFoundError):
            children.spawn("missing", ["/no/such/program"], env=env)
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)


async def test_the_end_of_a_child_that_was_started_early_is_told() -> None:
    """libvirtd is started before there is an event loop, and may have ended by the time somebody watches."""
    pid = programs.start(["sh", "-c", "exit 3"], {"PATH": os.environ["PATH"]})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop is not to see it before
    orphans: list[int] = []
    children = Children(on_orphan=lambda orphan, _status: orphans.append(orphan))
    child = children.adopt("early", pid)
    children.watch()
    try:
        async with asyncio.timeout(10):
            assert os.WEXITSTATUS(await child.exited) == 3
        assert orphans == []
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)


def test_the_seed_gets_this_systems_stamps_and_nothing_else() -> None:
    stamps = Stamps(qemu_changed=10, modules_modified=20, libvirt_changed=30)
    assert capability_seed.stamped(SEED, stamps) == (
        b"<qemuCaps>\n<qemuctime>10</qemuctime><qemumoddirmtime>20</qemumoddirmtime>\n<selfctime>30</selfctime></qemuCaps>"
    )


def test_without_a_seed_libvirt_is_left_to_ask(tmp_path: Path) -> None:
    assert not capability_seed.plant(tmp_path, seed=tmp_path / "none.xml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        pytest.param(
            "internal error: process exited while connecting to monitor: cannot set up guest memory 'pc.ram': Cannot "
            "allocate memory",
            "not enough free memory",
            id="memory",
        ),
        pytest.param(
            "unsupported configuration: Emulator 'qemu' does not support machine type, "
            "unsupported machine type 'pc-q35-99'",
            "does not know the machine type pc-q35-99",
            id="machine type",
        ),
        pytest.param("qcow2: Image is corrupt; cannot be opened read/write", "corrupt", id="a corrupt image"),
        pytest.param("something new", "libvirt could not start the guest: something new", id="anything else"),
    ],
)
def test_reasons_for_not_starting(message: str, cause: str) -> None:
    problem = explain.start_failure(message)
    assert cause in problem.cause
    assert problem.remedy
