"""Replica sets as a user sees them: made, scaled, paused, an instance lost, one let go, one taken over, and the end.

What the set decides in every case is tested as a table in tests/unit/virt_controller.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json, instance_spec

pytestmark = pytest.mark.e2e
NAME = "crowd"
KIND = "virtualmachineinstancereplicaset"
LABELS = {"crowd": NAME}


def manifest(replicas: int, name: str = NAME) -> dict[str, Any]:
    spec = instance_spec()
    spec["terminationGracePeriodSeconds"] = 0
    spec["domain"]["memory"]["guest"] = "64Mi"
    spec["domain"]["devices"]["disks"], spec["volumes"] = [], []
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceReplicaSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": spec},
        },
    }


def instances(cluster: Cluster) -> list[Any]:
    """The instances that fit the selector and are not on their way out."""
    found = cluster.objects("vmi", "-l", f"crowd={NAME}")
    return [v for v in found if "deletionTimestamp" not in v["metadata"]]


def settled(cluster: Cluster, replicas: int) -> list[Any]:
    """Wait until the set says that so many are ready, and there are no more; returns them."""

    def probe() -> bool:
        status = cluster.get(KIND, NAME)["status"]
        found = (status.get("replicas", 0), status.get("readyReplicas", 0), len(instances(cluster)))
        assert found == (replicas, replicas, replicas), f"replicas, ready, instances: {found}"
        return True

    eventually(f"{replicas} replicas", probe)
    return instances(cluster)


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with a set of two."""
    namespace.apply(as_json(manifest(2))).ok()
    settled(namespace, 2)
    return namespace


def test_a_set_is_made(cluster: Cluster) -> None:
    found = cluster.get(KIND, NAME)
    assert found["status"]["labelSelector"] == f"crowd={NAME}"
    assert "conditions" not in found["status"]

    def told() -> bool:
        events = cluster.events(NAME, "VirtualMachineInstanceReplicaSet")
        return ("virtualmachinereplicaset-controller", "SuccessfulCreate") in {(c, r) for c, r, _ in events}

    eventually("an event of the set", told)
    (row,) = cluster.kubectl("get", "vmirs", NAME, "--no-headers").ok().out.splitlines()
    assert row.split()[:4] == [NAME, "2", "2", "2"]


def test_it_is_scaled_through_the_scale_sub_resource(cluster: Cluster) -> None:
    before = {v["metadata"]["uid"] for v in settled(cluster, 2)}
    cluster.kubectl("scale", "vmirs", NAME, "--replicas=3").ok()
    assert before < {v["metadata"]["uid"] for v in settled(cluster, 3)}
    cluster.kubectl("scale", "vmirs", NAME, "--replicas=1").ok()
    settled(cluster, 1)
    scale = cluster.kubectl(
        "get", "--raw", f"/apis/kubevirt.io/v1/namespaces/{cluster.namespace}/{KIND}s/{NAME}/scale"
    )
    assert json.loads(scale.ok().out)["status"] == {"replicas": 1, "selector": f"crowd={NAME}"}


def test_a_lost_instance_is_replaced(cluster: Cluster) -> None:
    (lost,) = settled(cluster, 1)
    cluster.kubectl("delete", "vmi", lost["metadata"]["name"]).ok()
    (new,) = settled(cluster, 1)
    assert new["metadata"]["uid"] != lost["metadata"]["uid"]


def test_a_paused_set_changes_nothing(cluster: Cluster) -> None:
    cluster.kubectl("patch", "vmirs", NAME, "--type=merge", "-p", '{"spec":{"paused":true,"replicas":2}}').ok()

    def paused() -> bool:
        (condition,) = cluster.get(KIND, NAME)["status"]["conditions"]
        assert (condition["type"], condition["message"]) == ("ReplicaPaused", "Controller got paused")
        return True

    eventually("the condition ReplicaPaused", paused)
    assert len(instances(cluster)) == 1
    cluster.kubectl("patch", "vmirs", NAME, "--type=merge", "-p", '{"spec":{"paused":false}}').ok()
    settled(cluster, 2)
    told = (("SuccessfulPaused", ""), ("SuccessfulResumed", ""))
    cluster.wait_events(NAME, "VirtualMachineInstanceReplicaSet", *told)


def test_an_instance_is_let_go_and_taken_back(cluster: Cluster) -> None:
    one, _ = settled(cluster, 2)
    name = one["metadata"]["name"]
    cluster.kubectl("label", "vmi", name, "crowd-", "kept=yes").ok()
    settled(cluster, 2)
    eventually("it to belong to nobody", lambda: "ownerReferences" not in cluster.get("vmi", name)["metadata"])
    cluster.kubectl("label", "vmi", name, f"crowd={NAME}").ok()
    settled(cluster, 2)  # three were one too many


def test_orphans_survive_and_are_adopted_again(cluster: Cluster) -> None:
    before = {v["metadata"]["uid"] for v in settled(cluster, 2)}
    cluster.kubectl("delete", "vmirs", NAME, "--cascade=orphan").ok()
    cluster.wait_gone(KIND, NAME)
    assert {v["metadata"]["uid"] for v in instances(cluster)} == before
    cluster.apply(as_json(manifest(2))).ok()
    assert {v["metadata"]["uid"] for v in settled(cluster, 2)} == before


def test_the_end_of_a_set_is_the_end_of_its_instances(cluster: Cluster) -> None:
    cluster.kubectl("delete", "vmirs", NAME).ok()
    eventually("all instances to be gone", lambda: not cluster.objects("vmi", "-l", f"crowd={NAME}"))


def test_a_selector_that_does_not_fit_is_refused(cluster: Cluster) -> None:
    wrong = manifest(1, "wrong")
    wrong["spec"]["selector"] = {"matchLabels": {"crowd": "other"}}
    cluster.apply(as_json(wrong)).fails("selector does not match labels.")
