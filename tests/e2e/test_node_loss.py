"""A node loses its power: its machine is given up, and comes back elsewhere, but not before the old one is truly gone.

What the cluster does by itself after minutes (age of the heartbeat, eviction from an unreachable node) is brought about
at once here; what our programs make of it is what is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import machine
from tests.e2e.harness import BIN, Cluster, eventually, run
from tests.e2e.manifests import as_json, vm

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
VM = "traveller"
LONG_AGO = "2020-01-01T00:00:00Z"


def localkube(*arguments: str) -> None:
    run(str(BIN / "localkube"), *arguments).ok()


def crowded_nodes(cluster: Cluster) -> set[str]:
    """Nodes with a pod that the test, or the cluster, cannot do without."""
    needed = {"virt-controller", "virt-api", "virt-operator"}
    pods = cluster.objects("pods", "-A")
    return {p["spec"]["nodeName"] for p in pods if p["metadata"]["labels"].get("kubevirt.io") in needed
            and p["spec"].get("nodeName")}


@pytest.fixture(scope="module")
def doomed(admin: Cluster) -> Iterator[str]:
    """The node that will lose its power, with nothing of ours on it but virt-handler; it is on again afterwards."""
    handlers = admin.in_namespace("kubevirt").objects("pods", "-l", "kubevirt.io=virt-handler")
    nodes = sorted(p["spec"]["nodeName"] for p in handlers if p["status"]["phase"] == "Running")
    if len(nodes) < 2 or run(str(BIN / "localkube"), "kubeconfig").code != 0:
        pytest.skip("needs a localkube with two nodes, to switch one off")
    name = make_room(admin, nodes)
    yield name
    localkube("node", "start", name)

    def is_back() -> bool:
        node = admin.get("node", name)
        ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
        assert ready == ["True"], "the node is not Ready"
        assert node["metadata"]["labels"]["kubevirt.io/schedulable"] == "true", "virt-handler is not back"
        assert not node["spec"].get("taints"), node["spec"]["taints"]
        return True

    eventually(f"{name} to be back", is_back)


def make_room(admin: Cluster, nodes: list[str]) -> str:
    """A node without our programs; they are moved to another one where there is none."""
    crowded = crowded_nodes(admin)
    if set(nodes) <= crowded:
        system = admin.in_namespace("kubevirt")
        free = nodes[-1]
        admin.kubectl("cordon", free).ok()
        for pod in system.objects("pods", f"--field-selector=spec.nodeName={free}"):
            if pod["metadata"]["labels"].get("kubevirt.io") != "virt-handler":
                system.kubectl("delete", "pod", pod["metadata"]["name"]).ok()
        eventually("our programs to have moved", lambda: free not in crowded_nodes(admin))
        admin.kubectl("uncordon", free).ok()
        for deployment in ("virt-api", "virt-controller"):
            system.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=240s").ok()
        return free
    return next(n for n in reversed(nodes) if n not in crowded)


@pytest.fixture(scope="module")
def lost(namespace: Cluster, doomed: str) -> dict[str, Any]:
    """A machine's instance, whose node has just lost its power."""
    manifest = vm(VM)
    rules = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [doomed]}]
    there = [{"weight": 100, "preference": {"matchExpressions": rules}}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": there}}
    manifest["spec"]["template"]["spec"]["affinity"] = affinity
    namespace.apply(as_json(manifest)).ok()
    instance: dict[str, Any] = namespace.wait_phase(VM, "Running")
    assert instance["status"]["nodeName"] == doomed
    localkube("node", "stop", doomed)
    assert machine.qemu_of("node-loss", VM) == []
    return instance


def test_a_machine_on_a_dead_node_is_given_up_but_not_replaced(namespace: Cluster, doomed: str, lost: Any) -> None:
    namespace.kubectl("annotate", "node", doomed, f"kubevirt.io/heartbeat={LONG_AGO}", "--overwrite").ok()

    def marked() -> bool:
        return bool(namespace.get("node", doomed)["metadata"]["labels"]["kubevirt.io/schedulable"] == "false")

    eventually("the node to be marked", marked)
    # For all that is known, the guest may still run: its pod was not even asked to end.
    assert namespace.get("vmi", VM)["status"]["phase"] == "Running"
    (pod,) = namespace.launcher_pods(VM)
    namespace.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=1", "--wait=false").ok()

    def given_up() -> bool:
        found = namespace.get("vmi", VM)
        assert found["metadata"]["uid"] == lost["metadata"]["uid"], "there is a second instance already"
        assert found["status"]["phase"] == "Failed", found["status"]["phase"]
        return bool(found["status"]["reason"] == "NodeUnresponsive")

    eventually("the instance to be given up", given_up)
    message = f"virt-handler on node {doomed} is not responsive, marking VMI as failed"
    namespace.wait_events(VM, "VirtualMachineInstance", ("NodeUnresponsive", message))
    assert [p["metadata"]["uid"] for p in namespace.launcher_pods(VM)] == [pod["metadata"]["uid"]]
    assert machine.qemu_of("node-loss", VM) == []


def test_it_comes_back_elsewhere_once_its_pod_is_gone(namespace: Cluster, doomed: str, lost: Any) -> None:
    (pod,) = namespace.launcher_pods(VM)
    namespace.kubectl("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0").ok()
    found = namespace.wait_phase(VM, "Running", not_uid=lost["metadata"]["uid"])
    assert found["status"]["nodeName"] != doomed
    assert len(machine.qemu_of("node-loss", VM)) == 1
    namespace.wait_status(VM, "Running")
