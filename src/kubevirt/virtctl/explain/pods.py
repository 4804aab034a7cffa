"""What is the matter with a launcher pod: its place, its node, its images, its mounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from kubevirt.api import node_labels
from kubevirt.api.core import ContainerStatus, Pod
from kubevirt.api.meta import Condition
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virtctl.explain.facts import Facts
from kubevirt.virtctl.explain.finding import Finding
from kubevirt.virtctl.explain.remedies import image_remedy, mount_remedy, scheduling_remedy

NAMED_IMAGE = re.compile(r'image (?:name |tag )?"([^"]+)"')
TROUBLED_PULLS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def pod_findings(pod: Pod, facts: Facts) -> list[Finding]:
    subject = f"Pod {pod.metadata.name}"
    scheduled = pod.condition("PodScheduled")
    if not pod.spec.node_name:
        scheduled = scheduled or Condition(type="PodScheduled")
        message = scheduled.message
        return [Finding(
            subject=subject, state=scheduled.reason or "Pending",
            since=scheduled.last_transition_time or pod.metadata.creation_timestamp,
            cause=message or "The scheduler has not looked at it yet.",
            remedy=scheduling_remedy(message, list(facts.nodes.values()), _selector(facts.vmi), _abilities(facts.vmi)),
        )]  # fmt: skip
    where = Finding(subject=subject, state=f"{pod.status.phase or 'Pending'} on node {pod.spec.node_name}",
                    since=pod.metadata.creation_timestamp,
                    remedy=f"if this lasts: kubectl{facts.at} describe pod {pod.metadata.name}")  # fmt: skip
    if broken := node_findings(pod.spec.node_name, facts):
        return [where, *broken]
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if (found := _container(status, pod, facts)) is not None:
            return [where, found]
    return [where]


def _selector(vmi: VirtualMachineInstance | None) -> Mapping[str, str]:
    return vmi.spec.node_selector if vmi is not None else {}


def _abilities(vmi: VirtualMachineInstance | None) -> Mapping[str, str]:
    """Labels of nodes that a machine's processor asks for, each with the field that does."""
    return node_labels.of_processor(vmi.spec.domain.cpu) if vmi is not None else {}


def node_findings(name: str, facts: Facts) -> list[Finding]:
    """What is the matter with a node; who may not look at nodes is told nothing of them."""
    node = facts.nodes.get(name)
    if node is None and facts.nodes and name:
        return [Finding(
            subject=f"Node {name}", state="gone", since=phase_since(facts.vmi) if facts.vmi is not None else None,
            cause="There is no such node any more.",
            remedy="wait: Kubernetes removes its pods, and the machine starts elsewhere; or bring the node back",
        )]  # fmt: skip
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
                       remedy=f"kubectl{facts.at} logs {pod.metadata.name} -c {status.name}")  # fmt: skip
    if waiting is None:
        return None
    images = {each.name: each.image for each in (*pod.spec.containers, *pod.spec.init_containers)}
    since = pod.status.start_time or pod.metadata.creation_timestamp
    if waiting.reason in TROUBLED_PULLS:
        says_why = waiting.reason != "ImagePullBackOff" or "ErrImagePull: " in waiting.message
        failed = None if says_why else facts.last_failed_pull(pod.metadata.name)
        message = failed.message if failed is not None else waiting.message
        named = NAMED_IMAGE.search(message)  # of an image volume, whose container is not to blame
        image = named[1] if named is not None else images.get(status.name, status.name)
        return Finding(subject=f"Image {image}", state=waiting.reason, cause=message, since=since,
                       remedy=image_remedy(message))  # fmt: skip
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
                   since=since,
                   remedy=f"if this lasts: kubectl{facts.at} describe pod {pod.metadata.name}")  # fmt: skip


def phase_since(vmi: VirtualMachineInstance) -> datetime | None:
    moments = [
        entry.phase_transition_timestamp
        for entry in vmi.status.phase_transition_timestamps
        if entry.phase == vmi.status.phase and entry.phase_transition_timestamp is not None
    ]
    return max(moments) if moments else vmi.metadata.creation_timestamp
