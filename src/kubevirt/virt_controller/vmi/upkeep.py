"""What a launcher pod is told while it lives: whether its guest is paused, and whether it has to leave its node.
Also what is wrong with a pod that was made, but is not what the VMI asked for.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pods import Pod
from kubevirt.api.resources import PODS
from kubevirt.kit.json import Json
from kubevirt.machine.domain import placement
from kubevirt.virt_controller.actions import Action, Event, FailureWords, MergeStatus, Patch, SyncProblem
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.observed import Decision, Observed

UNPAUSED = "kubevirt.io/virtual-machine-unpaused"
EVICTING = names.ANNOTATION_EVICTION_IN_PROGRESS
FAILED = FailureWords(reason="FailedUpdateError")

NOT_GUARANTEED = "FailedGuaranteeResources"
NOT_GUARANTEED_MESSAGE = "failed to guarantee pod resources"


def upkeep(o: Observed) -> Decision:
    """The next step for a VMI that has its pod."""
    pod = o.pod
    if pod is None or pods.is_down(pod):
        return Decision()
    actions = (*readiness_gate(o, pod), *eviction_marker(o, pod))
    if placement.is_dedicated(o.vmi) and pod.status.qos_class not in ("", "Guaranteed"):
        problem = SyncProblem(reason=NOT_GUARANTEED, message=NOT_GUARANTEED_MESSAGE, retry=False)
        told = Event(type="Warning", reason=NOT_GUARANTEED, message=NOT_GUARANTEED_MESSAGE)
        return Decision(actions=actions, problem=problem, event=told)
    return Decision(actions=actions)


def readiness_gate(o: Observed, pod: Pod) -> tuple[Action, ...]:
    """Once the guest runs, the pod learns whether it is paused, which decides whether Services send it anything."""
    if o.vmi.status.phase != "Running":
        return ()
    if is_true(o.vmi.status.conditions, "Paused"):
        wanted = ("False", "Paused", "the virtual machine is paused")
    else:
        wanted = ("True", "NotPaused", "the virtual machine is not paused")
    told = pod.condition(UNPAUSED)
    if told is not None and (told.status, told.reason, told.message) == wanted:
        return ()
    since = o.now if told is None or told.status != wanted[0] else told.last_transition_time or o.now
    status, reason, message = wanted
    change: Json = {"type": UNPAUSED, "status": status, "reason": reason, "message": message,
              "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return (MergeStatus(resource=PODS, target=pod, change={"status": {"conditions": [change]}}, failed=FAILED),)


def eviction_marker(o: Observed, pod: Pod) -> tuple[Action, ...]:
    """A descheduler must not ask again for what is under way; the mark goes when the eviction is over or called off."""
    marks, wanted = pod.metadata.annotations, bool(o.vmi.status.evacuation_node_name)
    if wanted == (marks.get(EVICTING) == "true") or o.vmi.status.phase != "Running":
        return ()
    rest = {key: value for key, value in marks.items() if key != EVICTING}
    metadata = replace(pod.metadata, annotations={**rest, EVICTING: "true"} if wanted else rest)
    return (Patch(resource=PODS, old=pod, new=replace(pod, metadata=metadata), failed=FAILED),)
