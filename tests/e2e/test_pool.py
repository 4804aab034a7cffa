"""Pools as a user sees them: numbered machines that run, scaled by kubectl, one detached and replaced, a change rolled
out one by one, and an end that leaves nothing.

What the pool decides in every case is tested as tables in tests/unit/virt_controller.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json, instance_spec

pytestmark = pytest.mark.e2e
NAME = "herd"
LABELS = {"herd": NAME}
REVISION = "kubevirt.io/vm-pool-revision-name"


def manifest(replicas: int, name: str = NAME, **spec: Any) -> dict[str, Any]:
    inner = instance_spec()
    inner["terminationGracePeriodSeconds"] = 0
    inner["domain"]["memory"]["guest"] = "64Mi"
    inner["domain"]["devices"]["disks"], inner["volumes"] = [], []
    return {
        "apiVersion": "pool.kubevirt.io/v1beta1",
        "kind": "VirtualMachinePool",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "maxUnavailable": 1,
            "virtualMachineTemplate": {
                "metadata": {"labels": LABELS},
                "spec": {"runStrategy": "Always", "template": {"metadata": {"labels": LABELS}, "spec": inner}},
            },
            **spec,
        },
    }


def members(cluster: Cluster) -> dict[str, Any]:
    """The machines that fit the selector, by name."""
    return {vm["metadata"]["name"]: vm for vm in cluster.objects("vm", "-l", f"herd={NAME}")}


def guests(cluster: Cluster) -> dict[str, Any]:
    """The instances of the machines, by name."""
    return {vmi["metadata"]["name"]: vmi for vmi in cluster.objects("vmi")}


def settled(cluster: Cluster, *numbers: int) -> dict[str, Any]:
    """Wait until the pool says that exactly these machines are ready; returns them."""

    def probe() -> bool:
        status = cluster.get("vmpool", NAME)["status"]
        found = members(cluster)
        assert set(found) == {f"{NAME}-{n}" for n in numbers}, f"machines: {sorted(found)}"
        counts = (status.get("replicas", 0), status.get("readyReplicas", 0))
        assert counts == (len(numbers), len(numbers)), f"replicas, ready: {counts}; {status.get('conditions')}"
        return True

    eventually(f"machines {numbers} to be ready", probe)
    return members(cluster)


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with a pool of two, and an autoscaler for it that lacks metrics to go by."""
    namespace.apply(as_json(manifest(2))).ok()
    namespace.kubectl("autoscale", "vmpool", NAME, "--min=1", "--max=3").ok()
    settled(namespace, 0, 1)
    return namespace


def test_a_pool_is_made(cluster: Cluster) -> None:
    found = cluster.get("vmpool", NAME)
    assert found["status"]["labelSelector"] == f"herd={NAME}"
    assert "conditions" not in found["status"]
    expected = ("virtualmachinepool-controller", "SuccessfulCreate", f"Created VM {cluster.namespace}/{NAME}-0")
    eventually("an event of the pool", lambda: expected in cluster.events(NAME, "VirtualMachinePool"))
    (row,) = cluster.kubectl("get", "vmpool", NAME, "--no-headers").ok().out.splitlines()
    assert row.split()[:4] == [NAME, "2", "2", "2"]
    for guest in guests(cluster).values():
        assert guest["metadata"]["labels"][REVISION] == f"{NAME}-1"
    selected = cluster.kubectl("get", "pods", "-l", found["status"]["labelSelector"], "-o", "name").ok().out.split()
    assert len(selected) == 2  # what an autoscaler measures


