"""Every event and condition of the VMI controller, word for word: clients, dashboards and scripts match on them.

When each is told is tested with the decision that it belongs to; here are the words.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_api import as_json
from controller_objects import RUNS, condition, pod, uses_claim, vmi
from controller_vmi_seen import READY, STARTED, seen, shaped
from controller_world import Controller, new_world

from kubevirt.api.resources import PODS, VMIS
from kubevirt.kit.json import dig
from kubevirt.virt_controller.actions import Delete, MergeStatus
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.refusal import PodRefused

TEMPORARY = pod(uid="first", phase="Succeeded")
TEMPORARY.metadata.annotations = {"kubevirt.io/ephemeral-provisioning": "true"}
LAUNCHER = "virt-launcher-web-pod-uid"


def deleted(*launcher_pods: Any, deleting: bool = True) -> Delete:
    (action,) = [a for a in decide(seen(vmi("Running", deleting=deleting), *launcher_pods)).actions
                 if isinstance(a, Delete)]
    return action


@pytest.mark.parametrize(("action", "words"), [
    pytest.param(deleted(pod(compute=RUNS)), ("Normal", "SuccessfulDelete",
                                              f"Deleted virtual machine pod {LAUNCHER}"), id="a launcher pod goes"),
    pytest.param(deleted(TEMPORARY, deleting=False),
                 ("Normal", "SuccessfulDelete", "Deleted WaitForFirstConsumer temporary pod virt-launcher-web-first"),
                 id="a temporary pod goes"),
])
def test_deletions_that_worked(action: Delete, words: tuple[str, str, str]) -> None:
    assert action.done is not None
    assert (action.done.type, action.done.reason, action.done.message) == words


def test_a_deletion_that_failed() -> None:
    failed = deleted(pod(compute=RUNS)).failed
    told, problem = failed.told("the server is busy"), failed.problem("the server is busy")
    assert told is not None
    assert (told.type, told.reason) == ("Warning", "FailedDelete")
    assert told.message == problem.message == f"Failed to delete virtual machine pod {LAUNCHER}: the server is busy"
    assert problem.reason == "FailedDelete"


def test_a_creation_that_failed() -> None:
    words = PodRefused(reason="FailedCreate", vmi="shop/web")
    told = words.told("exceeded quota: q")
    assert told is not None
    assert (told.type, told.reason) == ("Warning", "FailedCreate")
    assert told.message == "Error creating pod: exceeded quota: q"


def test_a_claim_that_is_missing() -> None:
    event = decide(seen(vmi("Pending", volumes=[uses_claim("data")]))).event
    assert event is not None
    assert (event.type, event.reason, event.message) == (
        "Normal", "FailedPvcNotFound", "PVC shop/data does not exist, waiting for it to appear")


CONDITIONS = {
    "Ready: no pod": (vmi("Pending"), (), "Ready",
                      ("False", "PodNotExists", "virt-launcher pod has not yet been scheduled")),
    "Ready: the pod goes": (vmi("Running"), (pod(compute=RUNS, deleting=True),), "Ready",
                            ("False", "PodTerminating", "virt-launcher pod is terminating")),
    "Ready: no guest": (vmi("Scheduled"), (STARTED,), "Ready",
                        ("False", "GuestNotRunning", "Guest VM is not reported as running")),
    "Ready: the pod does not say": (vmi("Running"), (STARTED,), "Ready",
                                    ("False", "PodConditionMissing",
                                     "virt-launcher pod is missing the Ready condition")),
    "Ready: the pod is": (vmi("Running"), (pod(compute=RUNS, conditions=READY),), "Ready", ("True", "", "")),
    "PodScheduled: no node": (
        vmi("Pending"), (pod(node="", conditions=[condition("PodScheduled", "False", "Unschedulable", "0/1 nodes")]),),
        "PodScheduled", ("False", "Unschedulable", "0/1 nodes")),
    "PodScheduled: no claim": (vmi("Pending", volumes=[uses_claim("data")]), (), "PodScheduled",
                               ("False", "Unschedulable",
                                "PVC shop/data does not exist, waiting for it to appear")),
    "EvictionRequested": (vmi("Running", status={"evacuationNodeName": "node01"}), (STARTED,), "EvictionRequested",
                          ("True", "EvictionRequested", "VMI is marked for eviction")),
    "HotVCPUChange": (vmi("Running", domain={"cpu": {"sockets": 4}},
                          status={"currentCPUTopology": {"sockets": 2, "cores": 1, "threads": 1}}), (STARTED,),
                      "HotVCPUChange", ("True", "", "")),
    "HotMemoryChange": (vmi("Running", domain={"memory": {"guest": "2Gi"}},
                            status={"memory": {"guestRequested": "1Gi"}}), (STARTED,), "HotMemoryChange",
                        ("True", "", "")),
}


@pytest.mark.parametrize(("instance", "launcher_pods", "type_", "words"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(instance: Any, launcher_pods: Any, type_: str, words: tuple[str, str, str]) -> None:
    told = find(shaped(seen(instance, *launcher_pods)).status.conditions, type_)
    assert told is not None
    assert (told.status, told.reason, told.message) == words


@pytest.mark.parametrize(("instance", "words"), [
    pytest.param(vmi("Running"), ("True", "NotPaused", "the virtual machine is not paused"), id="a guest that runs"),
    pytest.param(vmi("Running", conditions=[condition("Paused", "True", "PausedByUser")]),
                 ("False", "Paused", "the virtual machine is paused"), id="a paused guest"),
])
def test_the_readiness_gate_of_the_pod(instance: Any, words: tuple[str, str, str]) -> None:
    (action,) = decide(seen(instance, STARTED)).actions
    assert isinstance(action, MergeStatus)
    gate = dig(action.change, "status", "conditions", 0)
    assert dig(gate, "type") == "kubevirt.io/virtual-machine-unpaused"
    assert (dig(gate, "status"), dig(gate, "reason"), dig(gate, "message")) == words


TRANSITIONS = ["Pending", "Scheduling", "Scheduled"]


def test_every_phase_is_dated_once() -> None:
    new = shaped(seen(vmi("Pending"), STARTED))
    again = shaped(seen(new, STARTED))
    assert [t.phase for t in again.status.phase_transition_timestamps] == TRANSITIONS
    assert all(t.phase_transition_timestamp is not None for t in again.status.phase_transition_timestamps)


@pytest.mark.parametrize(("annotation", "size"), [
    pytest.param("134217728", "128Mi", id="told in bytes on the pod"),
    pytest.param(None, None, id="a cluster that does not report it"),
])
def test_memory_beside_the_guests(annotation: str | None, size: str | None) -> None:
    launcher = pod(phase="Running", compute=RUNS)
    launcher.metadata.annotations = {"kubevirt.io/memory-overhead-bytes": annotation} if annotation else {}
    memory = shaped(seen(vmi("Scheduling"), launcher)).status.memory
    assert (str(memory.memory_overhead) if memory is not None else None) == size


async def test_a_pod_that_was_made() -> None:
    api = new_world()
    api.make(VMIS, as_json(vmi("Pending")))
    life = Controller(api)
    life.queues[1].add("shop/web")
    while await life.work(1):
        pass
    (made,) = api.all(PODS)
    assert ("Normal", "SuccessfulCreate", f"Created virtual machine pod {made['metadata']['name']}") in life.told.events
    assert made["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is True


BAD_NETWORK = {"interfaces": [{"name": "nowhere", "masquerade": {}}]}


async def test_a_network_that_nobody_checked_is_refused_before_the_pod() -> None:
    api = new_world()
    api.make(VMIS, as_json(vmi("Pending", domain={"devices": BAD_NETWORK})))
    life = Controller(api)
    life.queues[1].add("shop/web")
    await life.work(1)
    assert api.all(PODS) == []
    (told,) = [c for c in api.find(VMIS, "web")["status"]["conditions"] if c["type"] == "Synchronized"]
    assert told["reason"] == "FailedCreateValidation"
    assert "nowhere" in told["message"]


def test_a_receiver_of_a_migration_is_told_that_nobody_sends() -> None:
    waiting = vmi("Pending", annotations={"kubevirt.io/create-migration-target": "true"})
    told = find(shaped(seen(waiting)).status.conditions, "Synchronized")
    assert told is not None
    assert (told.status, told.reason, told.message) == (
        "False", "UnsupportedSyncError",
        "annotation kubevirt.io/create-migration-target: receiving a migration is not served by this release of "
        "KubeVirt")
    assert not decide(seen(waiting)).create_pod
