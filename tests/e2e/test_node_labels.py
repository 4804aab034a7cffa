"""What the nodes of a real cluster say of themselves: labels out of the image's libvirt, the heartbeat, and the devices
that the kubelet has taken. Which label follows from which fact is a table of unit tests (test_handler_node).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubevirt.kit.quantity import Quantity
from tests.e2e.harness import Cluster

pytestmark = pytest.mark.e2e


@pytest.fixture
def nodes(admin: Cluster) -> list[Any]:
    return admin.objects("nodes")


def has(prefix: str) -> Callable[[dict[str, str]], bool]:
    return lambda labels: any(key.startswith(prefix) and value == "true" for key, value in labels.items())


@pytest.mark.parametrize("holds", [
    pytest.param(has("machine-type.node.kubevirt.io/q35"), id="q35"),
    pytest.param(has("machine-type.node.kubevirt.io/pc-q35-"), id="a machine type with a version"),
    pytest.param(has("cpu-model.node.kubevirt.io/"), id="a CPU model"),
    pytest.param(has("cpu-model-migration.node.kubevirt.io/"), id="a model that guests may come with"),
    pytest.param(has("cpu-feature.node.kubevirt.io/"), id="a CPU feature"),
    pytest.param(has("host-model-cpu.node.kubevirt.io/"), id="the host model"),
    pytest.param(has("cpu-vendor.node.kubevirt.io/"), id="its vendor"),
    pytest.param(has("kubevirt.io/vm-arch-"), id="the architecture"),
    pytest.param(lambda labels: labels.get("kubevirt.io/cpumanager") in ("true", "false"), id="the CPU manager"),
])  # fmt: skip
def test_every_node_says_what_guests_can_have(nodes: list[Any], holds: Callable[[dict[str, str]], bool]) -> None:
    assert nodes
    for node in nodes:
        assert holds(node["metadata"]["labels"]), node["metadata"]["labels"]


def test_every_kubelet_has_taken_the_devices(nodes: list[Any]) -> None:
    for node in nodes:
        assert node["metadata"]["annotations"]["kubevirt.io/heartbeat"]
        offered = node["status"]["capacity"]
        assert {"devices.kubevirt.io/kvm", "devices.kubevirt.io/tun", "devices.kubevirt.io/vhost-net"} <= set(offered)
        assert Quantity(offered["devices.kubevirt.io/tun"]) == Quantity(1000)
