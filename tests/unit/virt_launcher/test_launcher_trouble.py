"""What is told of a guest whose kernel panics or whose disk fails. With a real QEMU: test_guest_trouble_alone (e2e)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.machine.domain_report import Reason, State
from kubevirt.virt_launcher import ending, trouble

WINDOWS = "hyper-v: arg1='0x3b', arg2='0xc0000005', arg3='0xfffff803', arg4='0xffffd000', arg5='0x0'"


@pytest.mark.parametrize(("no_space", "message"), [
    pytest.param(True, "VM Paused due to not enough space on volume: data", id="no space"),
    pytest.param(False, "VM Paused due to IO error at the volume: data", id="any other error"),
])  # fmt: skip
def test_a_disk_that_fails(no_space: bool, message: str) -> None:
    assert trouble.disk_failed("data", no_space=no_space) == GuestEvent(type="Warning", reason="IOerror",
                                                                        message=message)  # fmt: skip


@pytest.mark.parametrize(("log", "message"), [
    pytest.param(f"2026-01-02 03:04:05.678+0000: panic {WINDOWS}\n", WINDOWS, id="details of Windows"),
    pytest.param(f"x: panic hyper-v: old\nqemu: other\nx: panic {WINDOWS}\nmore\n", WINDOWS, id="the newest ones"),
    pytest.param("char device redirected\n", "GuestPanicked (details unavailable)", id="no details"),
    pytest.param(None, "GuestPanicked (details unavailable)", id="no log"),
    pytest.param("-" * 100_000 + "\nx: panic s390: core='0'", "s390: core='0'", id="a long log is read at its end"),
])  # fmt: skip
def test_a_panic(log: str | None, message: str, tmp_path: Path) -> None:
    file = trouble.log_of("ns_name", tmp_path)
    if log is not None:
        file.parent.mkdir(parents=True)
        file.write_text(log)
    assert file == tmp_path / "libvirt/qemu/log/ns_name.log"
    told = trouble.panicked(trouble.panic_details(file))
    assert told == GuestEvent(type="Warning", reason="GuestPanicked", message=message)


@pytest.mark.parametrize("reason", [Reason.UNKNOWN, Reason.CRASHED, Reason.FAILED])
def test_a_guest_that_panicked_ended_by_that(reason: Reason) -> None:
    """libvirt kills its QEMU, which must not look like a lack of memory."""
    assert ending.settle(State.SHUTOFF, reason, 9, panicked=True) == (State.CRASHED, Reason.PANICKED)
    assert ending.describe(Reason.PANICKED, 9) == "the guest's kernel panicked"
    assert ending.describe(Reason.PANICKED, 9, panic=WINDOWS) == f"the guest's kernel panicked: {WINDOWS}"
    assert ending.exit_code(Reason.PANICKED, "") == 1


def test_a_guest_that_was_killed_after_a_panic_that_it_survived_was_killed() -> None:
    assert ending.settle(State.SHUTOFF, Reason.DESTROYED, None, panicked=True) == (State.SHUTOFF, Reason.DESTROYED)
