"""Volumes that come by way of a VM's status: plugged ones, memory dumps, and those that a broken migration left behind.

Each phase and request is a row. That a node writes the dump, or plugs a volume, is not this controller's.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import FIRMWARE, claim, condition, seen, stamp, start, vm, vmi

from kubevirt.api import codec
from kubevirt.virt_controller.actions import Create, Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.status import status_after

Json = dict[str, Any]
ADD = {"addVolumeOptions": {"name": "more", "disk": {"name": "", "disk": {"bus": "scsi"}},
                            "volumeSource": {"persistentVolumeClaim": {"claimName": "c"}}}}
REMOVE = {"removeVolumeOptions": {"name": "more"}}
PLUGGED = {"name": "more", "persistentVolumeClaim": {"claimName": "c", "hotpluggable": True}}
HAS_MORE = {"spec": {"domain": {"firmware": {"uuid": FIRMWARE}, "devices": {
    "disks": [{"name": "more", "disk": {"bus": "scsi"}}]}}, "volumes": [PLUGGED]}}


def patched(o: Observed) -> list[tuple[str, Any]]:
    """Kind and new object of each write."""
    found = [a for a in decide(o).actions if isinstance(a, Patch)]
    return [(p.resource.kind, p.new) for p in found]


def asked(*requests: Json, template: Json | None = None, strategy: str = "Manual", **status: Any) -> Any:
    return vm(strategy, status={"volumeRequests": list(requests), **status}, template=template)


# Volume requests


@pytest.mark.parametrize(("requests", "template", "volumes", "disks"), [
    pytest.param([ADD], None, [PLUGGED], [{"name": "more", "disk": {"bus": "scsi"}}], id="added with its disk"),
    pytest.param([REMOVE], HAS_MORE, [], [], id="removed with its disk"),
    pytest.param([REMOVE, ADD], None, [PLUGGED], [{"name": "more", "disk": {"bus": "scsi"}}],
                 id="the last request about a volume counts"),
])
def test_requests_reach_the_template_in_one_write(requests: list[Json], template: Any, volumes: list[Json],
                                                  disks: list[Json]) -> None:
    for instance in (None, vmi()):
        ((kind, new),) = patched(seen(asked(*requests, template=template), instance))
        spec: Any = codec.to_builtins(new.spec.template.spec)
        assert kind == "VirtualMachine"
        assert (spec.get("volumes", []), spec["domain"]["devices"].get("disks", [])) == (volumes, disks)


@pytest.mark.parametrize(("request_", "template", "left"), [
    pytest.param(ADD, None, 1, id="not added yet"), pytest.param(ADD, HAS_MORE, 0, id="added"),
    pytest.param(REMOVE, HAS_MORE, 1, id="not removed yet"), pytest.param(REMOVE, None, 0, id="removed"),
])
def test_requests_are_dropped_once_the_template_reflects_them(request_: Json, template: Any, left: int) -> None:
    assert len(status_after(seen(asked(request_, template=template)), None).volume_requests) == left


@pytest.mark.parametrize(("instance", "told"), [
    pytest.param(vmi(), True, id="a running guest without it"), pytest.param(None, False, id="no guest"),
    pytest.param(vmi(volumes=[PLUGGED]), False, id="a guest that has it"),
])
def test_a_volume_that_is_not_plugged_is_told(instance: Any, told: bool) -> None:
    problem = decide(seen(asked(template=HAS_MORE), instance)).problem
    assert (problem is not None) is told
    if problem is not None:
        assert (problem.reason, problem.retry) == ("HotPlugVolumeError", False)
        assert problem.message.startswith("Error encountered while handling volume hotplug requests: volume more is")


def test_requests_that_contradict_each_other_come_to_rest() -> None:
    o = seen(asked(REMOVE, ADD, template=HAS_MORE))
    assert patched(o) == []
    assert status_after(o, None).volume_requests == []


# Memory dumps


DUMP = {"name": "dump", "memoryDump": {"claimName": "dump", "hotpluggable": True}}
WITH_DUMP = {"spec": {"domain": {"firmware": {"uuid": FIRMWARE}, "devices": {}}, "volumes": [DUMP]}}
DONE_AT = stamp(1)


def dumping(phase: str, *, template: Any = None, strategy: str = "Always", **more: Any) -> Any:
    request = {"claimName": "dump", "phase": phase, **more}
    return vm(strategy, status={"memoryDumpRequest": request}, template=template)


def reports(phase: str, message: str = "") -> Json:
    info = {"claimName": "dump", "targetFileName": "web-dump.memory.dump", "startTimestamp": stamp(9),
            "endTimestamp": DONE_AT}
    return {"volumeStatus": [{"name": "dump", "target": "", "phase": phase, "message": message,
                              "memoryDumpVolume": info}]}


@pytest.mark.parametrize(("the_vm", "instance", "phase"), [
    pytest.param(dumping("Associating"), vmi(), "Associating", id="Associating until it is a volume"),
    pytest.param(dumping("Associating", template=WITH_DUMP), vmi(), "InProgress", id="then InProgress"),
    pytest.param(dumping("InProgress", template=WITH_DUMP), vmi(), "InProgress", id="until the node reports"),
    pytest.param(dumping("InProgress", template=WITH_DUMP), vmi(status=reports("MemoryDumpCompleted")), "Unmounting",
                 id="Unmounting when it is written"),
    pytest.param(dumping("InProgress", template=WITH_DUMP), vmi(status=reports("MemoryDumpFailed", "no room")),
                 "Failed", id="Failed when it could not be written"),
    pytest.param(dumping("Unmounting", template=WITH_DUMP), vmi(status=reports("Detaching")), "Unmounting",
                 id="Unmounting while the node has it"),
    pytest.param(dumping("Unmounting", template=WITH_DUMP), vmi(), "Completed", id="then Completed"),
    pytest.param(dumping("Completed", template=WITH_DUMP), vmi(), "Completed", id="which it stays"),
    pytest.param(dumping("Failed", template=WITH_DUMP), vmi(), "Failed", id="a failure stays"),
    pytest.param(dumping("Dissociating", remove=True, template=WITH_DUMP), vmi(), "Dissociating",
                 id="Dissociating while it is a volume"),
    pytest.param(dumping("Dissociating", remove=True), vmi(status=reports("Detaching")), "Dissociating",
                 id="or the node has it"),
    pytest.param(dumping("Dissociating", remove=True), vmi(), None, id="then forgotten"),
    pytest.param(dumping("Dissociating", remove=True), None, None, id="also of a stopped VM"),
])
def test_phases(the_vm: Any, instance: Any, phase: str | None) -> None:
    request = status_after(seen(the_vm, instance), None).memory_dump_request
    assert (request.phase if request else None) == phase
    if phase == "Unmounting" and instance.status.volume_status[0].phase == "MemoryDumpCompleted":
        assert request is not None
        assert request.file_name == "web-dump.memory.dump"
        assert request.start_timestamp is not None
        assert request.end_timestamp is not None
    if phase == "Failed" and instance.status.volume_status:
        assert request is not None
        assert request.message == "no room"


HOLDS = vmi(volumes=[DUMP])


@pytest.mark.parametrize(("the_vm", "instance", "kinds"), [
    pytest.param(dumping("Associating"), vmi(), ["VirtualMachine", "VirtualMachineInstance"],
                 id="Associating: a volume of both"),
    pytest.param(dumping("Associating"), vmi("Scheduling"), [], id="not before the guest runs"),
    pytest.param(dumping("InProgress", template=WITH_DUMP), vmi(), ["VirtualMachineInstance"],
                 id="InProgress: what a crash left undone"),
    pytest.param(dumping("InProgress", template=WITH_DUMP), HOLDS, [], id="InProgress: wait"),
    pytest.param(dumping("Unmounting", template=WITH_DUMP, fileName="f"), HOLDS,
                 ["PersistentVolumeClaim f", "VirtualMachineInstance"], id="Unmounting: the claim tells what it holds"),
    pytest.param(dumping("Failed", template=WITH_DUMP), HOLDS, [
        "PersistentVolumeClaim Memory dump failed", "VirtualMachineInstance"], id="Failed: or why it does not"),
    pytest.param(dumping("Completed", template=WITH_DUMP), vmi(), [], id="Completed: nothing"),
    pytest.param(dumping("Dissociating", remove=True, template=WITH_DUMP), HOLDS,
                 ["VirtualMachineInstance", "VirtualMachine"], id="Dissociating: out of both"),
])
def test_what_each_phase_does(the_vm: Any, instance: Any, kinds: list[str]) -> None:
    found = []
    for kind, new in patched(seen(the_vm, instance, claims={"dump": claim("dump")})):
        note = new.metadata.annotations.get("kubevirt.io/memory-dump", "")
        found.append(f"{kind} {note}".strip())
    assert found == kinds
    assert {a.failed.reason for a in decide(seen(the_vm, instance)).actions} <= {"MemoryDumpError"}


def test_a_start_leaves_out_the_volume_of_a_dump_that_is_over() -> None:
    *_, create = decide(seen(dumping("Completed", template=WITH_DUMP))).actions
    assert isinstance(create, Create)
    assert create.body.spec.volumes == []


# Volumes whose migration was cut short


MOVED = {"volumeUpdateState": {"volumeMigrationState": {"migratedVolumes": [
    {"volumeName": "data", "sourcePVCInfo": {"claimName": "a"}, "destinationPVCInfo": {"claimName": "b"}}]}}}
CHANGING = {**MOVED, "conditions": [condition("VolumesChange", "True")]}
STUCK = {**MOVED, "conditions": [condition("VolumesChange", "True"), condition("ManualRecoveryRequired", "True")]}


def moving(status: Json, *, claim_now: str = "b", strategy: str | None = "Migration") -> Any:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim_now}}]
    spec = {"updateVolumesStrategy": strategy} if strategy else {}
    return vm(status=status, spec=spec, volumes=volumes)


CANCELLED = vmi(conditions=[condition("VolumesChange", "False", "VolumesChangeCancellation")])


@pytest.mark.parametrize(("the_vm", "instance", "required", "recorded"), [
    pytest.param(moving(CHANGING), None, True, True, id="the VMI is gone in the midst of it"),
    pytest.param(moving(CHANGING), vmi("Failed", ran=True, conditions=[condition("VolumesChange", "True")]), True,
                 True, id="the VMI has ended in the midst of it"),
    pytest.param(moving(CHANGING), vmi(conditions=[condition("VolumesChange", "True")]), False, True,
                 id="it goes on"),
    pytest.param(moving(STUCK), None, True, True, id="a person is awaited"),
    pytest.param(moving(STUCK, claim_now="a"), None, False, False, id="who names the sources again"),
    pytest.param(moving(STUCK, strategy=None), None, False, False, id="or gives the migration up"),
    pytest.param(moving(MOVED), CANCELLED, False, False, id="the node reports that it was cancelled"),
])
def test_manual_recovery(the_vm: Any, instance: Any, required: bool, recorded: bool) -> None:
    status = status_after(seen(the_vm, instance), None)
    told = find(status.conditions, "ManualRecoveryRequired")
    assert (told is not None and told.status == "True") is required
    if told is not None and the_vm.status.conditions == [told]:
        assert told.reason == "VMI was removed or was final during the volume migration"
    assert (status.volume_update_state is not None) is recorded


def test_a_vm_that_awaits_a_person_is_not_started_on_request_either() -> None:
    stuck = {**STUCK, "stateChangeRequests": [start()]}
    assert decide(seen(vm("Manual", status=stuck, spec={"updateVolumesStrategy": "Migration"}))).actions == ()
