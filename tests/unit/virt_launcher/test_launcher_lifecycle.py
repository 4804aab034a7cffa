"""When the launcher acts on its guest's end by itself, and how it understands that end."""

import signal

import pytest

from kubevirt.machine.domain_report import Reason, State
from kubevirt.virt_launcher import ending
from kubevirt.virt_launcher.lifecycle import Decision, Observed, Step, decide
from kubevirt.virt_launcher.states import is_to_go_on, translate


def seen(**changes: float | bool | None) -> Observed:
    usual: dict[str, object] = {"now": 100.0, "started_waiting": 0.0, "synced": True, "alive": True}
    return Observed(**(usual | changes))  # type: ignore[arg-type]  # names from the case


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        pytest.param(seen(), Decision(step=Step.WAIT), id="an ordinary day"),
        pytest.param(
            seen(synced=False, alive=False), Decision(step=Step.WAIT, look_again_in_s=200), id="no VMI yet"
        ),
        pytest.param(seen(synced=False, alive=False, now=300.0), Decision(step=Step.GIVE_UP), id="no VMI ever"),
        pytest.param(
            seen(synced=False, alive=False, told_to_end=99.0), Decision(step=Step.LEAVE), id="ended before its start"
        ),
        pytest.param(
            seen(alive=False, told_to_end=99.0), Decision(step=Step.WAIT), id="ended already, the report is on its way"
        ),
        pytest.param(
            seen(told_to_end=99.0), Decision(step=Step.WAIT, look_again_in_s=4), id="virt-handler has the first word"
        ),
        pytest.param(
            seen(told_to_end=95.0),
            Decision(step=Step.PRESS_POWER_BUTTON, look_again_in_s=5),
            id="virt-handler is away",
        ),
        pytest.param(
            seen(told_to_end=90.0, first_press=96.0, last_press=96.0),
            Decision(step=Step.WAIT, look_again_in_s=1),
            id="the guest has its time",
        ),
        pytest.param(
            seen(told_to_end=80.0, first_press=85.0, last_press=95.0),
            Decision(step=Step.PRESS_POWER_BUTTON, look_again_in_s=5),
            id="a guest that was still booting is asked again",
        ),
        pytest.param(
            seen(told_to_end=60.0, first_press=70.0, last_press=99.0),
            Decision(step=Step.KILL),
            id="the grace period is over",
        ),
        pytest.param(
            seen(told_to_end=60.0, first_press=70.0, killed=99.0), Decision(step=Step.WAIT), id="killed only once"
        ),
        pytest.param(
            seen(told_to_end=95.0, grace_period_s=0.0), Decision(step=Step.KILL), id="no grace period at all"
        ),
    ],
)
def test_what_the_launcher_does(observed: Observed, expected: Decision) -> None:
    assert decide(observed) == expected


NAMES = {  # libvirt's virDomainState and the reasons of each, in its own order, as the API spells them
    "NoState": [],
    "Running": [],
    "Blocked": [],
    "Paused": ["User", "Migration", "Save", "Dump", "IOError", "Watchdog", "FromSnapshot", "ShuttingDown", "Snapshot",
               "Crashed", "StartingUp", "Postcopy", "PostcopyFailed"],
    "ShuttingDown": ["User"],
    "Shutoff": ["Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "FromSnapshot"],
    "Crashed": ["Panicked"],
    "PMSuspended": [],
}  # fmt: skip


@pytest.mark.parametrize(("numbers", "expected"), [
    *(pytest.param((state, reason), (name, words), id=f"{name} because of {words}")
      for state, (name, reasons) in enumerate(NAMES.items())
      for reason, words in enumerate(["Unknown", *reasons])),
    pytest.param((1, 5), ("Running", "Unknown"), id="running has no reasons"),
    pytest.param((5, 8), ("Shutoff", "Crashed"), id="found in pieces by a daemon that came back"),
    pytest.param((42, 1), ("Unknown", "Unknown"), id="a state of a newer libvirt"),
    pytest.param((5, 42), ("Shutoff", "Unknown"), id="a reason of a newer libvirt"),
])  # fmt: skip
def test_libvirts_numbers(numbers: tuple[int, int], expected: tuple[str, str]) -> None:
    state, reason = translate(*numbers)
    assert (state.value, reason.value) == expected


@pytest.mark.parametrize(("state", "reasons"), [
    pytest.param("Paused", {"Unknown", "IOError", "Watchdog", "FromSnapshot"}, id="nobody asked for these pauses"),
    pytest.param("Running", set(), id="it runs"),
    pytest.param("Shutoff", set(), id="it has ended"),
])  # fmt: skip
def test_a_guest_that_goes_on_at_a_later_order(state: str, reasons: set[str]) -> None:
    assert {reason for reason in ["Unknown", *NAMES[state]] if is_to_go_on(state, reason)} == reasons


KILLED, EXITED, BROKE = signal.SIGKILL.value, 0, 1 << 8


@pytest.mark.parametrize(
    ("reason", "qemu", "expected", "code"),
    [
        pytest.param(Reason.SHUTDOWN, EXITED, Reason.SHUTDOWN, 0, id="switched off from inside"),
        pytest.param(Reason.DESTROYED, KILLED, Reason.DESTROYED, 0, id="killed as asked for"),
        pytest.param(Reason.CRASHED, KILLED, Reason.CRASHED, 1, id="killed by somebody else"),
        pytest.param(Reason.CRASHED, BROKE, Reason.CRASHED, 1, id="QEMU gave up"),
        pytest.param(Reason.FAILED, None, Reason.CRASHED, 1, id="libvirt lost it"),
        pytest.param(Reason.UNKNOWN, KILLED, Reason.CRASHED, 1, id="crashed while libvirtd was away"),
        pytest.param(Reason.UNKNOWN, EXITED, Reason.SHUTDOWN, 0, id="switched off while libvirtd was away"),
        pytest.param(Reason.UNKNOWN, None, Reason.CRASHED, 1, id="nobody knows"),
        pytest.param(Reason.MIGRATED, EXITED, Reason.MIGRATED, 0, id="gone elsewhere"),
    ],
)
def test_how_a_guest_ended(reason: Reason, qemu: int | None, expected: Reason, code: int) -> None:
    state, settled = ending.settle(State.SHUTOFF, reason, qemu)
    assert (state, settled) == (State.SHUTOFF, expected)
    assert ending.exit_code(settled, "") == code


def test_a_failure_is_never_a_clean_end() -> None:
    assert ending.exit_code(Reason.SHUTDOWN, "no disk") == 1


@pytest.mark.parametrize(
    ("reason", "qemu", "words"),
    [
        (Reason.SHUTDOWN, EXITED, ""),
        (Reason.CRASHED, KILLED, "SIGKILL"),
        (Reason.CRASHED, signal.SIGSEGV.value, "SIGSEGV"),
        (Reason.CRASHED, BROKE, "by itself"),
        (Reason.PANICKED, None, "panicked"),
    ],
)
def test_a_bad_end_is_explained(reason: Reason, qemu: int | None, words: str) -> None:
    told = ending.describe(reason, qemu)
    assert words in told
    assert bool(words) == bool(told)
