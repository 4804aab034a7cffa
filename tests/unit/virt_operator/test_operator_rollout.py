"""What the one who waits is told: each way in which a program does not come up, in words."""

from datetime import UTC, datetime

import pytest

from kubevirt.api import codec
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.objects import APIService, DaemonSet, Deployment, Event
from kubevirt.api.pods import Pod
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virt_operator import rollout, status
from kubevirt.virt_operator.settings import Installation

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def deployment(**status_: int) -> Deployment:
    return codec.convert({"metadata": {"name": "virt-api", "generation": 2}, "spec": {"replicas": 1},
                          "status": {"observedGeneration": 2, **status_}}, Deployment)


def daemonset(**status_: int) -> DaemonSet:
    return codec.convert({"metadata": {"name": "virt-handler", "generation": 1},
                          "status": {"observedGeneration": 1, **status_}}, DaemonSet)


def pod(state: JsonObject | None = None, last: JsonObject | None = None, conditions: list[Json] | None = None,
        node: str = "node1") -> Pod:
    container: JsonObject = {"name": "virt-api", "state": state or {}, "lastState": last or {}}
    return codec.convert({
        "metadata": {"name": "virt-api-x", "labels": {"kubevirt.io": "virt-api"}},
        "spec": {"nodeName": node, "containers": []},
        "status": {"phase": "Running" if state and "running" in state else "Pending", "conditions": conditions or [],
                   "containerStatuses": [container]},
    }, Pod)


def warning(name: str, reason: str, message: str, second: int = 0) -> Event:
    return codec.convert({"metadata": {"name": "e"}, "involvedObject": {"name": name}, "type": "Warning",
                          "reason": reason, "message": message, "lastTimestamp": f"2026-01-10T12:00:{second:02}Z"},
                         Event)


@pytest.mark.parametrize(("found", "pods", "events", "waits_for"), [
    pytest.param(None, [], [], "the Deployment is not there", id="absent"),
    pytest.param(deployment(observedGeneration=1), [], [],
                 "the Deployment has not been looked at by its controller", id="not looked at"),
    pytest.param(deployment(updatedReplicas=1, availableReplicas=1), [], [], "", id="available"),
    pytest.param(deployment(updatedReplicas=0, availableReplicas=1), [], [], "0 of 1 pods available",
                 id="only the old version is available"),
    pytest.param(deployment(), [], [warning("virt-api-7f", "FailedCreate", "exceeded quota")],
                 "0 of 1 pods available; FailedCreate: exceeded quota", id="no pod may be made"),
    pytest.param(deployment(), [pod(conditions=[{"type": "PodScheduled", "status": "False",
                                                 "message": "0/2 nodes are available"}])], [],
                 "0 of 1 pods available; pod virt-api-x: not scheduled: 0/2 nodes are available", id="no room"),
    pytest.param(deployment(), [pod(node="")], [],
                 "0 of 1 pods available; pod virt-api-x: waits for the scheduler", id="no scheduler"),
    pytest.param(deployment(), [pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}})], [],
                 "0 of 1 pods available; pod virt-api-x: ImagePullBackOff: Back-off pulling", id="no image"),
    pytest.param(deployment(), [pod({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                                    {"terminated": {"exitCode": 1, "message": "Traceback\nKeyError: 'X'\n"}})], [],
                 "0 of 1 pods available; pod virt-api-x: CrashLoopBackOff: back-off 10s (last words: KeyError: 'X')",
                 id="crashes"),
    pytest.param(deployment(), [pod({"terminated": {"exitCode": 2, "message": "no such option"}})], [],
                 "0 of 1 pods available; pod virt-api-x: ended with code 2: no such option", id="ended"),
    pytest.param(deployment(), [pod({"waiting": {"reason": "ContainerCreating"}})],
                 [warning("virt-api-x", "FailedMount", "secret not found", 5), warning("virt-api-x", "Old", "x", 1)],
                 "0 of 1 pods available; pod virt-api-x: FailedMount: secret not found", id="the latest warning"),
    pytest.param(deployment(), [pod({"waiting": {"reason": "ContainerCreating"}})], [],
                 "0 of 1 pods available; pod virt-api-x: its containers are being created", id="being created"),
    pytest.param(deployment(), [pod({"running": {}})], [], "0 of 1 pods available; pod virt-api-x: starting",
                 id="not ready yet"),
])
def test_deployments(found: Deployment | None, pods: list[Pod], events: list[Event], waits_for: str) -> None:
    assert rollout.deployment_part(found, "virt-api", pods, events).waits_for == waits_for