def test_what_its_machines_use_is_shown(cluster: Cluster) -> None:
    def whole() -> bool:
        rows = json.loads(cluster.virtctl("top", "vm", "-o", "json").ok().out)
        assert [row["name"] for row in rows] == [f"{NAME}-0", f"{NAME}-1"]
        for row in rows:
            assert row["cpus"] == 1
            assert row["memoryBytes"] == 64 * 1024 * 1024
            assert row["memoryUsedBytes"] > 0
            assert row["cpu"] >= 0
            assert row["networkReceiveBytesPerSecond"] >= 0
        return True

    eventually("both guests to be measured", whole)
    shown = cluster.virtctl("top", "vmi", f"{NAME}-1", "--interval", "200ms").ok().out.splitlines()
    assert [line.split()[0] for line in shown] == ["NAME", f"{NAME}-1"]
    nodes = json.loads(cluster.virtctl("top", "node", "-o", "json", "--interval", "200ms").ok().out)
    assert sum(node["machines"] for node in nodes) >= 2
    cluster.virtctl("top", "vm", "nobody").fails("not running: vm nobody")


def test_its_guests_are_measured(cluster: Cluster) -> None:
    def page(program: str) -> str:
        """The pages of all copies of a program, read through the API server."""
        pods = cluster.in_namespace("kubevirt").objects("pods", "-l", f"kubevirt.io={program}")
        names = [p["metadata"]["name"] for p in pods if p["status"]["phase"] == "Running"]
        path = "/api/v1/namespaces/kubevirt/pods/https:{}:8443/proxy/metrics"
        return "".join(cluster.kubectl("get", "--raw", path.format(name)).ok().out for name in names)

    def counted() -> bool:
        ours = f'name="{NAME}-0",namespace="{cluster.namespace}"'
        assert re.search(rf"kubevirt_vm_info{{[^}}]*{ours}[^}}]*}} 1.0", page("virt-controller"))
        return "kubevirt_virt_api_ready_status 1.0" in page("virt-api")

    def measured() -> bool:
        """A guest that does not answer in time is left out of a page, so that another one is asked for."""
        shown = page("virt-handler")
        for n in (0, 1):
            who = f'name="{NAME}-{n}",namespace="{cluster.namespace}"'
            memory = re.search(rf"kubevirt_vmi_memory_resident_bytes{{[^}}]*{who}[^}}]*}} (\S+)", shown)
            assert memory and float(memory[1]) > 0
            assert re.search(rf"kubevirt_vmi_cpu_usage_seconds_total{{[^}}]*{who}[^}}]*}} ", shown)
            assert re.search(rf'kubevirt_vmi_network_receive_bytes_total{{interface="default"[^}}]*{who}', shown)
        return True

    eventually("the controller's and the server's pages", counted)
    eventually("the nodes' pages", measured)


def test_it_is_scaled_through_the_scale_sub_resource(cluster: Cluster) -> None:
    uids = {vm["metadata"]["uid"] for vm in members(cluster).values()}
    cluster.kubectl("scale", "vmpool", NAME, "--replicas=3").ok()
    assert uids < {vm["metadata"]["uid"] for vm in settled(cluster, 0, 1, 2).values()}
    path = f"/apis/pool.kubevirt.io/v1beta1/namespaces/{cluster.namespace}/virtualmachinepools/{NAME}/scale"
    scale = json.loads(cluster.kubectl("get", "--raw", path).ok().out)
    assert scale["status"] == {"replicas": 3, "selector": f"herd={NAME}"}
    policy = {"spec": {"scaleInStrategy": {"proactive": {"selectionPolicy": {"sortPolicy": "DescendingOrder"}}}}}
    cluster.kubectl("patch", "vmpool", NAME, "--type=merge", "-p", as_json(policy)).ok()
    cluster.kubectl("scale", "vmpool", NAME, "--replicas=2").ok()
    settled(cluster, 0, 1)


def test_a_detached_machine_runs_on_and_is_replaced(cluster: Cluster) -> None:
    before = guests(cluster)[f"{NAME}-0"]["metadata"]["uid"]
    cluster.kubectl("label", "vm", f"{NAME}-0", "herd-", "kept=yes").ok()
    settled(cluster, 1, 2)

    def let_go() -> bool:
        kept = cluster.get("vm", f"{NAME}-0")["metadata"]
        return "ownerReferences" not in kept and "pool.kubevirt.io/finalizer" not in kept["finalizers"]

    eventually("the machine to belong to nobody", let_go)
    assert guests(cluster)[f"{NAME}-0"]["metadata"]["uid"] == before
    cluster.kubectl("delete", "vm", f"{NAME}-0", "--timeout=240s").ok()


