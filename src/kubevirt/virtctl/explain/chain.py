"""What a virtual machine waits for: machine -> instance -> claim, pod, image, node, device.

Every step is a small function from what was fetched to a Finding, or None when nothing is the matter there. The chain
ends at the first thing that waits for nothing else of ours; its remedy is what the user can do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubevirt.api import names
from kubevirt.api.meta import Condition
from kubevirt.api.phase import is_final
from kubevirt.api.run_strategy import RunStrategy, effective_run_strategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition
from kubevirt.virtctl.explain.facts import Facts
from kubevirt.virtctl.explain.finding import Finding, last_word
from kubevirt.virtctl.explain.pods import node_findings, phase_since, pod_findings
from kubevirt.virtctl.explain.remedies import refusal_remedy
from kubevirt.virtctl.explain.storage import claim_findings, data_volume_findings


def explain(facts: Facts) -> list[Finding]:
    """The chain, from the machine down to what everything waits for. Never empty."""
    return last_word(_whole(facts))


def _whole(facts: Facts) -> list[Finding]:
    chain = [_machine(facts.vm, facts)] if facts.vm is not None else []
    if facts.vmi is None:
        refused = facts.vm is not None and _true(facts.vm.status.conditions, "Failure") is not None
        return [*chain, *_storage(facts)] if _wants_to_run(facts.vm) and not refused else chain
    chain.append(_instance(facts.vmi, facts))
    if is_final(facts.vmi.status.phase):
        return chain
    if _is_serving(facts.vmi):
        return [*chain, *node_findings(facts.vmi.status.node_name, facts)]
    stored = _storage(facts)
    chain += stored
    if any(not each.passes for each in stored):
        return chain
    if facts.pod is not None and facts.vmi.status.phase != "Running":
        found = pod_findings(facts.pod, facts)
        # A pod that is well says less than virt-handler, which cannot start the guest in it.
        held_up = facts.vmi.status.phase == "Scheduled" and _false(facts.vmi.status.conditions, "Synchronized")
        chain += found if len(found) > 1 or not held_up else []
    return chain


def _wants_to_run(vm: VirtualMachine | None) -> bool:
    if vm is None or vm.metadata.deletion_timestamp is not None:
        return False
    return _strategy(vm) in (RunStrategy.ALWAYS, RunStrategy.RERUN_ON_FAILURE, RunStrategy.ONCE)


def _strategy(vm: VirtualMachine) -> RunStrategy:
    return effective_run_strategy(running=vm.spec.running, run_strategy=vm.spec.run_strategy)


def _machine(vm: VirtualMachine, facts: Facts) -> Finding:
    subject = f"VirtualMachine {facts.namespace}/{facts.name}"
    state = vm.status.printable_status or "not looked at yet"
    if vm.metadata.deletion_timestamp is not None:
        return Finding(
            subject=subject, state="Terminating", since=vm.metadata.deletion_timestamp,
            cause="It is being deleted and waits for its guest to shut down and its pod to end.",
            remedy="wait for the grace period, or end the guest at once: "
            f"virtctl stop {facts.name}{facts.at} --force --grace-period=0",
        )  # fmt: skip
    if not vm.status.printable_status:
        return Finding(
            subject=subject, state=state, since=vm.metadata.creation_timestamp,
            cause="virt-controller has not written a status yet.",
            remedy="if this lasts, see whether the installation is well: virtctl doctor",
        )  # fmt: skip
    failure = vm.status.start_failure
    if failure is not None and facts.vmi is None and failure.retry_after_timestamp is not None:
        return Finding(
            subject=subject, state=state, since=_not_ready_since(vm),
            cause=f"It failed to start {failure.consecutive_fail_count or 1} times in a row; the next attempt is at "
            f"{failure.retry_after_timestamp:%H:%M:%S} UTC.{_last_words(facts)}",
            remedy=f"see why its guests end: kubectl{facts.at} get events --field-selector "
            f"involvedObject.name={facts.name}",
        )  # fmt: skip
    told = _true(vm.status.conditions, "Failure")
    if told is not None:
        return Finding(subject=subject, state=state, cause=told.message or told.reason,
                       since=told.last_transition_time,
                       remedy=refusal_remedy(told.message, facts.namespace))  # fmt: skip
    if facts.vmi is None and not _wants_to_run(vm):
        strategy = _strategy(vm)
        return Finding(
            subject=subject, state=state, cause=f"Nothing is waited for: its run strategy is {strategy}.",
            remedy=f"virtctl start {facts.name}{facts.at}",
        )  # fmt: skip
    if facts.vmi is None:
        return Finding(
            subject=subject, state=state, cause="It should run, and its instance has not been created.",
            since=vm.metadata.creation_timestamp,
            remedy=f"see its conditions: kubectl{facts.at} describe vm {facts.name}",
        )  # fmt: skip
    if (outdated := _true(vm.status.conditions, "RestartRequired")) is not None:
        return Finding(subject=subject, state=state, since=outdated.last_transition_time,
                       cause=f"Its guest does not have all changes yet: {outdated.message or outdated.reason}",
                       remedy=f"virtctl restart {facts.name}{facts.at}", stands=True)  # fmt: skip
    return Finding(subject=subject, state=state)


def _last_words(facts: Facts) -> str:
    """The newest warning about an instance of the machine, as a line of its own."""
    told = facts.last_warning("VirtualMachineInstance", facts.name)
    return f"\nIts last guest: {told.reason}: {told.message}" if told is not None else ""


def _not_ready_since(vm: VirtualMachine) -> datetime | None:
    ready = _false(vm.status.conditions, "Ready")
    return ready.last_transition_time if ready is not None else vm.metadata.creation_timestamp


def _instance(vmi: VirtualMachineInstance, facts: Facts) -> Finding:
    subject = f"VirtualMachineInstance {vmi.metadata.name}"
    phase = vmi.status.phase or "Pending"
    since = phase_since(vmi)
    name = vmi.metadata.name
    if vmi.metadata.deletion_timestamp is not None:
        return Finding(
            subject=subject, state="Terminating", since=vmi.metadata.deletion_timestamp,
            cause="The guest was asked to shut down.",
            remedy="a guest that ignores the power button is ended when its grace period is over",
        )  # fmt: skip
    if (paused := _true(vmi.status.conditions, "Paused")) is not None:
        why = {
            "PausedByUser": "Its processors are stopped because a user paused it.",
            "PausedIOError": "Its processors are stopped because a disk failed or is full.",
        }.get(paused.reason, paused.message or "Its processors are stopped.")
        remedy = f"virtctl unpause vmi {name}{facts.at}"
        if paused.reason == "PausedIOError":
            told = facts.last_event("VirtualMachineInstance", name, "IOerror")
            why += f"\n{told.message}" if told is not None else ""
            remedy = f"make room on the volume; a guest that does not go on by itself then: {remedy}"
        return Finding(subject=subject, state="Paused", cause=why, since=paused.last_transition_time, remedy=remedy)
    if (said := _false(vmi.status.conditions, "Synchronized")) is not None:
        return Finding(subject=subject, state=phase, cause=said.message or said.reason,
                       since=said.last_transition_time or since,
                       remedy=refusal_remedy(said.message, facts.namespace))  # fmt: skip
    if is_final(phase):
        return Finding(subject=subject, state=phase, since=since, cause="The guest has ended.",
                       remedy=_after_the_end(facts))  # fmt: skip
    if phase != "Running":
        cause = {
            "Pending": "Its launcher pod has not been created.",
            "Scheduling": "Its launcher pod is not running yet.",
            "Scheduled": "Its launcher pod runs; virt-handler on the node is starting the guest.",
        }.get(phase, "")
        return Finding(subject=subject, state=phase, cause=cause, since=since,
                       remedy="if this lasts, see whether the installation is well: virtctl doctor")  # fmt: skip
    if (ready := _false(vmi.status.conditions, "Ready")) is not None:
        return Finding(
            subject=subject, state="Running, not ready", since=ready.last_transition_time,
            cause=ready.message or ready.reason,
            remedy="its readiness probe fails, if it has one: look at the guest with virtctl console",
        )  # fmt: skip
    return Finding(
        subject=subject, state="Running", since=since,
        cause=f"Nothing is waited for: the guest runs on node {vmi.status.node_name}.",
    )  # fmt: skip


def _after_the_end(facts: Facts) -> str:
    """What can be done with a guest that has ended, as its machine's run strategy has it."""
    logs = f"its last words: kubectl{facts.at} logs -l {names.LABEL_VMI_ID}={names.vmi_id(facts.name)} --all-containers"
    match _strategy(facts.vm) if facts.vm is not None else None:
        case RunStrategy.MANUAL | RunStrategy.RERUN_ON_FAILURE:
            return f"to start it again: virtctl start {facts.name}{facts.at}\n{logs}"
        case RunStrategy.ONCE:
            return f"its run strategy is Once: it starts again only with another one\n{logs}"
    return logs


def _is_serving(vmi: VirtualMachineInstance) -> bool:
    return vmi.status.phase == "Running" and vmi.metadata.deletion_timestamp is None


def _storage(facts: Facts) -> list[Finding]:
    """Data volumes first: a claim that one of them has still to make is no news."""
    first = facts.vmi or facts.vm
    since = first.metadata.creation_timestamp if first is not None else None
    found = data_volume_findings(facts.data_volumes, facts.claims, since)
    return found or claim_findings(facts.claims, facts.namespace, since, facts.last_event)


Conditions = Iterable[Condition] | Iterable[VirtualMachineInstanceCondition]


def _true(conditions: Conditions, type_: str) -> Condition | None:
    return next((each for each in conditions if each.type == type_ and each.status == "True"), None)


def _false(conditions: Conditions, type_: str) -> Condition | None:
    return next((each for each in conditions if each.type == type_ and each.status == "False"), None)
