"""The conditions that this controller sets: Ready, PodScheduled, Synchronized, EvictionRequested, live changes."""

from __future__ import annotations

from kubevirt.api.phase import is_final
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition as Condition
from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.conditions import drop, find, put
from kubevirt.virt_controller.vmi import data, pods
from kubevirt.virt_controller.vmi.ending import Ending
from kubevirt.virt_controller.vmi.live_changes import with_live_changes
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.phases import HANDED_OVER

MISSING_CLAIM = "FailedPvcNotFound"
NO_NODES = "NoNodeReady"
UNSCHEDULABLE = "Unschedulable"


def conditions(o: Observed, ending: Ending, problem: SyncProblem | None) -> list[Condition]:
    """All conditions of the VMI once it is in the phase of `ending`."""
    found = put(o.vmi.status.conditions, readiness(o, ending.phase), now=o.now)
    scheduled = scheduling(o, ending.phase, problem)
    found = put(found, scheduled, now=o.now) if scheduled is not None else drop(found, "PodScheduled")
    if ending.reason:
        found = put(found, not_synchronized(ending.reason, ending.message), now=o.now)
    elif not is_final(ending.phase) and o.vmi.status.phase not in HANDED_OVER:
        out_of_step = synchronization(o, problem)
        found = put(found, out_of_step, now=o.now) if out_of_step is not None else drop(found, "Synchronized")
    for type_, condition in data.conditions(o, ending.phase).items():
        found = put(found, condition, now=o.now) if condition is not None else drop(found, type_)
    if ending.phase == "Running":
        found = with_live_changes(o.vmi, found, now=o.now)
    if not o.vmi.status.evacuation_node_name:
        return drop(found, "EvictionRequested")
    return put(found, Condition(type="EvictionRequested", status="True", reason="EvictionRequested",
                                message="VMI is marked for eviction"), now=o.now)


def readiness(o: Observed, phase: str) -> Condition:
    """Whether the guest serves: it runs, and its pod says that it is ready."""
    pod = o.pod
    if pod is None:
        return not_ready("PodNotExists", "virt-launcher pod has not yet been scheduled")
    if pods.is_deleting(pod):
        return not_ready("PodTerminating", "virt-launcher pod is terminating")
    if phase != "Running":
        return not_ready("GuestNotRunning", "Guest VM is not reported as running")
    ready = pod.condition("Ready")
    if ready is None:
        return not_ready("PodConditionMissing", "virt-launcher pod is missing the Ready condition")
    return Condition(type="Ready", status=ready.status, reason=ready.reason, message=ready.message,
                     last_transition_time=ready.last_transition_time)


def not_ready(reason: str, message: str) -> Condition:
    """Ready, but False."""
    return Condition(type="Ready", status="False", reason=reason, message=message)


def scheduling(o: Observed, phase: str, problem: SyncProblem | None) -> Condition | None:
    """What the scheduler says, while it has found no place; None otherwise."""
    if problem is not None and problem.reason in (MISSING_CLAIM, NO_NODES):
        return Condition(type="PodScheduled", status="False", reason=UNSCHEDULABLE, message=problem.message)
    told = o.pod.condition("PodScheduled") if o.pod is not None and not is_final(phase) else None
    if told is None or told.status != "False":
        return None
    return Condition(type="PodScheduled", status="False", reason=told.reason, message=told.message,
                     last_transition_time=told.last_transition_time)


def synchronization(o: Observed, problem: SyncProblem | None) -> Condition | None:
    """Why the way to a running launcher is blocked; None while it is not."""
    if problem is not None:
        return not_synchronized(problem.reason, problem.message)
    if o.pod is None or pods.is_down(o.pod) or (waiting := pods.stuck(o.pod)) is None:
        return None
    told = find(o.vmi.status.conditions, "Synchronized")
    if told is not None and (told.reason, waiting.reason) == ("ImagePullBackOff", "ErrImagePull"):
        # The kubelet has just failed once more; until it pauses again its words change, but nothing else does.
        return told
    return not_synchronized(waiting.reason, waiting.message)


def not_synchronized(reason: str, message: str) -> Condition:
    """Synchronized exists only to say no."""
    return Condition(type="Synchronized", status="False", reason=reason, message=message)
