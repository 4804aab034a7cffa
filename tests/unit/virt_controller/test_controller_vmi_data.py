"""Volumes that a DataVolume fills: what a VMI waits for, what it says meanwhile, and the pod that goes first."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import RUNS, claim, ended, owner, pod, uses_claim, vmi
from controller_vmi_seen import STARTED, seen, shaped

from kubevirt.api import codec
from kubevirt.kit.json import JsonObject
from kubevirt.virt_controller.actions import Delete
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.datavolumes import DataVolume
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.data import consumer
from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.phases import next_phase

VOLUMES = [{"name": "root", "dataVolume": {"name": "root"}}]


def data_volume(phase: str) -> DataVolume:
    return codec.convert({"metadata": {"name": "root", "namespace": "shop"}, "status": {"phase": phase}}, DataVolume)


def owned_claim() -> Any:
    found = claim("root")
    found.metadata.owner_references = [codec.convert(owner("DataVolume", "root", "dv-uid"), type(OWNER))]
    return found


OWNER = vmi().metadata.owner_references[0]


def temporary(**more: Any) -> Any:
    found = pod(uid="first", **more)
    found.metadata.annotations = {"kubevirt.io/ephemeral-provisioning": "true"}
    return found


def waiting(phase: str, *launcher_pods: Any, in_phase: str = "Pending", claims: Any = None) -> Observed:
    return seen(vmi(in_phase, volumes=VOLUMES), *launcher_pods, data_volumes={"root": data_volume(phase)},
                claims={"root": owned_claim()} if claims is None else claims)


@pytest.mark.parametrize(("observed", "create", "temp"), [
    pytest.param(waiting("Succeeded"), True, False, id="the data is there"),
    pytest.param(waiting("PendingPopulation"), True, False, id="the launcher pod itself is the consumer"),
    pytest.param(waiting("ImportInProgress"), False, False, id="the data is coming"),
    pytest.param(waiting(""), False, False, id="nothing is known of the data"),
    pytest.param(waiting("Pending", claims={}), False, False, id="not even the claim is there"),
    pytest.param(waiting("WaitForFirstConsumer"), True, True, id="the claim wants a consumer"),
    pytest.param(waiting("WaitForFirstConsumer", temporary()), False, True, id="it has one"),
    pytest.param(waiting("ImportInProgress", temporary(phase="Succeeded")), False, False, id="it has had one"),
    pytest.param(waiting("Succeeded", temporary(phase="Succeeded")), True, False, id="then the launcher pod comes"),
    pytest.param(waiting("Failed"), False, False, id="the data will not come"),
    pytest.param(waiting("ImportInProgress", claims={"root": claim("root")}), True, False,
                 id="a claim that no DataVolume made is taken as it is"),
])
def test_which_pod_is_made(observed: Observed, create: bool, temp: bool) -> None:
    decision = decide(observed)
    assert decision.create_pod is create
    assert not create or decision.temporary is temp


def test_without_claim_and_datavolume_the_claim_is_waited_for() -> None:
    decision = decide(seen(vmi("Pending", volumes=VOLUMES)))
    assert decision.event is not None
    assert decision.event.message == "PVC shop/root does not exist, waiting for it to appear"


@pytest.mark.parametrize(("observed", "expected"), [
    pytest.param(waiting("ImportInProgress"), "Pending", id="while the data comes"),
    pytest.param(waiting("WaitForFirstConsumer", temporary(compute=RUNS)), "Pending", id="a temporary pod is no start"),
    pytest.param(waiting("Failed"), "Failed", id="the DataVolume failed"),
    pytest.param(waiting("WaitForFirstConsumer", temporary(phase="Failed")), "Failed", id="the temporary pod failed"),
    pytest.param(waiting("WaitForFirstConsumer", temporary(deleting=True)), "Failed", id="the temporary pod goes"),
    pytest.param(waiting("Succeeded", STARTED, temporary(phase="Succeeded")), "Scheduled", id="the real one counts"),
    pytest.param(waiting("Failed", STARTED, in_phase="Running"), "Running", id="later nobody asks for it"),
])
def test_phases(observed: Observed, expected: str) -> None:
    assert next_phase(observed).phase == expected


@pytest.mark.parametrize(("observed", "ready", "provisioning"), [
    pytest.param(waiting("Succeeded"), ("True", "AllDVsReady", "All of the VMI's DVs are bound and ready"), False,
                 id="all there"),
    pytest.param(waiting("ImportInProgress"), ("False", "NotAllDVsReady", "Not all of the VMI's DVs are ready"), False,
                 id="on its way"),
    pytest.param(waiting("WaitForFirstConsumer"), ("False", "NotAllDVsReady", "Not all of the VMI's DVs are ready"),
                 True, id="waiting for a consumer"),
    pytest.param(seen(vmi("Pending", volumes=[uses_claim("x")]), claims={"x": claim("x")}), None, False,
                 id="no DataVolumes"),
])
def test_conditions(observed: Observed, ready: Any, provisioning: bool) -> None:
    found = shaped(observed).status.conditions
    told = find(found, "DataVolumesReady")
    assert ((told.status, told.reason, told.message) if told is not None else None) == ready
    assert (find(found, "Provisioning") is not None) is provisioning


def test_a_temporary_pod_that_has_served_is_deleted_at_once() -> None:
    (action,) = decide(waiting("Succeeded", STARTED, temporary(phase="Succeeded", compute=ended(0)),
                               in_phase="Scheduling")).actions
    assert isinstance(action, Delete)
    assert (action.target.metadata.uid, action.grace_s) == ("first", 0)
    assert action.done is not None
    assert action.done.message == "Deleted WaitForFirstConsumer temporary pod virt-launcher-web-first"


def test_the_temporary_pod_is_like_the_launcher_pod_but_runs_no_guest() -> None:
    compute: JsonObject = {"name": "compute", "command": ["virt-launcher"], "args": ["--name"],
                           "readinessProbe": {"exec": {}}, "volumeMounts": [{"name": "root"}]}
    launcher: JsonObject = {"metadata": {"name": "p", "annotations": {"kept": "x"}},
                            "spec": {"nodeSelector": {"a": "b"},
                                     "containers": [compute, {"name": "guest-console-log"}]}}
    made: Any = consumer(launcher)
    assert made["metadata"]["annotations"] == {"kept": "x", "kubevirt.io/ephemeral-provisioning": "true"}
    assert made["spec"]["nodeSelector"] == {"a": "b"}
    assert made["spec"]["containers"] == [{"name": "compute", "command": ["/bin/sh", "-c", 'echo "bound PVCs"'],
                                           "args": [], "volumeMounts": [{"name": "root"}]}]
    assert pods.name_for(vmi(), temporary=True) != pods.name_for(vmi())
