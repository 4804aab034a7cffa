"""The answers of sub-resources to requests that something is wrong with: code and message, as the tables have them.

Life cycle and streams of instances are in the files beside this one.
"""

from __future__ import annotations

import json

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.core import PersistentVolumeClaim
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_api import later
from kubevirt.virt_api.later_rules import Asked
from kubevirt.virt_api.lifecycle import Declined
from kubevirt.virt_api.memory_dump import may_dump, wanted_claim
from kubevirt.virt_api.more_routes import cancel_patch

DISK: JsonObject = {"disk": {"bus": "scsi"}}
CLAIM: JsonObject = {"persistentVolumeClaim": {"claimName": "c"}}
PLUGGED: JsonObject = {"persistentVolumeClaim": {"claimName": "c", "hotpluggable": True}}
SEV: JsonObject = {"domain": {"launchSecurity": {"sev": {"attestation": {}}}}}
SESSION: JsonObject = {"domain": {"launchSecurity": {"sev": {"attestation": {}, "session": "x"}}}}
OWNED: list[Json] = [{"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "a", "uid": "u",
                      "controller": True}]  # fmt: skip
UNGATED = ClusterConfig(disabled_gates=frozenset({"WorkloadEncryptionSEV"}))
GATED = ClusterConfig(enabled_gates=frozenset({"WorkloadEncryptionSEV", "DeclarativeHotplugVolumes"}))


def machine(*volumes: JsonObject, **status: Json) -> VirtualMachine:
    spec: JsonObject = {"template": {"spec": {"domain": {}, "volumes": list(volumes)}}}
    return codec.convert({"metadata": {"name": "a", "namespace": "n"}, "spec": spec, "status": status}, VirtualMachine)


def instance(phase: str, *conditions: str, spec: JsonObject | None = None, owned: bool = False
             ) -> VirtualMachineInstance:
    document: JsonObject = {
        "metadata": {"name": "a", "namespace": "n", "ownerReferences": OWNED if owned else []},
        "spec": spec or {"domain": {}},
        "status": {"phase": phase, "conditions": [{"type": each, "status": "True"} for each in conditions]},
    }
    return codec.convert(document, VirtualMachineInstance)


def named(name: str, source: JsonObject) -> JsonObject:
    return {"name": name, **source}


RUNS, STARTS = instance("Running"), instance("Scheduled")
PAUSED = instance("Running", "Paused", spec=SEV)
ADDING: JsonObject = {"addVolumeOptions": {"name": "d", "disk": DISK, "volumeSource": {}}}
REMOVING: JsonObject = {"removeVolumeOptions": {"name": "d"}}
NO_BODY = "Request with no body, a new name is expected as the request body"

