"""When a node counts as unresponsive, and which of its VMIs are lost. Pure.

virt-handler writes a heartbeat to its node. A VMI on a node without one is only given up when its launcher pod does not
run any more either: a dead virt-handler alone harms no guest. A pod that was asked to end counts as running for as
long as it was given time for that; on a dead node nobody will ever say that it has ended.

Given up does not mean replaced. The VMI keeps its finalizer, and so its name, until its pod is gone from the API: only
then can the guest not run any more, wherever it may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.phase import is_final
from kubevirt.api.pods import Node, Pod
from kubevirt.api.resources import NODES, VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstancePhaseTransitionTimestamp as Transition
from kubevirt.kit.errors import Refused
from kubevirt.kit.times import parse_time
from kubevirt.virt_controller.actions import Event, FailureWords, Patch
from kubevirt.virt_controller.vmi import pods

SILENT_FOR = timedelta(minutes=5)
RECHECK_S = 60.0

REASON = "NodeUnresponsive"
ORPHANS = ("virt-handler is not present, there are orphaned vmis on this node. Run virt-handler on this node to "
           "migrate or remove them.")
FAILED = FailureWords(reason="FailedUpdateError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A node's name, the node if it exists, and the VMIs that run there with their launcher pods."""

    name: str
    node: Node | None
    vmis: tuple[VirtualMachineInstance, ...] = ()
    pods: Mapping[str, tuple[Pod, ...]]  # by the uid of the VMI
    handler_missing: bool = False  # no virt-handler runs on the node, though those of all other nodes are ready
    now: datetime

    @property
    def is_responsive(self) -> bool:
        """The node's virt-handler has been heard of lately."""
        return is_responsive(self.node, self.now)

    @property
    def active(self) -> tuple[VirtualMachineInstance, ...]:
        """The VMIs that have not ended."""
        return tuple(v for v in self.vmis if not is_final(v.status.phase))


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
    if node is None or not is_ours(node) or o.is_responsive:
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
    if o.is_responsive:
        return []
    return [fail(o, vmi) for vmi in o.active if not lives(o.pods[vmi.metadata.uid], o.now)]


def lives(launcher_pods: Iterable[Pod], now: datetime) -> bool:
    """Some launcher pod still runs, as far as the cluster knows, or may take its time to end."""
    return any(not pods.has_ended(p) and not is_overdue(p, now) for p in launcher_pods)


def is_overdue(pod: Pod, now: datetime) -> bool:
    """The pod was asked to end, and the time that it was given for that is over."""
    end = pod.metadata.deletion_timestamp  # the API server puts the grace period on top
    return end is not None and end <= now


def orphans(o: Observed) -> Event | None:
    """What is said of a node on which VMIs run that no virt-handler looks after."""
    if o.node is None or o.is_responsive or not o.handler_missing or not o.active:
        return None
    return Event(type="Warning", reason=REASON, message=ORPHANS)


def look_again_s(o: Observed) -> float | None:
    """When to look next; None when there is nothing to watch."""
    if not o.active and (o.node is None or not is_ours(o.node)):
        return None
    ends = (p.metadata.deletion_timestamp for vmi in o.active for p in o.pods[vmi.metadata.uid]
            if not pods.has_ended(p))
    left = [(end - o.now).total_seconds() for end in ends if end is not None and end > o.now]
    return min([RECHECK_S, *left]) + (0.5 if left else 0.0)


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
