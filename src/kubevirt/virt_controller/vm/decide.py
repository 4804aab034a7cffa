"""What to do about a VM: one step of the way to what its spec asks for.

A decision is a step, not a plan: it is performed, the caches then hold its outcome, and the VM is looked at again until
nothing is left to do. So every step here is also what a controller does that starts up in the middle of things.
"""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from kubevirt.api.resources import VMIS, VMS
from kubevirt.api.run_strategy import RunStrategy, effective_run_strategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine import instance
from kubevirt.virt_controller.actions import Create, Event, FailureWords, Patch, SyncProblem
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.vm import (
    backoff,
    data_volumes,
    follow,
    marks,
    memory_dump,
    offers,
    ownership,
    requests,
    revisions,
    volume_requests,
)
from kubevirt.virt_controller.vm.observed import Decision, Observed
from kubevirt.virt_controller.vm.run_strategy import Move, is_final, move_for

FAILED_CREATE = FailureWords(
    reason="FailedCreate",
    condition="Failure while starting VMI: ",
    event="Error creating virtual machine instance: ",
)
MIGRATION_WAIT_S = 2.0


def decide(o: Observed) -> Decision:
    """The next step for this VM. Pure: same input, same answer."""
    if o.vm.metadata.deletion_timestamp is not None:
        return ownership.let_go(o)
    if (marked := marks.marked(o)) is not o.vm:
        failed = FailureWords(reason="FirmwareUUIDError" if marked.spec != o.vm.spec else "FailedUpdateError")
        return Decision(actions=(Patch(resource=VMS, old=o.vm, new=marked, failed=failed),))
    if ownership_changes := ownership.release(o) + ownership.adopt(o):
        return Decision(actions=ownership_changes)
    try:
        strategy = effective_run_strategy(running=o.vm.spec.running, run_strategy=o.vm.spec.run_strategy)
    except Refused as refused:
        return Decision(problem=SyncProblem(reason="FailedCreate", message=str(refused), retry=False))
    offered = offers.step(o)
    if offered.actions or (offered.problem is not None and o.vmi is None):
        return offered
    decision = carry_out(o, strategy, move_for(strategy, o.vmi))
    return decision if offered.problem is None else dataclasses.replace(decision, problem=offered.problem)


def carry_out(o: Observed, strategy: RunStrategy, move: Move) -> Decision:
    """Turn a wish of the action table into actions. What ends an instance waits for no disks, what starts one does."""
    if o.vmi is not None:
        decision = ended_elsewhere(o.vmi, strategy) or for_present(o, o.vmi, move)
        if decision.actions or decision.ask_for_start:
            return decision
        if data_volumes.made_at_once(o):
            decision = beside(decision, data_volumes.preparation(o))
        return then(decision, volumes_asked_for(o))
    if (asked_for := volumes_asked_for(o)).actions:
        return asked_for
    if not data_volumes.made_at_once(o):
        return for_absent(o, strategy, move)
    prepared = data_volumes.preparation(o)
    if strategy is RunStrategy.HALTED:
        return beside(for_absent(o, strategy, move), prepared)
    return for_absent(o, strategy, move) if prepared.ready else waiting_for(prepared)


def volumes_asked_for(o: Observed) -> Decision:
    """Volumes that came by way of the VM's status."""
    return Decision(actions=dumped) if (dumped := memory_dump.actions(o)) else volume_requests.step(o)


def then(first: Decision, second: Decision) -> Decision:
    """The second decision, where the first has nothing to do."""
    if first.actions:
        return first
    return dataclasses.replace(first, actions=second.actions, problem=first.problem or second.problem)


def waiting_for(prepared: data_volumes.Preparation) -> Decision:
    """Nothing but what the DataVolumes need."""
    return Decision(actions=prepared.actions, problem=prepared.problem, news=prepared.news, again_s=prepared.again_s)


def beside(decision: Decision, prepared: data_volumes.Preparation) -> Decision:
    """A decision that does not wait for the DataVolumes, and what they need after it."""
    return Decision(
        actions=decision.actions or prepared.actions,
        problem=decision.problem or prepared.problem,
        news=prepared.news,
        again_s=decision.again_s or prepared.again_s,
    )


def ended_elsewhere(vmi: VirtualMachineInstance, strategy: RunStrategy) -> Decision | None:
    """The guest has moved to another cluster, or is about to: here it must not be brought back."""
    state = vmi.status.migration_state
    if strategy is not RunStrategy.ALWAYS or not is_final(vmi) or state is None:
        return None
    if not any(side is not None and side.sync_address for side in (state.source_state, state.target_state)):
        return None
    return Decision() if state.completed else Decision(again_s=MIGRATION_WAIT_S)


