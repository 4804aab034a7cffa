"""The cluster's configuration: defaults, what the KubeVirt object changes, feature gates."""

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.json import JsonObject
from kubevirt.kit.quantity import Quantity


def config(configuration: JsonObject) -> ClusterConfig:
    return ClusterConfig.of(codec.convert({"spec": {"configuration": configuration}}, KubeVirt))


@pytest.mark.parametrize(
    ("gate", "enabled", "disabled", "expected"),
    [
        pytest.param("LiveMigration", [], ["LiveMigration"], True, id="GA cannot be turned off"),
        pytest.param("Snapshot", [], [], True, id="beta is on"),
        pytest.param("Snapshot", [], ["Snapshot"], False, id="beta can be turned off"),
        pytest.param("Snapshot", ["Snapshot"], ["Snapshot"], True, id="in both lists is on"),
        pytest.param("HostDisk", [], [], False, id="alpha is off"),
        pytest.param("HostDisk", ["HostDisk"], [], True, id="alpha can be turned on"),
        pytest.param("HotplugVolumes", ["HotplugVolumes"], [], True, id="deprecated can be turned on"),
        pytest.param("Macvtap", ["Macvtap"], [], False, id="discontinued is gone"),
        pytest.param("HostDisc", ["HostDisc"], [], False, id="a typing error enables nothing"),
    ],
)
def test_feature_gates(gate: str, enabled: list[str], disabled: list[str], expected: bool) -> None:
    developer: JsonObject = {"featureGates": list(enabled), "disabledFeatureGates": list(disabled)}
    assert config({"developerConfiguration": developer}).has_gate(gate) is expected


def test_an_empty_kubevirt_object_changes_nothing() -> None:
    made, plain = ClusterConfig.of(KubeVirt()), ClusterConfig()
    assert made == plain
    assert (plain.cpu_allocation_ratio, plain.memory_overcommit, plain.network_binding) == (10, 100, "bridge")
    assert plain.machine_type("amd64") == "q35"
    assert plain.live_update


@pytest.mark.parametrize(
    ("configuration", "attribute", "expected"),
    [
        ({"developerConfiguration": {"useEmulation": True}}, "use_emulation", True),
        ({"developerConfiguration": {"memoryOvercommit": 150}}, "memory_overcommit", 150),
        ({"developerConfiguration": {"nodeSelectors": {"a": "b"}}}, "node_selectors", {"a": "b"}),
        ({"vmRolloutStrategy": "Stage"}, "live_update", False),
        ({"cpuRequest": "200m"}, "cpu_request", Quantity("200m")),
        ({"network": {"permitBridgeInterfaceOnPodNetwork": False}}, "permit_bridge_on_pod_network", False),
        ({"network": {"defaultNetworkInterface": "masquerade"}}, "network_binding", "masquerade"),
        ({"virtualMachineOptions": {"disableSerialConsoleLog": {}}}, "serial_console_log", False),
        ({"additionalGuestMemoryOverheadRatio": "1.5"}, "additional_memory_overhead_ratio", 1.5),
        ({"additionalGuestMemoryOverheadRatio": "much"}, "additional_memory_overhead_ratio", 1.0),
        ({"memBalloonStatsPeriod": 0}, "memory_balloon_period_s", 0),
        ({"migrations": {"nodeDrainTaintKey": "drain"}}, "node_drain_taint", "drain"),
        ({"evictionStrategy": "LiveMigrate"}, "eviction_strategy", "LiveMigrate"),
    ],
)
def test_settings(configuration: JsonObject, attribute: str, expected: object) -> None:
    assert getattr(config(configuration), attribute) == expected


def test_settings_by_architecture() -> None:
    made = config(
        {
            "machineType": "pc-q35-9.0",
            "architectureConfiguration": {
                "defaultArchitecture": "amd64",
                "arm64": {"machineType": "virt-8.2", "emulatedMachines": ["virt-8*"]},
            },
        }
    )
    assert made.machine_type("arm64") == "virt-8.2"
    assert list(made.allowed_machines("arm64")) == ["virt-8*"]
    assert list(made.allowed_machines("s390x")) == ["s390-ccw-virtio*"]
