"""What a replica set's status tells: how many instances there are, and whether something keeps it from more."""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import selectors
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSetCondition as Condition
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSetStatus
from kubevirt.virt_controller.actions import Event, SyncProblem
from kubevirt.virt_controller.conditions import drop, find, put
from kubevirt.virt_controller.crowd import FAILURE, PAUSED, pause_turned
from kubevirt.virt_controller.replicaset.observed import Observed


def status_after(o: Observed, problem: SyncProblem | None) -> VirtualMachineInstanceReplicaSetStatus:
    """The status to be; equal to the present one when nothing has changed."""
    if o.is_deleting or not o.makes_sense:
        return o.rs.status
    conditions = o.rs.status.conditions
    if o.rs.spec.paused:
        paused = Condition(type=PAUSED, status="True", reason="Paused", message="Controller got paused")
        conditions = put(conditions, paused, now=o.now)
    else:
        conditions = drop(conditions, PAUSED)
    if problem is None:
        conditions = drop(conditions, FAILURE)
    elif find(conditions, FAILURE) is None:  # the first failure is told, until a pass succeeds
        reason = "FailedCreate" if len(o.active) < o.wanted else "FailedDelete"
        failure = Condition(type=FAILURE, status="True", reason=reason, message=problem.message)
        conditions = put(conditions, failure, now=o.now)
    return replace(
        o.rs.status,
        replicas=len(o.active),
        ready_replicas=len(o.ready),
        label_selector=selectors.as_text(o.rs.spec.selector),
        conditions=conditions,
    )


def pause_event(o: Observed, new: VirtualMachineInstanceReplicaSetStatus) -> Event | None:
    """What is said when the set was paused or goes on; None when neither."""
    match pause_turned(o.rs.status.conditions, new.conditions):
        case True:
            return Event(reason="SuccessfulPaused", message="Paused")
        case False:
            return Event(reason="SuccessfulResumed", message="Resumed")
    return None
