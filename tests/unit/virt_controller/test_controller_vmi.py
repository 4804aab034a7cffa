"""The VMI controller's tables: which pod is made or deleted when, which phase follows, and what the VMI says
meanwhile.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from controller_objects import (
    FINALIZER,
    FOREGROUND,
    NOW,
    RUNS,
    VMI_UID,
    claim,
    condition,
    ended,
    owner,
    pod,
    uses_claim,
    vmi,
    waits,
)

from kubevirt.kit.json import dig
from kubevirt.kit.quantity import Quantity
from kubevirt.virt_controller.actions import Delete, MergeStatus
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.controller import failure_event
from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.phases import next_phase
from kubevirt.virt_controller.vmi.shape import hold_s, shape


def seen(instance: Any, *launcher_pods: Any, **rest: Any) -> Observed:
    """What the VMI controller sees; the VM is there unless said otherwise."""
    return Observed(vmi=instance, pods=launcher_pods, now=NOW, has_vm=rest.pop("has_vm", True),
                    launcher_image="virt:1", **rest)


def shaped(o: Observed) -> Any:
    """The VMI after the decision, as if its actions had worked."""
    return shape(o, decide(o).problem)


READY = [condition("Ready", "True")]
NOT_READY = [condition("Ready", "False", "ReadinessGatesNotReady", "x")]
STARTED = pod(phase="Running", compute=RUNS)
REPORT = {"namespace": "shop", "name": "web", "uid": VMI_UID}
POWERED_OFF = json.dumps({**REPORT, "state": "Shutoff", "reason": "Shutdown"})
CRASHED = json.dumps({**REPORT, "state": "Crashed", "reason": "Panicked"})
BROKEN_DISK = json.dumps({**REPORT, "failure": "the image of disk 'root' cannot be read"})
STRANGER = json.dumps({**REPORT, "uid": "someone", "state": "Shutoff", "reason": "Shutdown"})


# Pods


@pytest.mark.parametrize("phase", ["", "Pending"])
def test_a_new_vmi_gets_a_pod(phase: str) -> None:
    assert decide(seen(vmi(phase))).create_pod


@pytest.mark.parametrize("observed", [
    pytest.param(seen(vmi("Pending"), pod()), id="there is one"),
    pytest.param(seen(vmi("Pending"), pod(deleting=True)), id="the one that is going may still run"),
    pytest.param(seen(vmi("Pending"), pod(phase="Failed")), id="one that failed is not replaced"),
    *[pytest.param(seen(vmi(p)), id=f"a VMI in phase {p} has had its pod")
      for p in ("Scheduling", "Scheduled", "Running", "Succeeded", "Failed", "Unknown")],
    pytest.param(seen(vmi("Pending", deleting=True)), id="the VMI is to go"),
])
def test_never_a_second_pod(observed: Observed) -> None:
    assert not decide(observed).create_pod


def test_the_pods_name_follows_from_the_vmi() -> None:
    one, same, other = pods.name_for(vmi()), pods.name_for(vmi("Pending")), pods.name_for(vmi(uid="another"))
    assert one == same != other
    assert one.startswith("virt-launcher-web-")
    assert len(pods.name_for(vmi(name="x" * 100))) <= 63


@pytest.mark.parametrize(("observed", "reason", "message"), [
    pytest.param(seen(vmi("Pending", volumes=[uses_claim("data")])), "FailedPvcNotFound",
                 "PVC shop/data does not exist, waiting for it to appear", id="a claim is missing"),
    pytest.param(seen(vmi("Pending"), nodes_ready=False), "NoNodeReady", "no node of the cluster is ready for virtual",
                 id="no node can take it"),
])
def test_a_wait_before_the_pod_has_a_reason_and_no_timer(observed: Observed, reason: str, message: str) -> None:
    decision = decide(observed)
    assert not decision.create_pod
    assert decision.problem is not None
    assert decision.problem.reason == reason
    assert decision.problem.message.startswith(message)
    assert not decision.problem.retry
    new = shaped(observed)
    for type_, told in (("Synchronized", reason), ("PodScheduled", "Unschedulable")):
        entry = find(new.status.conditions, type_)
        assert entry is not None
        assert (entry.status, entry.reason) == ("False", told)
    assert hold_s(observed, new) == 0.0


def test_an_existing_claim_is_enough_whatever_its_state() -> None:
    o = seen(vmi("Pending", volumes=[uses_claim("data")]), claims={"data": claim("data", "Pending")})
    assert decide(o).create_pod


def test_a_vmi_that_is_to_go_takes_its_pods_with_it() -> None:
    o = seen(vmi("Running", deleting=True), pod(uid="a", compute=RUNS), pod(uid="b", deleting=True))
    (action,) = decide(o).actions
    assert isinstance(action, Delete)
    assert action.target.metadata.uid == "a"
    assert action.done is not None
    assert (action.done.reason, action.done.message) == (
        "SuccessfulDelete", "Deleted virtual machine pod virt-launcher-web-a")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_the_pod_of_an_ended_vmi_stays_to_be_looked_at(phase: str) -> None:
    assert decide(seen(vmi(phase), pod(phase="Failed", compute=ended(1)))).actions == ()


UNPAUSED = condition("kubevirt.io/virtual-machine-unpaused", "True", "NotPaused", "the virtual machine is not paused")
PAUSED = [condition("Paused", "True", "PausedByUser")]


@pytest.mark.parametrize(("instance", "launcher", "told"), [
    pytest.param(vmi("Running"), STARTED, ("True", "NotPaused"), id="a running guest"),
    pytest.param(vmi("Running", conditions=PAUSED), STARTED, ("False", "Paused"), id="a paused guest"),
    pytest.param(vmi("Running", conditions=PAUSED), pod(phase="Running", compute=RUNS, conditions=[UNPAUSED]),
                 ("False", "Paused"), id="a guest paused later"),
    pytest.param(vmi("Running"), pod(phase="Running", compute=RUNS, conditions=[UNPAUSED]), None, id="nothing new"),
    pytest.param(vmi("Scheduled"), STARTED, None, id="no guest yet"),
    pytest.param(vmi("Running"), pod(deleting=True, compute=RUNS), None, id="a pod that goes"),
])
def test_the_pod_is_told_whether_the_guest_is_paused(instance: Any, launcher: Any, told: Any) -> None:
    actions = decide(seen(instance, launcher)).actions
    if told is None:
        assert actions == ()
        return
    (action,) = actions
    assert isinstance(action, MergeStatus)
    entry = ("status", "conditions", 0)
    assert (dig(action.change, *entry, "status"), dig(action.change, *entry, "reason")) == told


# Phases


@pytest.mark.parametrize(("phase", "launcher", "expected"), [
    *[pytest.param(p, pod(), "Scheduling", id=f"{p or 'no phase'}: a pod is there") for p in ("", "Pending")],
    pytest.param("Pending", None, "Pending", id="Pending: no pod yet"),
    pytest.param("", None, "Pending", id="no phase: no pod yet"),
    pytest.param("Pending", STARTED, "Scheduled", id="Pending: the launcher already runs"),
    pytest.param("Scheduling", STARTED, "Scheduled", id="Scheduling: the launcher runs"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "guest-console-log", "state": {}}]), "Scheduled",
                 id="Scheduling: nobody waits for the console log"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "hook-sidecar-0", "state": RUNS}]), "Scheduling",
                 id="Scheduling: a sidecar is not ready"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "istio-proxy", "state": RUNS}]), "Scheduled",
                 id="Scheduling: a proxy only has to run"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "istio-proxy", "state": waits("")}]), "Scheduling",
                 id="Scheduling: but it has to"),
    pytest.param("Scheduling", None, "Failed", id="Scheduling: the pod is gone"),
    pytest.param("Scheduling", pod(phase="Failed", reason="OutOfcpu"), "Failed", id="Scheduling: the kubelet refused"),
    pytest.param("Scheduling", pod(compute=ended(1)), "Failed", id="Scheduling: the launcher ended"),
    pytest.param("Scheduling", pod(deleting=True), "Failed", id="Scheduling: the pod is being deleted"),
    pytest.param("Scheduled", STARTED, "Scheduled", id="Scheduled: virt-handler's turn"),
    pytest.param("Scheduled", None, "Failed", id="Scheduled: the pod is gone"),
    pytest.param("Running", STARTED, "Running", id="Running: goes on"),
    pytest.param("Running", pod(compute=RUNS, deleting=True), "Running",
                 id="Running: a pod being deleted shuts its guest down first"),
    pytest.param("Running", None, "Failed", id="Running: the pod is gone"),
    pytest.param("Unknown", None, "Failed", id="Unknown: the pod is gone"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, POWERED_OFF)), "Succeeded",
                 id="Running: the launcher's last words are a power-off"),
    pytest.param("Running", pod(phase="Failed", compute=ended(1, CRASHED)), "Failed",
                 id="Running: the launcher's last words are a crash"),
    pytest.param("Running", pod(phase="Failed", compute=ended(137, "", reason="OOMKilled")), "Failed",
                 id="Running: killed for its memory"),
    pytest.param("Running", pod(phase="Failed", reason="Evicted", message="low on memory"), "Failed",
                 id="Running: evicted"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, "")), "Succeeded", id="Running: it just ended"),
    pytest.param("Running", pod(phase="Failed", compute=ended(1, STRANGER)), "Failed",
                 id="Running: words about another VMI are not believed"),
    pytest.param("Succeeded", None, "Succeeded", id="Succeeded is final"),
    pytest.param("Failed", STARTED, "Failed", id="Failed is final"),
])
def test_phases(phase: str, launcher: Any, expected: str) -> None:
    o = seen(vmi(phase), *([launcher] if launcher is not None else []))
    assert next_phase(o).phase == expected


@pytest.mark.parametrize(("phase", "launcher", "expected"), [
    *[pytest.param(p, None, "Failed", id=f"{p}: nothing is left of it")
      for p in ("Pending", "Scheduling", "Scheduled", "Running")],
    *[pytest.param(p, pod(deleting=True), p, id=f"{p}: its pod is not gone yet") for p in ("Pending", "Scheduling")],
    pytest.param("Scheduling", STARTED, "Scheduling", id="it is not handed over any more"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, POWERED_OFF), deleting=True), "Succeeded",
                 id="how the guest ended is told"),
])
def test_phases_of_a_vmi_that_is_to_go(phase: str, launcher: Any, expected: str) -> None:
    o = seen(vmi(phase, deleting=True), *([launcher] if launcher is not None else []))
    assert next_phase(o).phase == expected


@pytest.mark.parametrize(("launcher", "reason", "message"), [
    pytest.param(None, "LauncherPodGone", "the launcher pod was deleted from outside or lost with its node", id="gone"),
    pytest.param(pod(phase="Failed", compute=ended(1, CRASHED)), "LauncherPodFailed",
                 "the guest ended as Crashed (Panicked)", id="a panic"),
    pytest.param(pod(phase="Failed", compute=ended(1, BROKEN_DISK)), "LauncherPodFailed",
                 "the image of disk 'root' cannot be read", id="the launcher's own reason"),
    pytest.param(pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."), "Evicted",
                 "The node was low on resource: memory.", id="evicted"),
    pytest.param(pod(phase="Failed", compute=ended(137, "", reason="OOMKilled", signal=9)), "LauncherPodFailed",
                 "the launcher ended with OOMKilled, signal 9", id="out of memory"),
    pytest.param(pod(phase="Failed", compute=ended(2, "starting\nno libvirt here", reason="Error")),
                 "LauncherPodFailed", "the launcher ended with exit code 2: no libvirt here", id="the end of its log"),
])
def test_a_failure_says_why(launcher: Any, reason: str, message: str) -> None:
    o = seen(vmi("Running"), *([launcher] if launcher is not None else []))
    new = shaped(o)
    told = find(new.status.conditions, "Synchronized")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", reason, message)
    assert new.status.reason == reason
    event = failure_event(o)
    assert event is not None
    assert (event.type, event.reason, event.message) == ("Warning", reason, message)


def test_a_vmi_stopped_early_fails_without_complaint() -> None:
    o = seen(vmi("Scheduling", deleting=True))
    assert failure_event(o) is None
    assert find(shaped(o).status.conditions, "Synchronized") is None


# What the VMI says


def test_the_hand_over_says_all_at_once() -> None:
    new = shaped(seen(vmi("Pending"), STARTED))
    s = new.status
    assert (s.phase, s.node_name, s.qos_class, s.migration_transport, s.runtime_user) == (
        "Scheduled", "node01", "Burstable", "Unix", 107)
    assert s.active_pods == {"pod-uid": "node01"}
    assert s.launcher_container_image_version == "virt:1"
    assert new.metadata.labels == {"kubevirt.io/nodeName": "node01"}
    assert [t.phase for t in s.phase_transition_timestamps] == ["Pending", "Scheduling", "Scheduled"]


def test_the_history_begins_with_pending_even_if_nobody_wrote_it() -> None:
    o = seen(vmi("", status={"phaseTransitionTimestamps": []}), STARTED)
    assert [t.phase for t in shaped(o).status.phase_transition_timestamps] == ["Pending", "Scheduling", "Scheduled"]


def test_an_outdated_launcher_is_labelled() -> None:
    new = shaped(seen(vmi("Running"), pod(phase="Running", compute=RUNS, image="virt:0")))
    assert new.metadata.labels["kubevirt.io/outdatedLauncherImage"] == ""


@pytest.mark.parametrize(("instance", "launcher", "expected"), [
    pytest.param(vmi("Pending"), None, ("False", "PodNotExists", "virt-launcher pod has not yet been scheduled"),
                 id="no pod"),
    pytest.param(vmi("Running"), pod(compute=RUNS, deleting=True),
                 ("False", "PodTerminating", "virt-launcher pod is terminating"), id="the pod goes"),
    pytest.param(vmi("Scheduled"), STARTED, ("False", "GuestNotRunning", "Guest VM is not reported as running"),
                 id="no guest yet"),
    pytest.param(vmi("Running"), pod(compute=RUNS, conditions=READY), ("True", "", ""), id="the pod is ready"),
    pytest.param(vmi("Running"), pod(compute=RUNS, conditions=NOT_READY),
                 ("False", "ReadinessGatesNotReady", "x"), id="the pod is not ready"),
    pytest.param(vmi("Running"), STARTED,
                 ("False", "PodConditionMissing", "virt-launcher pod is missing the Ready condition"),
                 id="the pod says nothing"),
])
def test_ready(instance: Any, launcher: Any, expected: tuple[str, str, str]) -> None:
    ready = find(shaped(seen(instance, *([launcher] if launcher else []))).status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason, ready.message) == expected


NO_NODE_FITS = condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available: 2 Insufficient memory.")


def test_what_the_scheduler_says_is_copied_and_forgotten_once_it_is_over() -> None:
    stuck = shaped(seen(vmi("Pending"), pod(node="", conditions=[NO_NODE_FITS])))
    told = find(stuck.status.conditions, "PodScheduled")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", "Unschedulable", NO_NODE_FITS["message"])
    over = shaped(seen(stuck, pod(conditions=[condition("PodScheduled", "True")])))
    assert find(over.status.conditions, "PodScheduled") is None


STUCK = ["ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName"]


@pytest.mark.parametrize("reason", STUCK)
def test_why_a_container_cannot_start_is_told_in_the_kubelets_words(reason: str) -> None:
    o = seen(vmi("Pending"), pod(compute=waits(reason, 'pull of "x" failed')))
    new = shaped(o)
    told = find(new.status.conditions, "Synchronized")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", reason, 'pull of "x" failed')
    assert hold_s(o, new) == 0.0
    assert find(shaped(seen(new, STARTED)).status.conditions, "Synchronized") is None


def test_every_further_failed_pull_is_no_news() -> None:
    backing_off = shaped(seen(vmi("Scheduling"), pod(compute=waits("ImagePullBackOff", "x"))))
    assert shaped(seen(backing_off, pod(compute=waits("ErrImagePull", "x")))) == backing_off


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_an_ordinary_wait_is_no_problem(reason: str) -> None:
    assert find(shaped(seen(vmi("Pending"), pod(compute=waits(reason)))).status.conditions, "Synchronized") is None


def test_after_the_hand_over_synchronized_is_virt_handlers() -> None:
    told = [condition("Synchronized", "False", "Synchronizing with the Domain failed.", "no")]
    assert find(shaped(seen(vmi("Scheduled", conditions=told), STARTED)).status.conditions, "Synchronized") is not None


def test_an_eviction_is_told() -> None:
    new = shaped(seen(vmi("Running", status={"evacuationNodeName": "node01"}), STARTED))
    told = find(new.status.conditions, "EvictionRequested")
    assert told is not None
    assert (told.status, told.message) == ("True", "VMI is marked for eviction")


# The end


@pytest.mark.parametrize(("instance", "launcher", "has_vm", "left"), [
    pytest.param(vmi("Failed", deleting=True), None, True, [FINALIZER], id="the VM still has to take note"),
    pytest.param(vmi("Failed", deleting=True), None, False, [], id="no VM will"),
    pytest.param(vmi("Running", deleting=True), None, True, [FINALIZER], id="failing and letting go are one write"),
    pytest.param(vmi("Failed", deleting=True), pod(phase="Failed"), True, [FOREGROUND, FINALIZER],
                 id="not before the pod is gone"),
    pytest.param(vmi("Failed"), None, True, [FOREGROUND, FINALIZER], id="not before it is to go"),
    pytest.param(vmi("Succeeded", deleting=True, finalizers=["foregroundDeleteVirtualMachine", "mine"]), None, False,
                 ["mine"], id="the old name, and not what others hold"),
])
def test_finalizers(instance: Any, launcher: Any, has_vm: bool, left: list[str]) -> None:
    o = seen(instance, *([launcher] if launcher is not None else []), has_vm=has_vm)
    assert shaped(o).metadata.finalizers == left


# Quiet


@pytest.mark.parametrize(("instance", "launcher", "waits_s"), [
    pytest.param(vmi("Pending", age_s=1), pod(), 9.0, id="Scheduling is not worth a write yet"),
    pytest.param(vmi("Pending", age_s=60), pod(), 0.0, id="but if it lasts"),
    pytest.param(vmi("Pending", age_s=1), STARTED, 0.0, id="the hand-over is"),
    pytest.param(vmi("Pending", age_s=1), pod(phase="Failed"), 0.0, id="a failure is"),
])
def test_what_can_wait_is_not_written_yet(instance: Any, launcher: Any, waits_s: float) -> None:
    o = seen(instance, launcher)
    assert hold_s(o, shaped(o)) == waits_s


@pytest.mark.parametrize("launcher", [pod(), STARTED, pod(node="", conditions=[NO_NODE_FITS]),
                                      pod(compute=waits("ErrImagePull", "x")), pod(phase="Failed"), pod(deleting=True)])
@pytest.mark.parametrize("phase", ["Pending", "Scheduling", "Scheduled", "Running", "Failed"])
def test_what_was_written_is_not_written_again(phase: str, launcher: Any) -> None:
    once = shaped(seen(vmi(phase), launcher))
    assert shaped(seen(once, launcher)) == once


def test_the_pod_that_counts_is_the_newest_on_the_vmis_node() -> None:
    old, new, elsewhere = pod(uid="a", age_s=90), pod(uid="b", age_s=9), pod(uid="c", node="node02", age_s=1)
    placed = vmi("Running", status={"nodeName": "node01"})
    assert seen(placed, old, new, elsewhere).pod is new
    assert seen(vmi("Running"), old, new, elsewhere).pod is elsewhere


def test_a_vmi_without_a_vm_is_its_own() -> None:
    o = seen(vmi("Failed", deleting=True, owned=owner("Other", "x", "y")), has_vm=False)
    assert shaped(o).metadata.finalizers == []


# Volumes


def test_the_launcher_is_told_what_is_known_of_claims() -> None:
    instance = vmi("Scheduling", volumes=[uses_claim("data"), {"name": "root", "containerDisk": {"image": "i"}}])
    data = claim("data")
    data.spec.access_modes, data.status.capacity = ["ReadWriteOnce"], {"storage": Quantity("1Gi")}
    new = shaped(seen(instance, STARTED, claims={"data": data}))
    assert new.status.phase == "Scheduled"
    (told,) = new.status.volume_status
    info = told.persistent_volume_claim_info
    assert told.name == "data"
    assert (info.claim_name, info.volume_mode, info.filesystem_overhead) == ("data", "Filesystem", "0.055")
    assert info.capacity == {"storage": Quantity("1Gi")}
    assert shaped(seen(new, STARTED, claims={"data": data})).status.volume_status == new.status.volume_status
