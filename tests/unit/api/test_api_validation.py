"""What is refused of instances: every row of the tables, alone and together.

Machines and replica sets: test_api_validation_machines; changes: test_api_validation_updates.
"""

import pytest

from kubevirt.api import codec
from kubevirt.api.admission import admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.validation.cpu import check_cpu
from kubevirt.api.validation.dns import check_dns
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from tests.refusals.architectures import ARCHITECTURES
from tests.refusals.computing import COMPUTING
from tests.refusals.disks import DISKS
from tests.refusals.networks import NETWORKS
from tests.refusals.placement import PLACEMENT
from tests.refusals.samples import D, N, Refusal, S, devices, disk, instance, nic, volume
from tests.refusals.scheduling import SCHEDULING
from tests.refusals.settings import SETTINGS

CONFIG = ClusterConfig(default_architecture="amd64")


def causes(change: JsonObject, config: ClusterConfig = CONFIG) -> list[tuple[str, str, str]]:
    verdict = admit_vmi(codec.convert(instance(change), VirtualMachineInstance), config).verdict
    assert verdict.allowed == (not verdict.causes)
    assert verdict.message == ", ".join(cause.message for cause in verdict.causes)
    return [(cause.reason.removeprefix("FieldValue"), cause.field, cause.message) for cause in verdict.causes]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="the good one"),
        pytest.param(nic(), id="masquerade"),
        pytest.param(nic(bridge={}), id="bridge"),
        pytest.param(nic(ports=[{"name": "ssh", "port": 22}, {"port": 80, "protocol": "UDP"}]), id="ports"),
        pytest.param(volume(emptyDisk={"capacity": "1Gi"}), id="an empty disk"),
        pytest.param(volume(cloudInitNoCloud={"userData": "#!/bin/sh"}), id="cloud-init"),
        pytest.param(disk(disk=None, cdrom={}), id="a CD-ROM"),
        pytest.param({**disk(disk=None, cdrom={}), "volumes": None}, id="an empty CD-ROM"),
        pytest.param({"evictionStrategy": "LiveMigrate"}, id="eviction by migration"),
        pytest.param({"startStrategy": "Paused"}, id="paused from the start"),
        pytest.param({"hostname": "web-1", "subdomain": "a.b"}, id="names"),
        pytest.param({"readinessProbe": {"tcpSocket": {"port": 22}}}, id="a probe over the pod network"),
        pytest.param(devices(autoattachPodInterface=False, disks=None) | {"volumes": None}, id="nothing at all"),
    ],
)
def test_admitted(change: JsonObject) -> None:
    assert causes(change) == []


@pytest.mark.parametrize(
    "row",
    [*DISKS, *NETWORKS, *COMPUTING, *SETTINGS, *SCHEDULING, *ARCHITECTURES, *PLACEMENT],
    ids=lambda row: f"{row[2]}: {row[3][-60:]}",
)
def test_refused(row: Refusal) -> None:
    change, *expected = row
    assert causes(change) == [tuple(expected)]


def test_a_pull_policy_of_a_kernel_is_one_of_kubernetes() -> None:
    container: JsonObject = {"image": "k", "kernelPath": "/k", "imagePullPolicy": "Sometimes"}
    assert causes({"domain": {"firmware": {"kernelBoot": {"container": container}}}}) == [
        ("", "", "spec.domain.firmware.kernelBoot.container.imagePullPolicy in body should be one of "
                 "[Always IfNotPresent Never]"),
    ]  # fmt: skip


def test_everything_wrong_is_told_at_once() -> None:
    found = causes({**disk(cache="unsafe", bootOrder=0), "hostname": "Bad!", "evictionStrategy": "x"})
    assert [field for _, field, _ in found] == [
        "spec.hostname",
        f"{D}.bootOrder",
        f"{D}.cache",
        "spec.evictionStrategy",
    ]


def test_a_dns_policy_that_passed_the_schema_is_refused_all_the_same() -> None:
    spec = codec.convert({"spec": {"dnsPolicy": "Sometimes"}}, VirtualMachineInstance).spec
    valid = "[ClusterFirstWithHostNet ClusterFirst Default None ]"
    assert [(cause.field, cause.message) for cause in check_dns("spec", spec)] == [
        ("spec.dnsPolicy", f"DNSPolicy: Sometimes is not supported, valid values: {valid}"),
    ]


def test_a_guest_larger_than_its_pod_is_refused_unless_the_pod_grows_with_it() -> None:
    change: JsonObject = {"domain": {"resources": {"limits": {"memory": "256Mi"}}, "memory": {"guest": "1Gi"}}}
    assert causes(change) == []
    at = "spec.domain.memory.guest"
    told = f"{at} '1Gi' must be equal to or less than the memory limit spec.domain.resources.limits.memory '256Mi'"
    assert causes(change, ClusterConfig(default_architecture="amd64", live_update=False)) == [("Invalid", at, told)]


def test_bridges_on_the_pod_network_can_be_forbidden() -> None:
    config = ClusterConfig(default_architecture="amd64", permit_bridge_on_pod_network=False)
    told = "Bridge on pod network configuration is not enabled under kubevirt-config"
    assert causes(nic(bridge={}), config) == [("Invalid", f"{N}.name", told)]


def test_processors_of_ones_own_are_counted_somewhere() -> None:
    """Defaults count one before this is asked; whoever leaves them out is told."""
    spec: JsonObject = {"domain": {"cpu": {"dedicatedCpuPlacement": True}, "memory": {"guest": "1Gi"}}}
    asked = codec.convert({"spec": spec}, VirtualMachineInstance).spec.domain
    assert [cause.message for cause in check_cpu(S, asked)] == [
        f"either {S}.resources.requests.cpu or {S}.resources.limits.cpu or {S}.cpu.cores must be provided when "
        "DedicatedCPUPlacement is true ",
    ]


def test_a_gate_lifts_its_refusal() -> None:
    kubevirt: Json = {"spec": {"configuration": {"developerConfiguration": {"featureGates": ["HostDisk"]}}}}
    config = ClusterConfig.of(codec.convert(kubevirt, KubeVirt))
    assert causes(volume(hostDisk={"path": "/a", "type": "Disk"}), config) == []


@pytest.mark.parametrize(
    "manifest", [None, 1, [], {"spec": 1}, {"spec": {"domain": []}}, {"spec": {"volumes": {"a": 1}}}]
)
def test_unreadable_manifests_are_refused(manifest: Json) -> None:
    with pytest.raises(Refused) as told:
        codec.convert(manifest, VirtualMachineInstance)
    assert told.value.remedy


def test_a_default_that_cannot_be_set_is_a_plain_refusal() -> None:
    config = ClusterConfig(default_architecture="amd64", permit_bridge_on_pod_network=False)
    vmi = codec.convert(instance({}), VirtualMachineInstance)
    admission = admit_vmi(vmi, config)
    assert "bridge interface is not enabled" in admission.verdict.message
    assert (admission.verdict.allowed, admission.verdict.causes, admission.object) == (False, [], vmi)


def test_ten_thousand_disks_are_refused_once_each() -> None:
    disks: list[Json] = [{"name": f"d{i}"} for i in range(10000)]
    assert len(causes(devices(disks=disks) | {"volumes": None})) == 10000