TABLE: list[tuple[str, str, VirtualMachine | None, VirtualMachineInstance | None, JsonObject | None, int, str]] = [
    # kind, sub-resource, machine, instance, body, code, message
    ("vm", "migrate", machine(), None, {}, 409, "VM is not running"),
    ("vm", "migrate", machine(), STARTS, {}, 409, "VM is not running"),
    ("vm", "migrate", machine(), RUNS, {}, 409, later.MIGRATION),
    ("vm", "addvolume", machine(), RUNS, None, 400, NO_BODY),
    ("vm", "addvolume", machine(), RUNS, {"disk": DISK}, 400, "AddVolumeOptions requires name to be set"),
    ("vm", "addvolume", machine(), RUNS, {"name": "d"}, 400, "AddVolumeOptions requires disk to not be nil"),
    ("vm", "addvolume", machine(), RUNS, {"name": "d", "disk": DISK}, 400,
     "AddVolumeOptions requires VolumeSource to not be nil"),
    ("vm", "addvolume", machine(named("d", CLAIM)), RUNS, {"name": "d", "disk": DISK, "volumeSource": {}}, 409,
     "Unable to add volume [d] because volume with that name already exists"),
    ("vm", "addvolume", machine(named("d", CLAIM)), RUNS, {"name": "e", "disk": DISK, "volumeSource": CLAIM}, 409,
     "Unable to add volume source [c] because it already exists"),
    ("vm", "addvolume", machine(volumeRequests=[ADDING]), RUNS, {"name": "d", "disk": DISK, "volumeSource": CLAIM}, 409,
     "add volume request for volume [d] already exists"),
    ("vm", "addvolume", machine(volumeRequests=[REMOVING]), RUNS, {"name": "d", "disk": DISK, "volumeSource": CLAIM},
     409, "unable to add volume since a remove volume request for volume [d] already exists and is still being "
     "processed"),
    ("vm", "addvolume", machine(), RUNS, {"name": "d", "disk": DISK, "volumeSource": CLAIM}, 400, later.VOLUMES),
    ("vm", "addvolume", machine(), RUNS, {"name": "d", "dryRun": ["Some"]}, 400,
     "invalid dryRun ['Some']: only All is supported"),
    ("vmi", "addvolume", None, instance("Running", owned=True), {"name": "d", "disk": DISK, "volumeSource": CLAIM}, 400,
     "VMI n/a is owned by a VM"),
    ("vmi", "addvolume", None, RUNS, None, 400, NO_BODY),
    ("vm", "removevolume", machine(), RUNS, None, 400, NO_BODY),
    ("vm", "removevolume", machine(), RUNS, {"name": ""}, 400, "RemoveVolumeOptions requires name to be set"),
    ("vm", "removevolume", machine(), RUNS, {"name": "d"}, 409,
     "Unable to remove volume [d] because it does not exist"),
    ("vm", "removevolume", machine(named("d", CLAIM)), RUNS, {"name": "d"}, 409,
     "Unable to remove volume [d] because it is not hotpluggable"),
    ("vm", "removevolume", machine(named("d", PLUGGED), volumeRequests=[REMOVING]), RUNS, {"name": "d"}, 409,
     "a remove volume request for volume [d] already exists and is still being processed"),
    ("vm", "removevolume", machine(named("d", PLUGGED)), RUNS, {"name": "d"}, 400, later.VOLUMES),
    ("vmi", "removevolume", None, instance("Running", owned=True), {"name": "d"}, 400, "VMI n/a is owned by a VM"),
    ("vm", "removememorydump", machine(), RUNS, None, 409,
     "can't remove memory dump association for vm a, no association found"),
    ("vm", "removememorydump", machine(memoryDumpRequest={"claimName": "c", "phase": "Completed", "remove": True}),
     RUNS, None, 409, "memory dump remove request for pvc [c] already exists"),
    ("vm", "removememorydump", machine(memoryDumpRequest={"claimName": "c", "phase": "Completed"}), RUNS, None, 400,
     later.MEMORY_DUMP),
    ("vmi", "vsock", None, RUNS, None, 400, "VSOCK is not attached."),
    ("vmi", "vsock", None, instance("Scheduled", spec={"domain": {"devices": {"autoattachVSOCK": True}}}), None, 400,
     "VMI is not running"),
    ("vmi", "sev/fetchcertchain", None, RUNS, None, 409, "Attestation not requested for VMI"),
    ("vmi", "sev/fetchcertchain", None, instance("Scheduling", spec=SEV), None, 409,
     "VMI is not assigned to a node yet"),
    ("vmi", "sev/querylaunchmeasurement", None, RUNS, None, 409, "Attestation not requested for VMI"),
    ("vmi", "sev/setupsession", None, RUNS, None, 400,
     "Request with no body: SEV session parameters are required"),
    ("vmi", "sev/setupsession", None, RUNS, {"dhCert": "x"}, 400, "Session blob is required"),
    ("vmi", "sev/setupsession", None, RUNS, {"session": "x"}, 400, "DH cert is required"),
    ("vmi", "sev/setupsession", None, instance("Running", spec=SEV), {"session": "x", "dhCert": "x"}, 409,
     "VMI is not in Scheduled phase"),
    ("vmi", "sev/setupsession", None, instance("Scheduled", spec=SESSION), {"session": "x", "dhCert": "x"}, 409,
     "Session already defined"),
    ("vmi", "sev/injectlaunchsecret", None, RUNS, None, 400,
     "Request with no body: SEV secret parameters are required"),
    ("vmi", "sev/injectlaunchsecret", None, instance("Scheduled", spec=SEV), {}, 409, "VMI is not running"),
    ("vmi", "sev/injectlaunchsecret", None, instance("Running", spec=SEV), {}, 409, "VMI is not paused"),
    ("vmi", "sev/injectlaunchsecret", None, PAUSED, {}, 400, later.ATTESTATION),
    ("vmi", "backup", None, STARTS, {}, 409, "VMI is not running"),
    ("vmi", "backup", None, RUNS, {}, 409, "ChangedBlockTracking is not enabled"),
    ("vmi", "redefine-checkpoint", None, RUNS, {}, 409, "ChangedBlockTracking is not enabled"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "vm", "vmi", "body", "code", "message"), TABLE,
                         ids=[f"{row[0]} {row[1]}: {row[6][:60]}" for row in TABLE])  # fmt: skip