@pytest.mark.parametrize(("found", "waits_for"), [
    pytest.param(None, "the DaemonSet is not there", id="absent"),
    pytest.param(daemonset(), "no node takes its pods", id="no node"),
    pytest.param(daemonset(desiredNumberScheduled=2, numberReady=1, updatedNumberScheduled=2), "1 of 2 nodes ready",
                 id="one node is missing"),
    pytest.param(daemonset(desiredNumberScheduled=2, numberReady=2, updatedNumberScheduled=2), "", id="everywhere"),
])
def test_daemonsets(found: DaemonSet | None, waits_for: str) -> None:
    assert rollout.daemonset_part(found, "virt-handler", [], []).waits_for == waits_for


@pytest.mark.parametrize(("conditions", "waits_for"), [
    pytest.param([], "the API server has not looked at the APIService", id="not looked at"),
    pytest.param([{"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "no endpoints"}],
                 "no endpoints", id="no endpoints"),
    pytest.param([{"type": "Available", "status": "True"}], "", id="available"),
])
def test_api_services(conditions: list[Json], waits_for: str) -> None:
    service = codec.convert({"metadata": {"name": "v1.x"}, "status": {"conditions": conditions}}, APIService)
    assert rollout.api_service_part(service, "v1.x").waits_for == waits_for


def conditions_of(content: JsonObject) -> dict[str, str]:
    listed = content["conditions"]
    assert isinstance(listed, list)
    return {str(dig(c, "type")): str(dig(c, "status")) for c in listed}


def test_status_through_an_installation() -> None:
    kubevirt = codec.convert({"metadata": {"name": "kubevirt", "namespace": "kubevirt", "generation": 3}}, KubeVirt)
    begun = status.deploying(kubevirt, Installation(image="r.example/kubevirt/virt:v1"), NOW)
    assert begun["phase"] == "Deploying"
    assert begun["targetKubeVirtRegistry"] == "r.example/kubevirt"
    assert conditions_of(begun) == {"Available": "False", "Progressing": "True", "Degraded": "False"}
    kubevirt.status = codec.convert({"status": begun}, KubeVirt).status
    done = status.deployed(kubevirt, Installation(), NOW)
    assert (done["phase"], done["observedGeneration"]) == ("Deployed", 3)
    assert conditions_of(done) == {"Available": "True", "Progressing": "False", "Degraded": "False", "Created": "True"}


def test_an_unchanged_condition_keeps_its_times_and_a_running_installation_its_phase() -> None:
    kubevirt = codec.convert({"metadata": {"name": "kubevirt"}}, KubeVirt)
    kubevirt.status = codec.convert({"status": status.deployed(kubevirt, Installation(), NOW)}, KubeVirt).status
    later = NOW.replace(hour=13)
    again = status.deployed(kubevirt, Installation(), later)
    assert dig(again, "conditions", 0, "lastTransitionTime") == "2026-01-10T12:00:00Z"
    assert status.deploying(kubevirt, Installation(), later)["phase"] == "Deployed"
    gone_wrong = status.failed(kubevirt, Installation(), later, "no image")
    assert conditions_of(gone_wrong) == {"Available": "False", "Progressing": "False", "Degraded": "True",
                                         "Created": "True"}
    assert "no image" in str(dig(gone_wrong, "conditions", 0, "message"))
