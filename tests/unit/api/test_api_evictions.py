"""Evictions of launcher pods and of the pods that attach volumes: which may go, and in which words others may not."""

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.pods import Pod
from kubevirt.api.validation.eviction import Eviction, evict_attachment, evict_launcher, instance_of
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject

GO = Eviction()
TRIGGERED = 'Eviction triggered evacuation of VMI "ns/a"'
STUCK = "VMI a is configured with an eviction strategy but is not live-migratable"


def launcher(node: str = "here", phase: str = "Running", **metadata: Json) -> Pod:
    given: JsonObject = {"metadata": {
        "name": "virt-launcher-a-x", "namespace": "ns", "labels": {"kubevirt.io": "virt-launcher"},
        "annotations": {"kubevirt.io/domain": "a"}, **metadata}, "spec": {"nodeName": node}, "status": {"phase": phase}}
    return codec.convert(given, Pod)


def instance(strategy: str | None, *, movable: bool = False, **status: Json) -> VirtualMachineInstance:
    condition: JsonObject = {"type": "LiveMigratable", "status": "True" if movable else "False"}
    given: JsonObject = {"metadata": {"name": "a", "namespace": "ns"}, "spec": {"evictionStrategy": strategy},
                         "status": {"phase": "Running", "nodeName": "here", "conditions": [condition], **status}}
    return codec.convert(given, VirtualMachineInstance)


@pytest.mark.parametrize(
    ("vmi", "pod", "expected"),
    [
        pytest.param(instance(None), launcher(), GO, id="no strategy"),
        pytest.param(instance("None"), launcher(), GO, id="None"),
        pytest.param(instance("LiveMigrateIfPossible"), launcher(), GO, id="not possible"),
        pytest.param(instance("LiveMigrate"), launcher(), Eviction(refusal=STUCK), id="has to move and cannot"),
        pytest.param(instance("LiveMigrate", movable=True), launcher(), Eviction(refusal=TRIGGERED, mark="here"),
                     id="moves first"),
        pytest.param(instance("LiveMigrateIfPossible", movable=True), launcher(),
                     Eviction(refusal=TRIGGERED, mark="here"), id="moves first as it is possible"),
        pytest.param(instance("External"), launcher(), Eviction(refusal=TRIGGERED, mark="here"), id="others act"),
        pytest.param(instance("External", evacuationNodeName="here"), launcher(),
                     Eviction(refusal=f"Evacuation in progress: {TRIGGERED}"), id="asked again"),
        pytest.param(instance("External"), launcher("there"), Eviction(refusal="Eviction request for target Pod"),
                     id="the pod it moves to"),
        pytest.param(instance("LiveMigrate", phase="Succeeded"), launcher(), GO, id="the guest is over"),
        pytest.param(instance("LiveMigrate"), launcher(phase="Failed"), GO, id="the pod is over"),
        pytest.param(None, launcher(), GO, id="the instance is gone"),
    ],
)
def test_launcher_pods(vmi: VirtualMachineInstance | None, pod: Pod, expected: Eviction) -> None:
    assert evict_launcher(pod, vmi, ClusterConfig()) == expected


def test_the_clusters_strategy_holds_for_instances_without_one() -> None:
    config = ClusterConfig(eviction_strategy="LiveMigrate")
    assert evict_launcher(launcher(), instance(None), config).refusal == STUCK


def test_only_launcher_pods_belong_to_instances() -> None:
    assert instance_of(launcher()) == "a"
    assert instance_of(launcher(labels={})) == ""
    assert instance_of(launcher(annotations={})) == ""


def test_pods_that_attach_volumes() -> None:
    pod = launcher(name="hp-volume-x")
    assert evict_attachment(pod, instance(None)).refusal == (
        "cannot evict hotplug pod: hp-volume-x associated with running vmi: a in namespace ns"
    )
    assert evict_attachment(pod, instance(None, phase="Failed")) == GO
    assert evict_attachment(pod, None) == GO
