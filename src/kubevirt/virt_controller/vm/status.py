"""The VM's status as it should read now.

One function builds all of it from what was observed after the actions, so that a reconcile writes it at most once.
`hold_s` keeps back a write that would only reword why a starting VM is not ready: a start passes through several
such wordings in a second or two, and a user has use for none of them unless the start stays there.
"""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vm_status import (
    VirtualMachineCondition,
    VirtualMachineStateChangeRequest,
    VirtualMachineStatus,
)
from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.conditions import drop, find, is_true, put
from kubevirt.virt_controller.patience import PATIENCE_S, seconds_since_turn
from kubevirt.virt_controller.vm import (
    backoff,
    live_update,
    memory_dump,
    offers,
    recovery,
    requests,
    revisions,
    volume_requests,
)
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.ownership import may_vanish
from kubevirt.virt_controller.vm.printable import printable_status

OWN = frozenset({"Ready", "Failure", "RestartRequired", "ManualRecoveryRequired"})
"""Conditions that the VM does not simply copy from its VMI."""


def status_after(o: Observed, problem: SyncProblem | None, *, ask_for_start: bool = False) -> VirtualMachineStatus:
    """The status to be; equal to the present one when there is nothing to tell."""
    old, vmi = o.vm.status, o.vmi
    asked = o.requests
    if ask_for_start and not requests.leads_to_start(asked):
        asked.append(VirtualMachineStateChangeRequest(action=requests.START))
    status = replace(
        old,
        created=True if vmi is not None else None,
        ready=True if vmi is not None and is_true(vmi.status.conditions, "Ready") else None,
        run_strategy=run_strategy_served(o),
        state_change_requests=asked,
        start_failure=backoff.after(old.start_failure, vmi, o.strategy, now=o.now, slack=o.slack),
        conditions=conditions(o, problem),
        volume_requests=volume_requests.pending(o.vm),
        memory_dump_request=memory_dump.request_after(o),
        volume_update_state=recovery.volume_update_state(o),
    )
    status.instancetype_ref, status.preference_ref = offers.refs(o)
    if vmi is not None:
        status.desired_generation = o.vm.metadata.generation
        status.observed_generation = revisions.running_generation(o.vm, vmi) or old.observed_generation
    status.printable_status = printable_status(replace_status(o, status))
    return status


def run_strategy_served(o: Observed) -> str:
    """The run strategy that the VM is known to follow: none before its first instance.

    A switch to RerunOnFailure means a start, and only the difference to this remembers it: so it stays what it was
    until that start has come about, however long disks, quotas or a back-off keep it waiting.
    """
    before = o.vm.status.run_strategy
    if o.strategy is None or (o.vmi is None and (not before or o.strategy is RunStrategy.RERUN_ON_FAILURE)):
        return before
    return o.strategy


def replace_status(o: Observed, status: VirtualMachineStatus) -> Observed:
    """What is observed once the VM has this status."""
    return dataclasses.replace(o, vm=replace(o.vm, status=status))


def conditions(o: Observed, problem: SyncProblem | None) -> list[VirtualMachineCondition]:
    """The VM's conditions: its own, and those of its VMI word for word."""
    found = put(o.vm.status.conditions, readiness(o), now=o.now)
    if o.vmi is not None:
        theirs = {c.type: c for c in o.vmi.status.conditions if c.type not in OWN}
        found = drop(found, *(c.type for c in found if c.type not in OWN and c.type not in theirs))
        for c in theirs.values():
            found = put(found, VirtualMachineCondition(
                type=c.type, status=c.status, reason=c.reason, message=c.message,
                last_probe_time=c.last_probe_time, last_transition_time=c.last_transition_time), now=o.now)
    found = recovery.with_recovery(o, found, now=o.now)
    if problem is None:
        found = drop(found, "Failure")
    else:
        found = put(found, VirtualMachineCondition(
            type="Failure", status="True", reason=problem.reason, message=problem.message), now=o.now)
    if restart := live_update.outcome(o, o.vmi).restart if o.vmi is not None else "":
        return put(found, VirtualMachineCondition(type="RestartRequired", status="True", message=restart), now=o.now)
    return drop(found, "RestartRequired")


def readiness(o: Observed) -> VirtualMachineCondition:
    """The VM is as ready as its VMI is."""
    if o.vmi is None:
        return VirtualMachineCondition(
            type="Ready", status="False", reason="VMINotExists", message="VMI does not exist")
    ready = find(o.vmi.status.conditions, "Ready")
    if ready is None:
        return VirtualMachineCondition(
            type="Ready", status="False", reason="VMIConditionMissing", message="VMI is missing the Ready condition")
    return VirtualMachineCondition(type="Ready", status=ready.status, reason=ready.reason, message=ready.message,
                                   last_transition_time=ready.last_transition_time)


def is_passing(o: Observed, new: VirtualMachineStatus) -> bool:
    """What this status is about is gone in a moment: the VM itself, or a VMI that has ended and may go."""
    old = o.vm.status
    kept = (old.start_failure, old.state_change_requests, old.ready)
    if kept != (new.start_failure, new.state_change_requests, new.ready):
        return False
    if o.vm.metadata.deletion_timestamp is not None:
        return old.printable_status == new.printable_status
    goes = o.vmi is not None and o.vmi.metadata.deletion_timestamp is not None and may_vanish(o.vmi)
    return goes and old.printable_status == "Stopping"


def hold_s(o: Observed, new: VirtualMachineStatus) -> float:
    """Seconds for which this status need not be written yet; 0 when it tells something that matters."""
    old = o.vm.status
    if is_passing(o, new):
        return PATIENCE_S if o.vmi is None else max(0.0, PATIENCE_S - seconds_since_turn(o.vmi, o.now))
    if o.vmi is None or old.printable_status != new.printable_status:
        return 0.0
    before, after = find(old.conditions, "Ready"), find(new.conditions, "Ready")
    if before is None or after is None or before.status != after.status:
        return 0.0
    if replace(old, conditions=drop(old.conditions, "Ready")) != replace(new, conditions=drop(new.conditions, "Ready")):
        return 0.0
    return max(0.0, PATIENCE_S - seconds_since_turn(o.vmi, o.now))
