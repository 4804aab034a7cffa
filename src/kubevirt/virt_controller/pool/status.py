"""What a pool's status tells: how many machines there are, and whether something keeps it from what it should be."""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import selectors
from kubevirt.api.pool import VirtualMachinePoolCondition as Condition
from kubevirt.api.pool import VirtualMachinePoolStatus
from kubevirt.virt_controller.actions import Event, SyncProblem
from kubevirt.virt_controller.conditions import drop, find, is_true, put
from kubevirt.virt_controller.crowd import FAILURE, PAUSED, pause_turned
from kubevirt.virt_controller.pool.observed import Observed


def status_after(o: Observed, problem: SyncProblem | None) -> VirtualMachinePoolStatus:
    """The status to be; equal to the present one when nothing has changed."""
    if o.is_deleting or not o.makes_sense:
        return o.pool.status
    conditions = o.pool.status.conditions
    if o.pool.spec.paused:
        conditions = put(conditions, Condition(type=PAUSED, status="True", reason="SuccessfulPaused",
                                               message="Pool controller is paused"), now=o.now)
    else:
        conditions = drop(conditions, PAUSED)
    if problem is not None:
        conditions = put(conditions, Condition(type=FAILURE, status="True", reason=problem.reason,
                                               message=problem.message), now=o.now)
    elif not o.pool.spec.paused:
        conditions = drop(conditions, FAILURE)
    return replace(
        o.pool.status,
        replicas=len(o.members),
        ready_replicas=sum(is_true(m.vm.status.conditions, "Ready") for m in o.members),
        label_selector=selectors.as_text(o.pool.spec.selector),
        conditions=conditions,
    )


def events(o: Observed, new: VirtualMachinePoolStatus) -> list[Event]:
    """What is said about a change of the status: paused, going on, a failure."""
    told = []
    match pause_turned(o.pool.status.conditions, new.conditions):
        case True:
            told.append(Event(reason="SuccessfulPaused", message="Pool is paused"))
        case False:
            told.append(Event(reason="SuccessfulResume", message="Pool is unpaused"))
    before, after = find(o.pool.status.conditions, FAILURE), find(new.conditions, FAILURE)
    if after is not None and (before is None or before.message != after.message):
        told.append(Event(type="Warning", reason=after.reason, message=after.message))
    return told