def for_absent(o: Observed, strategy: RunStrategy, move: Move) -> Decision:
    """The moves that start something."""
    asked = o.requests
    match move:
        case Move.START:
            return start(o, strategy)
        case Move.START_ON_REQUEST if requests.wants_start(asked):
            return start(o, strategy)
        case Move.START_UNLESS_BACKING_OFF:
            return start_unless_backing_off(o, strategy)
        case Move.START_ON_REQUEST_OR_SWITCH if (
            requests.wants_start(asked) or o.vm.status.run_strategy != strategy
        ):
            return start_unless_backing_off(o, strategy)
        case Move.TURN_ON_IF_REQUESTED if requests.wants_start(asked):
            return Decision(actions=(
                Patch(resource=VMS, old=o.vm, new=turned_on(o.vm), failed=ownership.FAILED_UPDATE),))
        case _:
            return Decision()


def for_present(o: Observed, vmi: VirtualMachineInstance, move: Move) -> Decision:
    """The moves that end something, or leave it as it is."""
    asked = o.requests
    match move:
        case Move.DELETE:
            return Decision(actions=(ownership.stop(vmi),))
        case Move.DELETE_ON_REQUEST if requests.wants_stop(asked, vmi):
            return Decision(actions=(ownership.stop(vmi),))
        case Move.DELETE_AND_START_AGAIN if not requests.leads_to_start(asked):
            # The request must be stored before the VMI goes: nothing else remembers that it failed.
            return Decision(ask_for_start=True)
        case Move.DELETE_AND_START_AGAIN:
            return Decision(actions=(ownership.stop(vmi),))
        case Move.MISPLACED_RECEIVER:
            return receiver(o, vmi)
        case _:
            return follow.updates(o)


def start_unless_backing_off(o: Observed, strategy: RunStrategy) -> Decision:
    """Start, or come back when the wait after the last failure is over."""
    if (left := backoff.left_s(o.vm.status.start_failure, now=o.now)) > 0:
        return Decision(again_s=float(left))
    return start(o, strategy)


def start(o: Observed, strategy: RunStrategy) -> Decision:
    """Store the spec as a revision and create the VMI from it."""
    if is_true(o.vm.status.conditions, "ManualRecoveryRequired"):
        return Decision()
    if not data_volumes.made_at_once(o) and not (prepared := data_volumes.preparation(o)).ready:
        return waiting_for(prepared)
    if problem := name_is_taken(o):
        return Decision(problem=problem)
    try:
        vmi = instance.build(memory_dump.for_start(o.vm), revision=revisions.name(o.vm), strategy=strategy,
                             paused=requests.wants_start_paused(o.requests),
                             offers=offers.held_offers(o), config=o.config)
    except Refused as refused:
        return offers.not_applied(o, refused.cause)
    message = f"Started the virtual machine by creating the new virtual machine instance {vmi.metadata.name}"
    return Decision(actions=(
        *revisions.store(o, offers.pinned(o)),
        Create(resource=VMIS, body=vmi, done=Event(reason="SuccessfulCreate", message=message), failed=FAILED_CREATE),
    ))


def name_is_taken(o: Observed) -> SyncProblem | None:
    """A VMI of the VM's name that something else controls is left alone, and no second one can be made."""
    if o.named is None or (owner := o.named.metadata.controller) is None:
        return None
    return SyncProblem(
        reason="FailedCreate",
        message=f"Failure while starting VMI: a VirtualMachineInstance {o.named.metadata.name} exists and belongs to "
                f"the {owner.kind} {owner.name}; delete that owner or rename this VirtualMachine",
        retry=False,
    )


def turned_on(vm: VirtualMachine) -> VirtualMachine:
    """The VM with the field that halted it set to run."""
    spec = replace(vm.spec, running=True) if vm.spec.running is not None else replace(vm.spec, run_strategy="Always")
    return replace(vm, spec=spec)


def receiver(o: Observed, vmi: VirtualMachineInstance) -> Decision:
    """A VM that waits for a migration: fine while its VMI waits with it, a problem when that is an ordinary one."""
    if vmi.metadata.annotations.get(instance.RECEIVER) == "true":
        return Decision()
    restore = o.vm.metadata.annotations.get(instance.RESTORE_RUN_STRATEGY)
    state = vmi.status.migration_state
    if restore and state is not None and state.completed:
        new = replace(o.vm, spec=replace(o.vm.spec, running=None, run_strategy=restore))
        return Decision(actions=(Patch(resource=VMS, old=o.vm, new=new, failed=ownership.FAILED_UPDATE),))
    return Decision(problem=SyncProblem(
        reason="FailedCreate", message="Found non receiver VMI while VM is receiver", retry=False))
