"""When a node counts as unresponsive, and which of its VMIs are lost. Pure.

virt-handler writes a heartbeat to its node. A VMI on a node without one is only given up when its launcher pod does not
run any more either: a dead virt-handler alone harms no guest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pods import Node, Pod
from kubevirt.api.resources import NODES, VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstancePhaseTransitionTimestamp as Transition
from kubevirt.kit.errors import Refused
from kubevirt.kit.times import parse_time
from kubevirt.virt_controller.actions import Event, FailureWords, Patch
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.phases import FINAL

SILENT_FOR = timedelta(minutes=5)
RECHECK_S = 60.0

REASON = "NodeUnresponsive"
FAILED = FailureWords(reason="FailedUpdateError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A node's name, the node if it exists, and the VMIs that run there with their launcher pods."""

    name: str
    node: Node | None
    vmis: tuple[VirtualMachineInstance, ...] = ()
    pods: Mapping[str, tuple[Pod, ...]]  # by the uid of the VMI
    now: datetime


def is_ours(node: Node) -> bool:
    """virt-handler has been on this node."""
    return names.LABEL_SCHEDULABLE in node.metadata.labels


def is_responsive(node: Node | None, now: datetime) -> bool:
    """The node's virt-handler has been heard of lately."""
    if node is None:
        return False
    heartbeat = node.metadata.annotations.get(names.ANNOTATION_HEARTBEAT)
    if not heartbeat:
        return False
    try:
        return now - parse_time(heartbeat.strip('"')) <= SILENT_FOR
    except Refused:
        return False


def mark_node(o: Observed) -> Patch | None:
    """Take an unresponsive node out of scheduling, once."""
    node = o.node
    if node is None or not is_ours(node) or is_responsive(node, o.now):
        return None
    if node.metadata.labels.get(names.LABEL_SCHEDULABLE) != "true":
        return None
    labels = {**node.metadata.labels, names.LABEL_SCHEDULABLE: "false"}
    return Patch(
        resource=NODES, old=node, new=replace(node, metadata=replace(node.metadata, labels=labels)),
        done=Event(reason=REASON, message="virt-handler is not responsive, marking node as unresponsive"),
        failed=FAILED,
    )


def lost(o: Observed) -> list[Patch]:
    """VMIs that ended with the node: nothing of them runs any more, and nobody else will say so."""
    if is_responsive(o.node, o.now):
        return []
    return [fail(o, vmi) for vmi in o.vmis if vmi.status.phase not in FINAL and not lives(o.pods[vmi.metadata.uid])]


def lives(launcher_pods: Iterable[Pod]) -> bool:
    """Some launcher pod still runs, as far as the cluster knows."""
    return any(not pods.is_down(p) for p in launcher_pods)


def fail(o: Observed, vmi: VirtualMachineInstance) -> Patch:
    """The VMI, given up."""
    history = [*vmi.status.phase_transition_timestamps, Transition(phase="Failed", phase_transition_timestamp=o.now)]
    status = replace(vmi.status, phase="Failed", reason=REASON, phase_transition_timestamps=history)
    return Patch(
        resource=VMIS, old=vmi, new=replace(vmi, status=status),
        done=Event(reason=REASON,
                   message=f"virt-handler on node {o.name} is not responsive, marking VMI as failed"),
        failed=FAILED,
    )
