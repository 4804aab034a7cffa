"""What to do about a VMI's pods: create the one launcher pod, tell it what it must know, delete what must go."""

from __future__ import annotations

from dataclasses import replace

from kubevirt.api.phase import is_final
from kubevirt.api.pods import Pod
from kubevirt.api.resources import PODS
from kubevirt.virt_controller import tsc
from kubevirt.virt_controller.actions import Action, Delete, Event, FailureWords, SyncProblem
from kubevirt.virt_controller.patience import PATIENCE_S, seconds_since_turn
from kubevirt.virt_controller.vmi import pods, state
from kubevirt.virt_controller.vmi.conditions import MISSING_CLAIM, NO_NODES
from kubevirt.virt_controller.vmi.data import Data, data, served
from kubevirt.virt_controller.vmi.observed import Decision, Observed
from kubevirt.virt_controller.vmi.phases import UNPROCESSED
from kubevirt.virt_controller.vmi.upkeep import upkeep
from kubevirt.virt_controller.volumes import claim_names

RECEIVER = "kubevirt.io/create-migration-target"

NO_NODES_MESSAGE = (
    "no node of the cluster is ready for virtual machines: none has the label kubevirt.io/schedulable=true and "
    "reports its devices.kubevirt.io resources; see that the virt-handler pods run"
)

NO_HINTS = "FailedGatherhingClusterTopologyHints"
NO_TSC = (
    "failed to determine the lowest tsc frequency on the cluster: no node that takes virtual machines tells one by the "
    "label cpu-timer.node.kubevirt.io/tsc-frequency; leave the CPU feature invtsc out, or use nodes that have it"
)

IN_TURN = "StartsInTurn"
IN_TURN_MESSAGE = "many machines start at this moment; each gets its turn, as many at once as the nodes have processors"


def decide(o: Observed) -> Decision:
    """The next step for this VMI's pods. Pure: same input, same answer."""
    if o.is_deleting:
        return Decision(actions=tuple(delete(p) for p in o.pods if not pods.is_deleting(p)))
    if is_final(o.vmi.status.phase):
        return Decision()
    if o.vmi.status.phase in UNPROCESSED and o.pod is None:
        return unprocessed(o)
    decision = upkeep(o)
    return replace(decision, actions=(*decision.actions, *(delete(p) for p in served(o))))


def unprocessed(o: Observed) -> Decision:
    """A VMI without a pod gets one as soon as everything that the pod needs is there."""
    meta = o.vmi.metadata
    if meta.annotations.get(RECEIVER) == "true":
        return Decision(problem=SyncProblem(
            reason="UnsupportedSyncError", retry=False,
            message=f"annotation {RECEIVER}: receiving a migration is not served by this release of KubeVirt"))
    for claim in claim_names(o.vmi.spec.volumes):
        if claim not in o.claims and claim not in o.data_volumes:
            message = f"PVC {meta.namespace}/{claim} does not exist, waiting for it to appear"
            return Decision(problem=SyncProblem(reason=MISSING_CLAIM, message=message, retry=False),
                            event=Event(reason=MISSING_CLAIM, message=message))
    if not o.nodes_ready:
        return Decision(problem=SyncProblem(reason=NO_NODES, message=NO_NODES_MESSAGE, retry=False))
    if tsc.is_wanted(o.vmi) and tsc.needed_to_boot(o.vmi):
        if o.tsc_hz:
            return Decision()  # the status tells of it first
        return Decision(problem=SyncProblem(reason=NO_HINTS, message=NO_TSC, retry=False),
                        event=Event(type="Warning", reason=NO_HINTS, message=NO_TSC))
    match data(o):
        case Data.CONSUMER:
            return Decision(create_pod=not o.pods, temporary=True)
        case Data.COMING | Data.FAILED:
            return Decision()
    return state.awaited(o) or Decision(create_pod=True)


def in_turn(o: Observed, decision: Decision, turn_in_s: float | None) -> Decision:
    """The decision when pods are made in turn; None stands for now. Only a wait that lasts is worth a condition."""
    if turn_in_s is None:
        return decision
    if seconds_since_turn(o.vmi, o.now) < PATIENCE_S:
        return Decision()
    return Decision(problem=SyncProblem(reason=IN_TURN, message=IN_TURN_MESSAGE, retry=False))


def is_starting(o: Observed) -> bool:
    """The VMI's start keeps a processor busy: it is not up yet, and nothing else is known that it waits for."""
    if o.is_deleting or o.pod is None or o.vmi.status.phase not in UNPROCESSED | {"Scheduling", "Scheduled"}:
        return False
    placed = o.pod.condition("PodScheduled")
    return not pods.is_down(o.pod) and pods.stuck(o.pod) is None and (placed is None or placed.status != "False")


def delete(pod: Pod) -> Action:
    """The end of a pod; a launcher's grace period covers the guest's, others have nothing to end."""
    if pods.is_temporary(pod):
        told = f"Deleted WaitForFirstConsumer temporary pod {pod.metadata.name}"
        return Delete(resource=PODS, target=pod, grace_s=0, done=Event(reason="SuccessfulDelete", message=told),
                      failed=FailureWords(reason="FailedDelete"))
    trouble = f"Failed to delete virtual machine pod {pod.metadata.name}: "
    return Delete(
        resource=PODS,
        target=pod,
        done=Event(reason="SuccessfulDelete", message=f"Deleted virtual machine pod {pod.metadata.name}"),
        failed=FailureWords(reason="FailedDelete", condition=trouble, event=trouble),
    )
