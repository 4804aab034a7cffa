"""What a virtual machine waits for: machine -> instance -> claim, pod, image, node, device.

Every step is a small function from what was fetched to a Finding, or None when nothing is the matter there. The chain
ends at the first thing that waits for nothing else of ours; its remedy is what the user can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubevirt.api import names
from kubevirt.api.core import ContainerStatus, Event, Node, PersistentVolumeClaim, Pod
from kubevirt.api.meta import Condition
from kubevirt.api.run_strategy import RunStrategy, effective_run_strategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition
from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.explain.finding import Finding
from kubevirt.virtctl.explain.remedies import image_remedy, mount_remedy, scheduling_remedy
from kubevirt.virtctl.explain.storage import claim_findings, data_volume_findings

FINAL = ("Succeeded", "Failed")
TROUBLED_PULLS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was fetched. `claims` has an entry for every claim that the machine names; None where there is none."""

    namespace: str
    name: str
    vm: VirtualMachine | None = None
    vmi: VirtualMachineInstance | None = None
    pods: list[Pod] = field(default_factory=list)
    claims: Mapping[str, PersistentVolumeClaim | None] = field(default_factory=dict)
    data_volumes: Mapping[str, JsonObject | None] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def pod(self) -> Pod | None:
        """The instance's newest launcher pod that has not ended, else its newest."""
        newest = sorted(self.pods, key=_born, reverse=True)
        return next((pod for pod in newest if not pod.is_finished), newest[0] if newest else None)

    def last_event(self, kind: str, name: str, *reasons: str) -> Event | None:
        """The newest event about an object with one of the reasons."""
        found = [
            event for event in self.events
            if event.involved_object.kind == kind and event.involved_object.name == name and event.reason in reasons
        ]
        return max(found, key=lambda event: _seconds(event.last_timestamp), default=None)


def _born(pod: Pod) -> float:
    return _seconds(pod.metadata.creation_timestamp)


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0


def explain(facts: Facts) -> list[Finding]:
    """The chain, from the machine down to what everything waits for. Never empty."""
    chain = [_machine(facts.vm, facts)] if facts.vm is not None else []
    if facts.vmi is None:
        return [*chain, *_storage(facts)] if _wants_to_run(facts.vm) else chain
    chain.append(_instance(facts.vmi))
    if facts.vmi.status.phase in FINAL:
        return chain
    if _is_serving(facts.vmi):
        return [*chain, *_node_not_ready(facts.nodes.get(facts.vmi.status.node_name))]
    chain += _storage(facts)
    if facts.pod is not None and facts.vmi.status.phase != "Running":
        chain += _pod_and_below(facts.pod, facts)
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
            remedy=f"wait for the grace period, or end the guest at once: virtctl stop {facts.name} --force "
            "--grace-period=0",
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
            f"{failure.retry_after_timestamp:%H:%M:%S} UTC.",
            remedy="see why the last guest ended: kubectl get events, and the log of its launcher pod",
        )  # fmt: skip
    told = _true(vm.status.conditions, "Failure")
    if told is not None:
        return Finding(subject=subject, state=state, cause=told.message or told.reason,
                       since=told.last_transition_time,
                       remedy="end what the message names; the attempt is repeated by itself")  # fmt: skip
    if facts.vmi is None and not _wants_to_run(vm):
        strategy = _strategy(vm)
        return Finding(
            subject=subject, state=state, cause=f"Nothing is waited for: its run strategy is {strategy}.",
            remedy=f"virtctl start {facts.name}",
        )  # fmt: skip
    if facts.vmi is None:
        return Finding(
            subject=subject, state=state, cause="It should run, and its instance has not been created.",
            since=vm.metadata.creation_timestamp,
            remedy=f"see its conditions: kubectl -n {facts.namespace} describe vm {facts.name}",
        )  # fmt: skip
    return Finding(subject=subject, state=state)


def _not_ready_since(vm: VirtualMachine) -> datetime | None:
    ready = _false(vm.status.conditions, "Ready")
    return ready.last_transition_time if ready is not None else vm.metadata.creation_timestamp


def _instance(vmi: VirtualMachineInstance) -> Finding:
    subject = f"VirtualMachineInstance {vmi.metadata.name}"
    phase = vmi.status.phase or "Pending"
    since = _phase_since(vmi)
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
        remedy = f"virtctl unpause vmi {name}"
        if paused.reason == "PausedIOError":
            remedy = "make room on the volume that the instance's events name; the guest goes on by itself"
        return Finding(subject=subject, state="Paused", cause=why, since=paused.last_transition_time, remedy=remedy)
    if (said := _false(vmi.status.conditions, "Synchronized")) is not None:
        return Finding(subject=subject, state=phase, cause=said.message or said.reason,
                       since=said.last_transition_time or since,
                       remedy="end what the message names; the attempt is repeated by itself")  # fmt: skip
    if phase in FINAL:
        remedy = f"its last words: kubectl logs -l {names.LABEL_VMI_ID}={names.vmi_id(name)} --all-containers"
        return Finding(subject=subject, state=phase, since=since, cause="The guest has ended.", remedy=remedy)
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


