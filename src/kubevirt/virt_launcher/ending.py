"""How a guest ended, from what libvirt and the kernel say of it. Pure."""

import os
import signal

from kubevirt.machine.domain_report import Reason, State

CLEAN = (Reason.SHUTDOWN, Reason.SAVED, Reason.FROM_SNAPSHOT, Reason.MIGRATED, Reason.DESTROYED)


def settle(state: State, reason: Reason, qemu_wait_status: int | None, *, panicked: bool = False
           ) -> tuple[State, Reason]:
    """State and reason of an ended guest, without vague ones.

    A libvirt daemon that was away when QEMU ended does not know why it did (`Unknown`), but the kernel told this
    process, QEMU's parent. QEMU exits by itself, with status 0, only when the guest was switched off.
    A guest that panicked is ended by libvirt, which then says no more than that it crashed.
    """
    if panicked and reason in (Reason.UNKNOWN, Reason.NONE, Reason.CRASHED, Reason.FAILED):
        return State.CRASHED, Reason.PANICKED
    if reason in (Reason.UNKNOWN, Reason.NONE, Reason.CRASHED) and qemu_wait_status == 0:
        return State.SHUTOFF, Reason.SHUTDOWN
    if reason in (Reason.UNKNOWN, Reason.NONE, Reason.FAILED):
        return State.SHUTOFF, Reason.CRASHED
    return state, reason


def exit_code(reason: str, failure: str) -> int:
    """Of the launcher, and so of its container: 0 when the guest ended as somebody wanted it to."""
    return 0 if not failure and reason in CLEAN else 1


def describe(reason: Reason, qemu_wait_status: int | None, *, panic: str = "") -> str:
    """One sentence for log, condition and event; empty for an ordinary end, and for none. `panic`: its details."""
    if qemu_wait_status is not None and os.WIFSIGNALED(qemu_wait_status) and reason is Reason.CRASHED:
        number = os.WTERMSIG(qemu_wait_status)
        name = signal.Signals(number).name if number in signal.valid_signals() else str(number)
        hint = "; the kernel may have been short of memory" if number == signal.SIGKILL else ""
        return f"QEMU was ended by signal {name}{hint}"
    if reason is Reason.PANICKED:
        return f"the guest's kernel panicked: {panic}" if panic else "the guest's kernel panicked"
    if reason is Reason.CRASHED:
        return "QEMU ended by itself without the guest having been switched off"
    return ""
