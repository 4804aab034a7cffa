"""Commands that start, stop, move, pause and reboot machines: requests, output and errors, as the tables of commands
have them. What the server makes of the requests is tested with it, and end to end."""

from __future__ import annotations

import pytest
from virtctl_cluster import Cluster

from kubevirt.kit.json import Json, JsonObject

DRY = '"dryRun":["All"]'
MIGRATIONS = "virtualmachineinstancemigrations"
OF_A = "?labelSelector=kubevirt.io/vmi-name%3D%3Da"


@pytest.mark.parametrize(
    ("command", "request_", "said"),
    [
        ("start a", "PUT VM:start {}", "VM a was scheduled to start\n"),
        ("start a --paused", 'PUT VM:start {"paused":true}', "VM a was scheduled to start\n"),
        ("start a --dry-run", f"PUT VM:start {{{DRY}}}", "Dry Run execution\nVM a was scheduled to start\n"),
        ("stop a", "PUT VM:stop {}", "VM a was scheduled to stop\n"),
        ("stop a --force --grace-period=0", 'PUT VM:stop {"gracePeriod":0}', "VM a was scheduled to stop\n"),
        ("stop a --dry-run", f"PUT VM:stop {{{DRY}}}", "Dry Run execution\nVM a was scheduled to stop\n"),
        ("restart a", "PUT VM:restart {}", "VM a was scheduled to restart\n"),
        ("restart a --force=true --grace-period 0", 'PUT VM:restart {"gracePeriodSeconds":0}',
         "VM a was scheduled to restart\n"),
        ("restart a --dry-run", f"PUT VM:restart {{{DRY}}}", "Dry Run execution\nVM a was scheduled to restart\n"),
        ("migrate a", "PUT VM:migrate {}", "VM a was scheduled to migrate\n"),
        ("migrate a --addedNodeSelector=k=v,l=w --addedNodeSelector=m=x",
         'PUT VM:migrate {"addedNodeSelector":{"k":"v","l":"w","m":"x"}}', "VM a was scheduled to migrate\n"),
        ("migrate a --dry-run", f"PUT VM:migrate {{{DRY}}}", "Dry Run execution\nVM a was scheduled to migrate\n"),
        ("soft-reboot a", "PUT VMI:softreboot", "VMI a was scheduled to soft-reboot\n"),
        ("reset a", "PUT VMI:reset", "VMI a was scheduled to reset\n"),
        ("pause vmi a", "PUT VMI:pause {}", "VMI a was scheduled to pause\n"),
        ("unpause VirtualMachineInstance a", "PUT VMI:unpause {}", "VMI a was scheduled to unpause\n"),
        ("pause vmi a --dry-run", f"PUT VMI:pause {{{DRY}}}", "Dry Run execution\nVMI a was scheduled to pause\n"),
    ],
)  # fmt: skip
def test_one_request(cluster: Cluster, command: str, request_: str, said: str) -> None:
    cluster.answer(" ".join(request_.split()[:2]), {})
    done = cluster.run(command)
    assert (done.code, done.out, done.words, done.asked) == (0, said, "", [request_])


@pytest.mark.parametrize(("command", "message"), [("soft-reboot a", "SoftReboot VMI"), ("reset a", "Reset VMI")])
def test_reboots_are_logged(cluster: Cluster, command: str, message: str) -> None:
    cluster.answer("PUT VMI:softreboot", {})
    cluster.answer("PUT VMI:reset", {})
    assert cluster.run(command).log == [message]


@pytest.mark.parametrize(
    ("command", "verb", "error"),
    [
        ("start a", "VM:start", "Error starting VirtualMachine no way"),
        ("stop a", "VM:stop", "error stopping VirtualMachine no way"),
        ("stop a --force --grace-period 0", "VM:stop", "error force stopping VirtualMachine: no way"),
        ("restart a", "VM:restart", "error restarting VirtualMachine: no way"),
        ("restart a --force --grace-period 0", "VM:restart", "error force restarting VirtualMachine: no way"),
        ("migrate a", "VM:migrate", "Error migrating VirtualMachine no way"),
        ("soft-reboot a", "VMI:softreboot", "Error soft rebooting VirtualMachineInstance a: no way"),
        ("reset a", "VMI:reset", "Error reseting VirtualMachineInstance a: no way"),
        ("pause vmi a", "VMI:pause", "Error pausing VirtualMachineInstance a: no way"),
        ("unpause vmi a", "VMI:unpause", "Error unpausing VirtualMachineInstance a: no way"),
    ],
)
@pytest.mark.parametrize("code", [403, 404, 409, 500])
def test_what_the_server_refuses(cluster: Cluster, command: str, verb: str, error: str, code: int) -> None:
    cluster.answer(f"PUT {verb}", (code, "no way"))
    done = cluster.run(command)
    assert (done.code, done.words) == (1, f"{error}\n")
    assert "was scheduled" not in done.out


HALTED: JsonObject = {"spec": {"runStrategy": "Halted"}}
ALWAYS: JsonObject = {"spec": {"runStrategy": "Always"}}
NOT_RUNNING: JsonObject = {"spec": {"running": False}}


@pytest.mark.parametrize("word", ["vm", "VM", "virtualmachine"])
def test_a_machine_is_read_before_its_instance_is_paused(cluster: Cluster, word: str) -> None:
    cluster.answer("GET vm/a", ALWAYS)
    cluster.answer("PUT VMI:pause", {})
    done = cluster.run(f"pause {word} a")
    assert (done.code, done.out) == (0, "VMI a was scheduled to pause\n")
    assert done.asked == ["GET vm/a", "PUT VMI:pause {}"]


