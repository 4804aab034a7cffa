"""Changes of a running machine: what reaches its instance without a restart, and what says that it waits for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e import machine
from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
VM = "changing"
TOLERATION = {"key": "test/spare", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with one running machine, whose CPUs were prepared for more."""
    manifest = vm(VM)
    spec = manifest["spec"]["template"]["spec"]
    spec["domain"]["cpu"] = {"sockets": 1}
    spec["volumes"], spec["domain"]["devices"]["disks"] = [], []
    namespace.apply(as_json(manifest)).ok()
    namespace.wait_status(VM, "Running")
    return namespace


def change(cluster: Cluster, **spec: Any) -> None:
    """Change the template's spec as a user does."""
    patch = {"spec": {"template": {"spec": spec}}}
    cluster.kubectl("patch", "vm", VM, "--type=merge", "-p", json.dumps(patch)).ok()


def restart_required(cluster: Cluster) -> str | None:
    """What the condition says; None without it."""
    conditions = cluster.get("vm", VM)["status"]["conditions"]
    return next((c["message"] for c in conditions if c["type"] == "RestartRequired"), None)


def wait_restart_required(cluster: Cluster, message: str | None) -> None:
    eventually(f"RestartRequired to say {message!r}", lambda: restart_required(cluster) == message)


def test_placement_reaches_the_instance_without_a_restart(cluster: Cluster) -> None:
    before = cluster.get("vmi", VM)
    (qemu,) = machine.qemu_of(cluster.namespace, VM)
    change(cluster, tolerations=[TOLERATION], nodeSelector={"kubernetes.io/os": "linux"})

    def followed() -> Any:
        now = cluster.get("vmi", VM)
        assert TOLERATION in now["spec"].get("tolerations", []), "no toleration"
        assert now["spec"].get("nodeSelector") == {"kubernetes.io/os": "linux"}, "no node selector"
        return now

    now = eventually("the instance to follow", followed)
    assert now["metadata"]["uid"] == before["metadata"]["uid"]
    change(cluster, tolerations=None, nodeSelector=None)
    eventually("the instance to follow back", lambda: "tolerations" not in cluster.get("vmi", VM)["spec"])
    assert [p.pid for p in machine.qemu_of(cluster.namespace, VM)] == [qemu.pid]
    assert restart_required(cluster) is None


def test_what_a_restart_is_needed_for_is_said_until_it_has_happened(cluster: Cluster) -> None:
    change(cluster, hostname="renamed")
    wait_restart_required(cluster, "a non-live-updatable field was changed in the template spec")
    change(cluster, hostname=None)
    wait_restart_required(cluster, None)
    change(cluster, hostname="renamed")
    wait_restart_required(cluster, "a non-live-updatable field was changed in the template spec")
    uid = cluster.get("vmi", VM)["metadata"]["uid"]
    cluster.virtctl("restart", VM).ok()
    assert cluster.wait_phase(VM, "Running", not_uid=uid)["spec"]["hostname"] == "renamed"
    wait_restart_required(cluster, None)


def test_sockets_are_asked_for_but_not_taken_away(cluster: Cluster) -> None:
    change(cluster, domain={"cpu": {"sockets": 2}})

    def sockets() -> bool:
        return bool(cluster.get("vmi", VM)["spec"]["domain"]["cpu"]["sockets"] == 2)

    eventually("two sockets in the instance", sockets)
    assert restart_required(cluster) is None
    change(cluster, domain={"cpu": {"sockets": 9}})

    def told() -> bool:
        conditions = {c["type"]: c for c in cluster.get("vm", VM)["status"]["conditions"]}
        required, failure = conditions.get("RestartRequired"), conditions.get("Failure")
        said = [c["message"] for c in (required, failure) if c is not None]
        assert said, conditions.keys()
        return any("higher than what's available" in m or "another CPU hotplug is in progress" in m for m in said)

    eventually("too many sockets to be told", told)