def _is_serving(vmi: VirtualMachineInstance) -> bool:
    return vmi.status.phase == "Running" and vmi.metadata.deletion_timestamp is None


def _phase_since(vmi: VirtualMachineInstance) -> datetime | None:
    moments = [
        entry.phase_transition_timestamp
        for entry in vmi.status.phase_transition_timestamps
        if entry.phase == vmi.status.phase and entry.phase_transition_timestamp is not None
    ]
    return max(moments) if moments else vmi.metadata.creation_timestamp


def _storage(facts: Facts) -> list[Finding]:
    """Data volumes first: a claim that one of them has still to make is no news."""
    first = facts.vmi or facts.vm
    since = first.metadata.creation_timestamp if first is not None else None
    found = data_volume_findings(facts.data_volumes, facts.claims, since)
    return found or claim_findings(facts.claims, facts.namespace, since, facts.last_event)


def _pod_and_below(pod: Pod, facts: Facts) -> list[Finding]:
    subject = f"Pod {pod.metadata.name}"
    scheduled = pod.condition("PodScheduled")
    if not pod.spec.node_name:
        scheduled = scheduled or Condition(type="PodScheduled")
        message = scheduled.message
        return [Finding(
            subject=subject, state=scheduled.reason or "Pending",
            since=scheduled.last_transition_time or pod.metadata.creation_timestamp,
            cause=message or "The scheduler has not looked at it yet.",
            remedy=scheduling_remedy(message, list(facts.nodes.values())),
        )]  # fmt: skip
    where = Finding(subject=subject, state=pod.status.phase or "Pending", since=pod.metadata.creation_timestamp,
                    cause=f"It is on node {pod.spec.node_name}.",
                    remedy=f"if this lasts: kubectl describe pod {pod.metadata.name}")  # fmt: skip
    if broken := _node_not_ready(facts.nodes.get(pod.spec.node_name)):
        return [where, *broken]
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if (found := _container(status, pod, facts)) is not None:
            return [where, found]
    return [where]


def _node_not_ready(node: Node | None) -> list[Finding]:
    if node is None or node.is_ready:
        return []
    ready = next((each for each in node.status.conditions if each.type == "Ready"), None)
    return [Finding(
        subject=f"Node {node.metadata.name}", state="not ready",
        since=ready.last_transition_time if ready is not None else node.metadata.creation_timestamp,
        cause=ready.message if ready is not None else "Its kubelet has never reported.",
        remedy="look at the node's kubelet; if the node is gone for good: kubectl delete node "
        + node.metadata.name,
    )]  # fmt: skip


def _container(status: ContainerStatus, pod: Pod, facts: Facts) -> Finding | None:
    waiting, ended = status.state.waiting, status.state.terminated
    if ended is not None and ended.exit_code != 0:
        return Finding(subject=f"Container {status.name}", state=f"ended with exit code {ended.exit_code}",
                       cause=ended.message or ended.reason, since=ended.finished_at,
                       remedy=f"kubectl logs {pod.metadata.name} -c {status.name}")  # fmt: skip
    if waiting is None:
        return None
    images = {each.name: each.image for each in (*pod.spec.containers, *pod.spec.init_containers)}
    since = pod.status.start_time or pod.metadata.creation_timestamp
    if waiting.reason in TROUBLED_PULLS:
        failed = facts.last_event("Pod", pod.metadata.name, "Failed")
        message = waiting.message if waiting.reason == "ErrImagePull" else (failed.message if failed else "")
        return Finding(subject=f"Image {images.get(status.name, status.name)}", state=waiting.reason,
                       cause=message or waiting.message, since=since,
                       remedy=image_remedy(message or waiting.message))  # fmt: skip
    mount = facts.last_event("Pod", pod.metadata.name, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
    if waiting.reason in ("ContainerCreating", "PodInitializing") and mount is not None:
        return Finding(subject=f"Container {status.name}", state=mount.reason, cause=mount.message,
                       since=mount.first_timestamp or since,
                       remedy=mount_remedy(mount.reason, mount.message))  # fmt: skip
    pulling = facts.last_event("Pod", pod.metadata.name, "Pulling", "Pulled")
    if pulling is not None and pulling.reason == "Pulling":
        return Finding(subject=f"Image {images.get(status.name, status.name)}", state="being pulled",
                       since=pulling.first_timestamp or since, cause=pulling.message,
                       remedy="wait: the first pull of an image on a node takes as long as its size says")  # fmt: skip
    return Finding(subject=f"Container {status.name}", state=waiting.reason or "waiting", cause=waiting.message,
                   since=since, remedy=f"if this lasts: kubectl describe pod {pod.metadata.name}")  # fmt: skip


Conditions = Iterable[Condition] | Iterable[VirtualMachineInstanceCondition]


def _true(conditions: Conditions, type_: str) -> Condition | None:
    return next((each for each in conditions if each.type == type_ and each.status == "True"), None)


def _false(conditions: Conditions, type_: str) -> Condition | None:
    return next((each for each in conditions if each.type == type_ and each.status == "False"), None)