@pytest.mark.parametrize(
    ("command", "machine", "instance", "error"),
    [
        ("pause vm a", (404, "gone"), {}, "Error getting VirtualMachine a: gone"),
        ("pause vm a", HALTED, (404, "gone"),
         "Error pausing VirtualMachineInstance a. VirtualMachine a is not set to run"),
        ("pause vm a", NOT_RUNNING, (404, "gone"),
         "Error pausing VirtualMachineInstance a. VirtualMachine a is not set to run"),
        ("pause vm a", ALWAYS, (404, "gone"), "Error pausing VirtualMachineInstance a, it was not found"),
        ("pause vm a", ALWAYS, (409, "VMI is already paused"),
         "Error pausing VirtualMachineInstance a: VMI is already paused"),
        ("unpause vm a", (404, "gone"), {}, "Error getting VirtualMachine a: gone"),
        ("unpause vm a", ALWAYS, (409, "VMI is not paused"),
         "Error unpausing VirtualMachineInstance a: VMI is not paused"),
        ("pause pod a", {}, {}, "unsupported resource type 'pod'"),
        ("unpause pod a", {}, {}, "unsupported resource type 'pod'"),
    ],
)  # fmt: skip
def test_what_cannot_be_paused(cluster: Cluster, command: str, machine: Json, instance: Json, error: str) -> None:
    cluster.answer("GET vm/a", machine)
    for verb in ("pause", "unpause"):
        cluster.answer(f"PUT VMI:{verb}", instance)
    done = cluster.run(command)
    assert (done.code, done.words, done.out) == (1, f"{error}\n", "")


def migration(name: str, phase: str = "") -> JsonObject:
    return {"metadata": {"name": name}, "status": {"phase": phase}}


def test_a_migration_is_called_off(cluster: Cluster) -> None:
    cluster.answer(f"GET {MIGRATIONS}", {"items": [migration("m1", "Failed"), migration("m2", "Running")]})
    cluster.answer(f"DELETE {MIGRATIONS}/m2", {})
    done = cluster.run("migrate-cancel a --dry-run")
    assert (done.code, done.out) == (0, "Dry Run execution\nVM a was scheduled to migrate-cancel\n")
    assert done.asked == [f"GET {MIGRATIONS}{OF_A}", f"DELETE {MIGRATIONS}/m2 {{{DRY}}}"]


@pytest.mark.parametrize(
    ("listed", "deleted", "error"),
    [
        ((500, "no list"), {}, "Error fetching virtual machine instance migration list  no list"),
        ({"items": []}, {}, "Found no migration to cancel for a"),
        ({"items": [migration("m", "Succeeded")]}, {}, "Found no migration to cancel for a"),
        ({"items": [migration("m")]}, (403, "no right"),
         "Error canceling migration m of a VirtualMachine a: no right"),
    ],
)  # fmt: skip
def test_no_migration_is_called_off(cluster: Cluster, listed: Json, deleted: Json, error: str) -> None:
    cluster.answer(f"GET {MIGRATIONS}", listed)
    cluster.answer(f"DELETE {MIGRATIONS}/m", deleted)
    done = cluster.run("migrate-cancel a")
    assert (done.code, done.words, done.out) == (1, f"{error}\n", "")


PLACED: JsonObject = {"status": {"nodeName": "n1"}}


@pytest.mark.parametrize(
    ("word", "short"),
    [("vm", "VM"), ("vms", "VM"), ("virtualmachines", "VM"), ("vmi", "VMI"), ("VMIS", "VMI"),
     ("virtualmachineinstance", "VMI")],
)  # fmt: skip
def test_an_evacuation_is_called_off(cluster: Cluster, word: str, short: str) -> None:
    cluster.answer("GET vmi/a", PLACED)
    cluster.answer(f"PUT {short}:evacuate/cancel", {})
    done = cluster.run(f"evacuate-cancel {word} a")
    assert (done.code, done.out) == (0, f"{short} ns/a was canceled evacuation\n")
    assert done.asked == ["GET vmi/a", f'PUT {short}:evacuate/cancel {{"evacuationNodeName":"n1"}}']


def test_an_evacuation_called_off_for_show(cluster: Cluster) -> None:
    cluster.answer("GET vmi/a", PLACED)
    cluster.answer("PUT VM:evacuate/cancel", {})
    done = cluster.run("evacuate-cancel vm a --dry-run")
    assert done.out.startswith("Dry Run execution\n")
    assert done.asked[1] == f'PUT VM:evacuate/cancel {{"evacuationNodeName":"n1",{DRY}}}'


@pytest.mark.parametrize(
    ("kind", "instance", "put", "error"),
    [
        ("vm", (404, "gone"), {}, "error retrieving VMI for evacuation cancel for VM ns/a: gone"),
        ("vmi", (404, "gone"), {}, "error retrieving VMI for evacuation cancel for VMI ns/a: gone"),
        ("vm", {"status": {}}, {}, "VM ns/a doesn't report Node name"),
        ("vmi", {}, {}, "VMI ns/a doesn't report Node name"),
        ("vm", PLACED, (400, "taint"), "error canceling evacuation for VM ns/a: taint"),
        ("vmi", PLACED, (400, "taint"), "error canceling evacuation for VMI ns/a: taint"),
        ("pod", {}, {}, 'unsupported resource type "pod"'),
    ],
)
def test_no_evacuation_is_called_off(cluster: Cluster, kind: str, instance: Json, put: Json, error: str) -> None:
    cluster.answer("GET vmi/a", instance)
    cluster.answer("PUT VM:evacuate/cancel", put)
    cluster.answer("PUT VMI:evacuate/cancel", put)
    done = cluster.run(f"evacuate-cancel {kind} a")
    assert (done.code, done.words, done.out) == (1, f"{error}\n", "")