def test_answers(kind: str, name: str, vm: VirtualMachine | None, vmi: VirtualMachineInstance | None,
                 body: JsonObject | None, code: int, message: str) -> None:
    plural = {"vm": later.MACHINES, "vmi": later.INSTANCES}[kind]
    refusal = next(each for each in later.REFUSALS if (each.kind, each.name) == (plural, name))
    sent = json.dumps(body).encode() if body is not None else b""
    declined = later.answer(refusal, Asked(vm=vm, vmi=vmi, body=sent, config=GATED))
    assert (declined.code, declined.message) == (code, message)


@pytest.mark.parametrize("name", ["fetchcertchain", "querylaunchmeasurement", "setupsession", "injectlaunchsecret"])
def test_without_its_gate_encryption_says_so_first(name: str) -> None:
    refusal = next(each for each in later.REFUSALS if each.name == f"sev/{name}")
    declined = later.answer(refusal, Asked(vmi=RUNS, config=UNGATED))
    assert (declined.code, declined.message) == (400, "'WorkloadEncryptionSEV' feature gate is not enabled")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_none(body: bytes) -> None:
    refusal = next(each for each in later.REFUSALS if each.name == "addvolume")
    declined = later.answer(refusal, Asked(vm=machine(), vmi=RUNS, body=body))
    assert declined.code == 400
    assert declined.message.startswith("Can not unmarshal Request body to struct, error: ")


def test_a_conflict_names_the_object() -> None:
    reply = later.declined_reply(later.MACHINES, "a", Declined(409, "VM is not running"))
    assert reply.code == 409
    assert reply.message == 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "a": VM is not running'
    assert reply.details == {"name": "a", "group": "kubevirt.io", "kind": "virtualmachine"}


def claim(size: str = "1Gi", mode: str = "ReadWriteOnce", volume_mode: str = "Filesystem") -> PersistentVolumeClaim:
    return codec.convert({
        "metadata": {"name": "c"},
        "spec": {"accessModes": [mode], "volumeMode": volume_mode, "resources": {"requests": {"storage": size}}},
    }, PersistentVolumeClaim)  # fmt: skip


def dumping(name: str, phase: str, **more: Json) -> VirtualMachine:
    return machine(memoryDumpRequest={"claimName": name, "phase": phase, **more})


GUEST = instance("Running", spec={"domain": {"memory": {"guest": "128Mi"}}})


@pytest.mark.parametrize(
    ("vm", "vmi", "given", "message"),
    [
        (machine(), None, claim(), "VMI is not running"),
        (machine(), GUEST, claim(volume_mode="Block"), "pvc should be filesystem pvc"),
        (machine(), GUEST, claim(mode="ReadOnlyMany"), "pvc access mode can't be read only"),
        (machine(), GUEST, claim("200Mi"),
         "pvc [c] has 200Mi and needs at least 252224471 for the memory of the guest"),
        (dumping("other", "Completed"), GUEST, claim(),
         "can't request memory dump for pvc [c] while pvc [other] is still associated as the memory dump pvc"),
        (dumping("c", "Dissociating", remove=True), GUEST, claim(),
         "can't dump memory for pvc [c] a remove memory dump request is in progress"),
        (dumping("c", "InProgress"), GUEST, claim(), "memory dump request for pvc [c] already in progress"),
    ],
)  # fmt: skip
def test_a_dump_that_cannot_be(vm: VirtualMachine, vmi: VirtualMachineInstance | None, given: PersistentVolumeClaim,
                               message: str) -> None:
    with pytest.raises(Declined) as declined:
        may_dump(vm, vmi, given, ClusterConfig())
    assert (declined.value.code, declined.value.message) == (409, message)


def test_a_dump_that_can_be() -> None:
    may_dump(machine(), GUEST, claim("241Mi"), ClusterConfig())
    may_dump(dumping("c", "Failed"), GUEST, claim(), ClusterConfig())


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"", "Request with no body"), (b"{}", "Memory dump requires claim name to be set")],
)
def test_a_dump_into_nothing(body: bytes, message: str) -> None:
    with pytest.raises(Declined) as declined:
        wanted_claim(machine(), body)
    assert (declined.value.code, declined.value.message) == (400, message)


def test_the_claim_of_a_dump_is_remembered() -> None:
    assert wanted_claim(dumping("c", "Completed"), b"{}") == "c"
    assert wanted_claim(dumping("c", "Completed"), b'{"claimName": "d"}') == "d"


def test_an_evacuation_is_called_off_only_from_the_node_that_was_meant() -> None:
    path = "/status/evacuationNodeName"
    assert cancel_patch("n1") == [{"op": "test", "path": path, "value": "n1"}, {"op": "remove", "path": path}]
