"""Back-off for VMs whose instances end before they ever ran (`status.startFailure`).

Each such end is counted once. The wait grows with the square of the count, with random slack on top so that many VMs
that failed together do not come back together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vm import VirtualMachineStartFailure
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.vm.run_strategy import RESTARTING, is_final

INTERVAL_S = 10
LONGEST_S = 300


def delay_s(count: int, slack: float) -> int:
    """Seconds to wait after the count-th failure in a row; `slack` in 0..1 chooses between none and half as much
    again.
    """
    base = INTERVAL_S * count * count
    return min(LONGEST_S, base + int(base / 2 * slack))


def ever_ran(vmi: VirtualMachineInstance) -> bool:
    """The guest was seen running at some time."""
    return any(t.phase == "Running" for t in vmi.status.phase_transition_timestamps)


def after(failure: VirtualMachineStartFailure | None, vmi: VirtualMachineInstance | None, strategy: RunStrategy | None,
          *, now: datetime, slack: float) -> VirtualMachineStartFailure | None:
    """The failure record once this VMI has been taken into account."""
    if strategy not in RESTARTING:
        return None
    if vmi is None:
        return failure
    if ever_ran(vmi):
        return None
    if not is_final(vmi) or (failure is not None and failure.last_failed_vmi_uid == vmi.metadata.uid):
        return failure
    count = fail_count(failure) + 1
    return VirtualMachineStartFailure(
        consecutive_fail_count=count,
        last_failed_vmi_uid=vmi.metadata.uid,
        retry_after_timestamp=now.replace(microsecond=0) + timedelta(seconds=delay_s(count, slack)),
    )


def fail_count(failure: VirtualMachineStartFailure | None) -> int:
    """Failed starts in a row."""
    return failure.consecutive_fail_count or 0 if failure is not None else 0


def left_s(failure: VirtualMachineStartFailure | None, *, now: datetime) -> int:
    """Whole seconds (rounded up) until the next start is allowed; 0 when it is."""
    if failure is None or failure.retry_after_timestamp is None or failure.retry_after_timestamp <= now:
        return 0
    return -int((now - failure.retry_after_timestamp) // timedelta(seconds=1))
