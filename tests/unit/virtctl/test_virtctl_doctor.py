"""What `virtctl doctor` says about clusters that look like this; the fetching is tested end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from explained import EARLIER, NOW, condition, node

from kubevirt.api import codec
from kubevirt.api.core import DaemonSet, Deployment
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.explain.checkup import Grade, Symptoms, as_report, examine, is_well


def installation(*conditions: JsonObject) -> KubeVirt:
    return codec.convert(
        {"metadata": {"name": "kubevirt", "namespace": "kubevirt"}, "status": {"conditions": list(conditions)}},
        KubeVirt,
    )


def deployment(ready: int) -> Deployment:
    return codec.convert(
        {"metadata": {"name": "virt-api", "namespace": "kubevirt"}, "spec": {"replicas": 2},
         "status": {"readyReplicas": ready}}, Deployment,
    )  # fmt: skip


def daemon_set(ready: int) -> DaemonSet:
    return codec.convert(
        {"metadata": {"name": "virt-handler"}, "status": {"desiredNumberScheduled": 2, "numberReady": ready}},
        DaemonSet,
    )


AVAILABLE = installation(condition("Available", "True", "AllComponentsReady"))
BEAT: dict[str, Json] = {"kubevirt.io/heartbeat": EARLIER}
NO_KVM: dict[str, Json] = {**BEAT, "kubevirt.io/kvm-unusable": "no vmx"}
WELL: dict[str, object] = {
    "now": NOW,
    "client_version": "v1.9.0",
    "server_version": "v1.9.3",
    "kubevirts": [AVAILABLE],
    "deployments": [deployment(2)],
    "handlers": [daemon_set(2)],
    "nodes": [node("n1", annotations=BEAT)],
    "certificates": {"api": NOW + timedelta(days=9)},
    "storage_classes": 1,
    "permissions": {"create machines": True},
}


def symptoms(**changes: object) -> Symptoms:
    return Symptoms(**(WELL | changes))  # type: ignore[arg-type]  # names from the case


def test_a_healthy_cluster() -> None:
    verdicts = examine(symptoms())
    assert {verdict.grade for verdict in verdicts} == {Grade.GOOD}, as_report(verdicts)
    assert as_report(verdicts).endswith("Everything that was looked at is well.")


@pytest.mark.parametrize(
    ("seen", "grade", "words"),
    [
        pytest.param(symptoms(kubevirts=[]), Grade.BAD, "no KubeVirt object", id="not installed"),
        pytest.param(symptoms(kubevirts=[AVAILABLE] * 2), Grade.BAD, "more than one", id="twice installed"),
        pytest.param(symptoms(kubevirts=[installation()]), Grade.BAD, "not available", id="not finished"),
        pytest.param(symptoms(kubevirts=[installation(condition("Degraded", "True", "X", "no quorum"))]), Grade.BAD,
                     "no quorum", id="degraded"),
        pytest.param(symptoms(deployments=[deployment(1)]), Grade.BAD, "1 of 2 pods", id="a program is down"),
        pytest.param(symptoms(handlers=[daemon_set(1)]), Grade.BAD, "1 of 2 nodes", id="an agent is down"),
        pytest.param(symptoms(subresources="503"), Grade.BAD, "does not answer: 503", id="no aggregated API"),
        pytest.param(symptoms(server_version="v1.8.2"), Grade.NOTE, "of version v1.8.2", id="another version"),
        pytest.param(symptoms(certificates={"api": NOW - timedelta(hours=1)}), Grade.BAD, "expired 1h ago",
                     id="expired"),
        pytest.param(symptoms(certificates={"api": NOW + timedelta(minutes=5)}), Grade.NOTE, "within the hour",
                     id="expires soon"),
        pytest.param(symptoms(nodes=[node("n1", ready=False, annotations=BEAT)]), Grade.BAD, "not ready",
                     id="a dead node"),
        pytest.param(symptoms(nodes=[node("n1")]), Grade.NOTE, "never reported", id="a node without agent"),
        pytest.param(symptoms(nodes=[node("n1", annotations={"kubevirt.io/heartbeat": "2026-01-02T02:00:00Z"})]),
                     Grade.BAD, "not reported for 1h4m", id="a silent agent"),
        pytest.param(symptoms(nodes=[node("n1", annotations=NO_KVM)]), Grade.NOTE, "no vmx", id="no KVM"),
        pytest.param(symptoms(storage_classes=0), Grade.NOTE, "no storage class", id="no storage"),
        pytest.param(symptoms(permissions={"create machines": False}), Grade.NOTE, "you may not: create machines",
                     id="no rights"),
        pytest.param(symptoms(nodes=None), Grade.NOTE, "skipped: you may not list nodes", id="an ordinary user"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_a_remedy(seen: Symptoms, grade: Grade, words: str) -> None:
    verdicts = examine(seen)
    found = [verdict for verdict in verdicts if words in verdict.text]
    assert [verdict.grade for verdict in found] == [grade], as_report(verdicts)
    assert found[0].remedy or "skipped" in words
    assert is_well(verdicts) is (grade is not Grade.BAD)
