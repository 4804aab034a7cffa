"""The VMI as it should now read: phase, conditions, labels, finalizers, all in one patch.

VMIs have no status sub-resource, so one write carries everything. `hold_s` keeps back writes that would tell nobody
anything yet: a launcher pod is usually up before a user could read the phase Scheduling.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.phase import is_final
from kubevirt.api.pods import Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import MemoryStatus, TopologyHints, VirtualMachineInstanceStatus
from kubevirt.api.vmi_status import VirtualMachineInstancePhaseTransitionTimestamp as Transition
from kubevirt.virt_controller import tsc
from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.conditions import drop, is_true
from kubevirt.virt_controller.patience import PATIENCE_S, seconds_since_turn
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.conditions import conditions
from kubevirt.virt_controller.vmi.ending import Ending
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.phases import HANDED_OVER, UNPROCESSED, next_phase
from kubevirt.virt_controller.vmi.volume_status import volume_status

RUNTIME_USER = 107
FOREGROUND = frozenset({names.FINALIZER_VMI_FOREGROUND, names.FINALIZER_VMI_FOREGROUND_LEGACY})


def shape(o: Observed, problem: SyncProblem | None) -> VirtualMachineInstance:
    """The VMI to be; equal to the present one when there is nothing to tell."""
    ending = next_phase(o)
    return replace(o.vmi, metadata=metadata(o, ending), status=status(o, ending, problem))


def status(o: Observed, ending: Ending, problem: SyncProblem | None) -> VirtualMachineInstanceStatus:
    """The status, once the VMI is in the phase of `ending`."""
    old, pod = o.vmi.status, o.pod
    new = replace(old, phase=ending.phase, conditions=conditions(o, ending, problem))
    if ending.phase != old.phase:
        new.phase_transition_timestamps = with_transitions(o, ending.phase)
    if ending.reason:
        new.reason = ending.reason
    if is_final(ending.phase):
        return new
    if ending.phase in UNPROCESSED and o.tsc_hz and tsc.is_wanted(o.vmi):
        new.topology_hints = TopologyHints(tsc_frequency=o.tsc_hz)
    new.active_pods = {p.metadata.uid: p.spec.node_name for p in o.pods if p.spec.node_name}
    if pod is not None and ending.phase in HANDED_OVER and not pods.is_down(pod):
        new.node_name = pod.spec.node_name
        new.qos_class = pod.status.qos_class
        new.migration_transport = "Unix"
        new.launcher_container_image_version = pods.compute_image(pod)
        if new.runtime_user is None:
            new.runtime_user = RUNTIME_USER
        new.volume_status = volume_status(o)
        if (beside := pods.memory_overhead(pod)) is not None:
            new.memory = replace(old.memory or MemoryStatus(), memory_overhead=beside)
        if new.vsock_cid is None:
            new.vsock_cid = o.vsock_cid
    return new


def with_transitions(o: Observed, phase: str) -> list[Transition]:
    """The history with this phase in it. Steps that were too short to be written on their own are filled in."""
    history = o.vmi.status.phase_transition_timestamps
    known = {t.phase for t in history}
    steps = [(phase, o.now)]
    if not history and phase != "Pending":
        steps.insert(0, ("Pending", o.vmi.metadata.creation_timestamp or o.now))
    if phase == "Scheduled" and o.pod is not None:
        steps.insert(-1, ("Scheduling", o.pod.metadata.creation_timestamp or o.now))
    return [*history, *(Transition(phase=p, phase_transition_timestamp=at) for p, at in steps if p not in known)]


def metadata(o: Observed, ending: Ending) -> ObjectMeta:
    """Labels that say where it runs and on what, and finalizers that no longer hold anything."""
    meta, pod = o.vmi.metadata, o.pod
    if pod is not None and ending.phase in HANDED_OVER:
        meta = with_labels(meta, pod, o.launcher_image)
    if not o.is_deleting or not is_final(ending.phase) or o.pods:
        return meta
    free = FOREGROUND if o.has_vm else FOREGROUND | {names.FINALIZER_VM_CONTROLLER}
    kept = [f for f in meta.finalizers if f not in free]
    return meta if kept == meta.finalizers else replace(meta, finalizers=kept)


def with_labels(meta: ObjectMeta, pod: Pod, launcher_image: str) -> ObjectMeta:
    """The labels of a VMI that runs in this pod."""
    labels = {**meta.labels, names.LABEL_NODE_NAME: pod.spec.node_name}
    if launcher_image and pods.compute_image(pod) != launcher_image:
        labels[names.LABEL_OUTDATED_LAUNCHER_IMAGE] = ""
    else:
        labels.pop(names.LABEL_OUTDATED_LAUNCHER_IMAGE, None)
    return meta if labels == meta.labels else replace(meta, labels=labels)


def hold_s(o: Observed, new: VirtualMachineInstance) -> float:
    """Seconds for which this write can wait; 0 when it tells something that matters."""
    if essence(o.vmi) != essence(new):
        return 0.0
    return max(0.0, PATIENCE_S - seconds_since_turn(o.vmi, o.now))


def essence(vmi: VirtualMachineInstance) -> tuple[object, ...]:
    """What a user or another program acts on: not why a starting guest is not ready, nor which pod it will run in."""
    s = vmi.status
    early = s.phase in UNPROCESSED or s.phase == "Scheduling"
    rest = replace(
        s,
        phase="Pending" if early else s.phase,
        phase_transition_timestamps=[],
        active_pods={} if early else s.active_pods,
        conditions=drop(s.conditions, "Ready"),
    )
    return vmi.metadata, is_true(s.conditions, "Ready"), rest
