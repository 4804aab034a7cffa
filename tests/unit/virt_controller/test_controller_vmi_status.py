"""What a VMI says while it is on its way, while it runs, and when it goes: conditions, labels, finalizers, volumes."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import (
    FINALIZER,
    FOREGROUND,
    RUNS,
    claim,
    condition,
    owner,
    pod,
    uses_claim,
    vmi,
    waits,
)
from controller_vmi_seen import NOT_READY, READY, STARTED, seen, shaped

from kubevirt.kit.quantity import Quantity
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vmi.shape import hold_s


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

def test_every_volume_is_told_of_with_its_place_in_the_guest_and_its_claim() -> None:
    volumes = [uses_claim("data"), {"name": "boot", "containerDisk": {"image": "i"}},
               {"name": "spare", "emptyDisk": {}}]
    disks = [{"name": "boot", "disk": {"bus": "virtio"}}, {"name": "data", "disk": {"bus": "sata"}},
             {"name": "spare", "disk": {"bus": "virtio"}}]
    data = claim("data")
    data.spec.access_modes, data.status.capacity = ["ReadWriteOnce"], {"storage": Quantity("1Gi")}
    o = seen(vmi("Scheduling", volumes=volumes, disks=disks), STARTED, claims={"data": data})
    new = shaped(o)
    assert new.status.phase == "Scheduled"
    told = [(v.name, v.target) for v in new.status.volume_status]
    assert told == [("boot", "vda"), ("data", "sda"), ("spare", "vdb")]
    info = new.status.volume_status[1].persistent_volume_claim_info
    assert (info.claim_name, info.volume_mode, info.filesystem_overhead) == ("data", "Filesystem", "0.055")
    assert info.capacity == {"storage": Quantity("1Gi")}
    assert shaped(seen(new, STARTED, claims={"data": data})).status.volume_status == new.status.volume_status


def test_what_is_told_of_a_plugged_volume_is_left_alone() -> None:
    plugged = {"name": "hot", "persistentVolumeClaim": {"claimName": "hot", "hotpluggable": True}}
    told = [{"name": "hot", "target": "sda", "phase": "Ready"}]
    new = shaped(seen(vmi("Running", volumes=[plugged], status={"volumeStatus": told}), STARTED))
    assert [(v.name, v.target, v.phase) for v in new.status.volume_status] == [("hot", "sda", "Ready")]


@pytest.mark.parametrize(("given", "status", "type_", "expected"), [
    pytest.param({"cpu": {"sockets": 2}}, {}, "HotVCPUChange", None, id="what the guest has is not known yet"),
    pytest.param({"cpu": {"sockets": 2}}, {"currentCPUTopology": {"sockets": 2, "cores": 1, "threads": 1}},
                 "HotVCPUChange", None, id="the CPUs are as they should be"),
    pytest.param({"cpu": {"sockets": 4}}, {"currentCPUTopology": {"sockets": 2, "cores": 1, "threads": 1}},
                 "HotVCPUChange", "True", id="more CPUs are wanted"),
    pytest.param({"memory": {"guest": "1Gi"}}, {"memory": {"guestRequested": "1024Mi"}}, "HotMemoryChange", None,
                 id="the memory is as it should be, however it is written"),
    pytest.param({"memory": {"guest": "2Gi"}}, {"memory": {"guestRequested": "1Gi"}}, "HotMemoryChange", "True",
                 id="more memory is wanted"),
    pytest.param({"memory": {"guest": "2Gi"}}, {"memory": {"guestRequested": "1Gi"}, "conditions": [
        condition("HotMemoryChange", "False", "Memory Hotplug Failed")]}, "HotMemoryChange", "False",
        id="it was tried, and failed"),
    pytest.param({"memory": {"guest": "1Gi"}}, {"memory": {"guestRequested": "1Gi"}, "conditions": [
        condition("HotMemoryChange", "True")]}, "HotMemoryChange", None, id="it has come"),
])
def test_live_changes(given: Any, status: Any, type_: str, expected: str | None) -> None:
    new = shaped(seen(vmi("Running", domain=given, status=status), STARTED))
    found = find(new.status.conditions, type_)
    assert (found.status if found is not None else None) == expected
