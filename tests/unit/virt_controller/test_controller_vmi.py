"""The VMI controller's pods: which is made or deleted when, and what a pod is told while it lives."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import (
    RUNS,
    claim,
    condition,
    ended,
    pod,
    uses_claim,
    vmi,
)
from controller_vmi_seen import STARTED, seen, shaped

from kubevirt.kit.json import dig
from kubevirt.virt_controller.actions import Delete, MergeStatus, Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.refusal import PodRefused
from kubevirt.virt_controller.vmi.shape import hold_s


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


EVICTING = "descheduler.alpha.kubernetes.io/eviction-in-progress"
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


@pytest.mark.parametrize(("leaving", "marked", "expected"), [
    pytest.param("node01", False, "true", id="it has to leave its node"),
    pytest.param("", True, None, id="it need not, after all"),
    pytest.param("node01", True, "nothing", id="the pod knows"),
    pytest.param("", False, "nothing", id="an ordinary day"),
])
def test_a_descheduler_is_told_of_an_eviction_under_way(leaving: str, marked: bool, expected: str | None) -> None:
    launcher = pod(phase="Running", compute=RUNS, conditions=[UNPAUSED])
    launcher.metadata.annotations = {"kept": "x", **({EVICTING: "true"} if marked else {})}
    actions = decide(seen(vmi("Running", status={"evacuationNodeName": leaving}), launcher)).actions
    if expected == "nothing":
        assert actions == ()
        return
    (action,) = actions
    assert isinstance(action, Patch)
    assert action.new.metadata.annotations == {"kept": "x", **({EVICTING: expected} if expected else {})}


@pytest.mark.parametrize(("cpu", "quality", "told"), [
    pytest.param({"dedicatedCpuPlacement": True, "cores": 1}, "Burstable", True, id="CPUs of its own, not guaranteed"),
    pytest.param({"dedicatedCpuPlacement": True, "cores": 1}, "Guaranteed", False, id="CPUs of its own, guaranteed"),
    pytest.param({"cores": 1}, "Burstable", False, id="shared CPUs"),
])
def test_dedicated_cpus_need_a_guaranteed_pod(cpu: Any, quality: str, told: bool) -> None:
    launcher = pod()
    launcher.status.qos_class = quality
    decision = decide(seen(vmi("Scheduling", domain={"cpu": cpu}), launcher))
    assert (decision.problem is not None) is told
    if told:
        assert decision.event is not None
        assert (decision.event.type, decision.event.reason, decision.event.message) == (
            "Warning", "FailedGuaranteeResources", "failed to guarantee pod resources")


@pytest.mark.parametrize(("cause", "words"), [
    pytest.param("exceeded quota: q", "Error creating pod: exceeded quota: q", id="a quota"),
    pytest.param('pods "x" is forbidden: violates PodSecurity "restricted:latest": y',
                 "failed to render launch manifest: failed to create pod for vmi shop/web, it needs a privileged "
                 'namespace to run: pods "x" is forbidden: violates PodSecurity "restricted:latest": y',
                 id="the namespace's Pod Security level"),
])
def test_a_pod_that_is_refused(cause: str, words: str) -> None:
    refused = PodRefused(reason="FailedCreate", vmi="shop/web")
    assert (refused.problem(cause).reason, refused.problem(cause).message) == ("FailedCreate", words)
    told = refused.told(cause)
    assert told is not None
    assert (told.type, told.reason, told.message) == ("Warning", "FailedCreate", words)