def test_a_change_is_rolled_out_one_by_one(cluster: Cluster) -> None:
    before = {name: guest["metadata"]["uid"] for name, guest in guests(cluster).items()}
    label = {"spec": {"virtualMachineTemplate": {"spec": {"template": {"metadata": {"labels": {"round": "2"}}}}}}}
    cluster.kubectl("patch", "vmpool", NAME, "--type=merge", "-p", as_json(label)).ok()
    fewest = 2

    def probe() -> bool:
        nonlocal fewest
        found = guests(cluster)
        running = [g for g in found.values() if g["status"].get("phase") == "Running"]
        fewest = min(fewest, len([g for g in running if "deletionTimestamp" not in g["metadata"]]))
        assert all(g["metadata"]["labels"].get("round") == "2" for g in found.values()), "not all are of the change"
        return len(running) == 2

    eventually("all guests to be of the changed template", probe)
    assert fewest >= 1, "more guests were down than may be unavailable"
    assert not set(before.values()) & {g["metadata"]["uid"] for g in guests(cluster).values()}
    settled(cluster, 1, 2)

    def one_revision() -> bool:
        names = [r["metadata"]["name"] for r in cluster.objects("controllerrevisions")]
        ours = [name for name in names if name.startswith(f"{NAME}-")]
        assert len(ours) == 1, ours
        return True

    eventually("one revision to be left", one_revision)


def test_an_autoscaler_can_read_its_scale(cluster: Cluster) -> None:
    """Looked at last: the cluster visits autoscalers every fifteen seconds."""

    def probe() -> bool:
        told = {c["type"]: c for c in cluster.get("hpa", NAME)["status"]["conditions"]}
        return bool(told["AbleToScale"]["status"] == "True")

    eventually("the autoscaler to have read the scale", probe)


def test_the_end_of_a_pool_is_the_end_of_its_machines(cluster: Cluster) -> None:
    cluster.kubectl("delete", "vmpool", NAME, "--timeout=240s").ok()
    eventually("all machines to be gone", lambda: not members(cluster) and not guests(cluster))
    eventually("all revisions to be gone", lambda: not cluster.objects("controllerrevisions"))


def test_disks_may_outlive_their_machine(cluster: Cluster) -> None:
    """Nothing runs here: a machine that is stopped has disks, too."""
    keeping = manifest(1, "keeper", scaleInStrategy={"proactive": {"statePreservation": "Offline"}})
    machine = keeping["spec"]["virtualMachineTemplate"]["spec"]
    machine["runStrategy"] = "Halted"
    machine["template"]["spec"]["volumes"] = [{"name": "a", "persistentVolumeClaim": {"claimName": "kept"}}]
    cluster.apply(as_json(keeping)).ok()
    vm = eventually("the machine", lambda: cluster.get("vm", "keeper-0"))
    owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "keeper-0", "controller": True,
             "uid": vm["metadata"]["uid"]}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
             "metadata": {"name": "kept", "ownerReferences": [owner]},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
    cluster.apply(as_json(claim)).ok()
    cluster.kubectl("scale", "vmpool", "keeper", "--replicas=0").ok()
    cluster.wait_gone("vm", "keeper-0")
    kept = cluster.get("pvc", "kept")["metadata"]
    assert "ownerReferences" not in kept
    assert "deletionTimestamp" not in kept
    cluster.kubectl("delete", "vmpool", "keeper", "--timeout=240s").ok()


def test_a_selector_that_does_not_fit_is_refused(cluster: Cluster) -> None:
    cluster.apply(as_json(manifest(1, "wrong", selector={"matchLabels": {"herd": "other"}}))).fails(
        "selector does not match labels."
    )
