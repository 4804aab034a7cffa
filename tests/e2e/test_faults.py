"""Programs die while a machine runs: the guest must not notice what is not its own death, and its own is told truly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import machine
from tests.e2e.harness import Cluster, console, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
VM = "survivor"


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with one running machine."""
    namespace.apply(as_json(vm(VM))).ok()
    namespace.wait_status(VM, "Running")
    return namespace


def containers_of(cluster: Cluster, program: str) -> dict[str, Any]:
    """The state of a program's container in each of its pods."""
    pods = cluster.in_namespace("kubevirt").objects("pods", "-l", f"kubevirt.io={program}")
    return {p["metadata"]["name"]: p["status"]["containerStatuses"][0] for p in pods}


@pytest.mark.parametrize("program", ["virt-handler", "virt-controller", "virt-api"])
def test_a_killed_program_does_not_touch_the_guest(cluster: Cluster, program: str) -> None:
    before = cluster.wait_status(VM, "Running")
    uid = cluster.get("vmi", VM)["metadata"]["uid"]
    (qemu,) = machine.qemu_of("faults", VM)
    with console(cluster, VM) as guest:
        guest.log_in()
        guest.command("echo before >/tmp/mark")
    whole = containers_of(cluster, program)
    killed = [
        p for p in machine.processes(program) if machine.is_program(p, program) or f"/usr/bin/{program}" in p.command
    ]
    assert killed, f"no process of {program} found"
    for process in killed:
        process.kill()

    def healed() -> bool:
        now = containers_of(cluster, program)
        assert now.keys() == whole.keys()
        assert all(now[pod]["restartCount"] > whole[pod]["restartCount"] for pod in now), "not started again yet"
        assert all(container["ready"] for container in now.values()), "not ready again"
        return True

    eventually(f"{program} to be back", healed)

    def usable() -> bool:
        with console(cluster, VM) as guest:
            guest.type("\n")
            guest.expect(r"\$ ", 30)
            return "before" in guest.command("cat /tmp/mark")

    eventually("the guest's console to answer", usable)
    assert [p.pid for p in machine.qemu_of("faults", VM)] == [qemu.pid]
    assert cluster.get("vmi", VM)["metadata"]["uid"] == uid
    assert cluster.wait_status(VM, "Running")["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_killed_qemu_fails_the_instance_and_is_replaced(cluster: Cluster) -> None:
    old = cluster.get("vmi", VM)
    watch_phase = []
    (qemu,) = machine.qemu_of("faults", VM)
    qemu.kill()

    def replaced() -> bool:
        now = cluster.get("vmi", VM)
        if now and now["metadata"]["uid"] == old["metadata"]["uid"]:
            watch_phase.append(now["status"]["phase"])
        return (
            bool(now) and now["metadata"]["uid"] != old["metadata"]["uid"] and now["status"].get("phase") == "Running"
        )

    eventually("a new instance to run", replaced)
    assert "Succeeded" not in watch_phase
    cluster.wait_events(VM, "VirtualMachineInstance", ("Stopped", "The VirtualMachineInstance crashed."))


def test_a_killed_launcher_fails_the_instance_and_is_replaced(cluster: Cluster) -> None:
    old = cluster.get("vmi", VM)["metadata"]["uid"]
    launchers = list(machine.processes("virt-launcher", old))
    assert launchers
    for process in launchers:
        process.kill()
    cluster.wait_phase(VM, "Running", not_uid=old)
    assert len(machine.qemu_of("faults", VM)) == 1


def test_an_evicted_guest_is_asked_to_shut_down_and_starts_again(cluster: Cluster) -> None:
    """What `kubectl drain` does to the machines of a node that cannot be migrated."""
    old = cluster.wait_phase(VM, "Running")["metadata"]["uid"]
    (pod,) = [p for p in cluster.launcher_pods(VM) if old in str(p["metadata"]["ownerReferences"])]
    name = pod["metadata"]["name"]
    with console(cluster, VM) as guest:
        guest.log_in()  # a guest that is still booting does not hear the power button
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    where = f"/api/v1/namespaces/{cluster.namespace}/pods/{name}/eviction"
    cluster.kubectl("create", "--raw", where, "-f", "-", stdin=as_json(eviction)).ok()
    cluster.wait_phase(VM, "Running", not_uid=old)

    def told() -> bool:
        about = [e for e in cluster.objects("events") if e["involvedObject"].get("uid") == old]
        assert ("ShuttingDown", "Signaled Graceful Shutdown") in {(e["reason"], e["message"]) for e in about}, about
        return "Stopped" in {e["reason"] for e in about}

    eventually("the events of an orderly end", told)
    assert len(machine.qemu_of("faults", VM)) == 1
