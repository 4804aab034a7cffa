"""Auto-healing: a machine that does not come up is deleted, and made anew under the same number."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pool import VirtualMachinePoolAutohealingStrategy
from kubevirt.api.resources import VMS
from kubevirt.kit.errors import Refused
from kubevirt.kit.times import parse_duration
from kubevirt.virt_controller.actions import Action, FailureWords, Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.pool.membership import Groups, without_finalizer
from kubevirt.virt_controller.pool.observed import BURST, Member, Observed
from kubevirt.virt_controller.pool.scale import delete

THRESHOLD = 3
PATIENCE = timedelta(minutes=5)
SICK = frozenset({
    "CrashLoopBackOff", "ErrorUnschedulable", "DataVolumeError", "ErrorPvcNotFound", "ErrImagePull", "ImagePullBackOff",
})


def heal(o: Observed) -> Groups:
    """Deletes machines that have failed for too often or too long."""
    healing = o.pool.spec.autohealing
    if o.is_at_rest or healing is None:
        return ()
    return tuple(replaced(o, m) for m in o.members if (left := patience_left(o, m, healing)) is not None
                 and left <= timedelta())[:BURST]


def next_look_s(o: Observed) -> float | None:
    """When the next of the machines that fail now will have failed for long enough, in seconds."""
    healing = o.pool.spec.autohealing
    if o.is_at_rest or healing is None:
        return None
    waits = [left.total_seconds() for m in o.members if (left := patience_left(o, m, healing)) is not None]
    return max(min(waits), 1.0) if waits else None


def patience_left(o: Observed, member: Member, healing: VirtualMachinePoolAutohealingStrategy) -> timedelta | None:
    """How long the machine may still fail as it does; None when it does not, or is on its way out already."""
    if member.is_deleting:
        return None
    status = member.vm.status
    failed = status.start_failure.consecutive_fail_count if status.start_failure is not None else None
    if (failed or 0) >= (healing.start_up_failure_threshold or THRESHOLD):
        return timedelta()
    ready = find(status.conditions, "Ready")
    if status.printable_status not in SICK or ready is None or ready.status != "False":
        return None
    since = ready.last_transition_time or o.now
    return max(since + patience(healing) - o.now, timedelta())


def patience(healing: VirtualMachinePoolAutohealingStrategy) -> timedelta:
    """How long a machine may fail."""
    try:
        return parse_duration(healing.min_failing_to_start_duration or "5m")
    except Refused:  # stored by a version that did not check it
        return PATIENCE


def replaced(o: Observed, member: Member) -> tuple[Action, ...]:
    """Deletes the machine. Where clean-up is unmanaged, it is let go of first: nobody would do it afterwards."""
    strategy = o.pool.spec.scale_in_strategy
    vm = member.vm
    if strategy is None or strategy.unmanaged is None or names.FINALIZER_POOL not in vm.metadata.finalizers:
        return (delete(vm),)
    words = FailureWords(reason="FailedUpdate",
                         event=f"Error removing finalizer for VM {vm.metadata.namespace}/{vm.metadata.name}: ")
    freed = replace(vm, metadata=without_finalizer(vm.metadata))
    return (Patch(resource=VMS, old=vm, new=freed, failed=words), delete(vm))
