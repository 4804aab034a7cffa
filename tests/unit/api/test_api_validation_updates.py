"""Changes of instances: by whom, on which node, and what may be plugged; and what a machine's status may ask for."""

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation import validate_vmi_create, validate_vmi_update
from kubevirt.api.validation.hotplug import PREFIX, check_plugged_disk
from kubevirt.api.validation.updates import Sender
from kubevirt.api.validation.vm_requests import validate_vm_status
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject, merge
from tests.refusals.samples import DISK, GOOD

CONFIG = ClusterConfig(default_architecture="amd64")
CONTROLLER, API = Sender(account="kubevirt-controller"), Sender(account="kubevirt-apiserver")


def handler(node: str) -> Sender:
    return Sender(account="kubevirt-handler", node=node)


def instance(change: JsonObject) -> VirtualMachineInstance:
    return codec.convert(merge({"metadata": {"name": "a"}, "spec": GOOD}, change), VirtualMachineInstance)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"hostname": "other"}}, "update of VMI object is restricted"),
        (
            {"metadata": {"labels": {"kubevirt.io/nodeName": "n"}}},
            "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        ),
        ({"metadata": {"labels": {"mine": "n"}}}, ""),
    ],
)
def test_an_instance_is_changed_by_the_control_plane_only(change: JsonObject, message: str) -> None:
    old, new = instance({}), instance(change)
    assert ", ".join(c.message for c in validate_vmi_update(old, new, CONFIG)) == message
    assert validate_vmi_update(old, new, CONFIG, CONTROLLER) == []


def test_the_agent_of_a_node_changes_no_spec() -> None:
    found = validate_vmi_update(
        instance({"status": {"nodeName": "n"}}), instance({"spec": {"hostname": "b"}}), CONFIG, handler("n")
    )
    assert [cause.message for cause in found] == ["update of VMI object is restricted"]


def test_reserved_labels_are_for_the_control_plane() -> None:
    labelled = instance({"metadata": {"labels": {"kubevirt.io/nodeName": "n"}}})
    found = validate_vmi_create(labelled, CONFIG)
    assert ("metadata.labels", "FieldValueNotSupported") in [(cause.field, cause.reason) for cause in found]
    assert "metadata.labels" not in [cause.field for cause in validate_vmi_create(labelled, CONFIG, own_account=True)]


NOT_OWNED = "Node restriction, virt-handler is only allowed to modify VMIs it owns"


@pytest.mark.parametrize(
    ("before", "after", "node", "message"),
    [
        pytest.param({"nodeName": "here"}, {}, "here", "", id="its own"),
        pytest.param({"nodeName": "there"}, {}, "here", NOT_OWNED, id="another node's"),
        pytest.param({"nodeName": "there", "migrationState": {"targetNode": "here"}}, {}, "here", "", id="on its way"),
        pytest.param({"nodeName": ""}, {}, "here", NOT_OWNED, id="on no node yet"),
        pytest.param({"nodeName": "here"}, {"migrationState": {"targetNode": "there"}}, "here",
                     "Node restriction, virt-handler is not allowed to set target node", id="sends it away"),
        pytest.param({"nodeName": "here"}, {}, "",
                     "Node restriction failed, virt-handler service account is missing node name", id="from nowhere"),
    ],
)
def test_the_agent_of_a_node_changes_instances_there_only(
    before: JsonObject, after: JsonObject, node: str, message: str
) -> None:
    old = instance({"status": before})
    new = instance({"status": {**before, **after}, "metadata": {"labels": {"seen": "yes"}}})
    assert ", ".join(c.message for c in validate_vmi_update(old, new, CONFIG, handler(node))) == message
    free = ClusterConfig(disabled_gates=["NodeRestriction"])
    assert validate_vmi_update(old, new, free, handler(node)) == []


def plugged(name: str, **members: Json) -> tuple[JsonObject, JsonObject]:
    """A volume that is plugged in, and its disk."""
    volume: JsonObject = {"name": name, "persistentVolumeClaim": {"claimName": name, "hotpluggable": True}}
    return volume, {"name": name, "disk": {"bus": "scsi"}, **members}


def running(*more: tuple[JsonObject, JsonObject], volumes: Json = None, **spec: Json) -> VirtualMachineInstance:
    """A running instance with a disk from the start and others plugged in."""
    disks: list[Json] = [{"name": "root", "disk": {"bus": "virtio"}}, *(disk for _, disk in more)]
    if volumes is None:
        volumes = [DISK, *(volume for volume, _ in more)]
    status: JsonObject = {"volumeStatus": [{"name": "root", "target": "vda"}]}
    change: JsonObject = {"spec": {**spec, "volumes": volumes}, "status": status}
    return instance(merge_disks(change, disks))


def merge_disks(change: JsonObject, disks: list[Json]) -> JsonObject:
    merged = merge(change, {"spec": {"domain": {"devices": {"disks": disks}}}})
    assert isinstance(merged, dict)
    return merged


A = plugged("a")
OTHER_CLAIM: tuple[JsonObject, JsonObject] = ({"name": "a", "persistentVolumeClaim": {"claimName": "b"}}, A[1])
FOREIGN: JsonObject = {"name": "a", "emptyDisk": {"capacity": "1Gi"}}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(running(), running(A), "", id="one is plugged in"),
        pytest.param(running(A), running(), "", id="and out"),
        pytest.param(running(), running(volumes=[]), "mismatch between volumes declared (0) and required (1)",
                     id="a disk without volume"),
        pytest.param(running(), instance(merge_disks({"spec": {"volumes": []}, "status": {"volumeStatus": [
            {"name": "root", "target": "vda"}]}}, [])), "Number of permanent volumes has changed", id="the first goes"),
        pytest.param(running(), running(volumes=[{"name": "root", "emptyDisk": {"capacity": "1Gi"}}]),
                     "permanent volume root, changed", id="the first changes"),
        pytest.param(running(A), running(OTHER_CLAIM), "hotplug volume a, changed", id="another claim"),
        pytest.param(running(A), running(plugged("a", serial="x")), "hotplug disk a, changed", id="another serial"),
        pytest.param(running(), running((FOREIGN, A[1])), "volume a is not a PVC or DataVolume", id="no claim"),
        pytest.param(running(), running((A[0], {"name": "b", "disk": {"bus": "scsi"}})), "disk a does not exist",
                     id="another's disk"),
        pytest.param(running(), running(plugged("a", disk={"bus": "sata"})),
                     "Hotplug configuration for disk [a] requires bus to be 'scsi' or 'virtio'. [sata] is not "
                     "permitted.", id="bus"),
        pytest.param(running(), running(plugged("a", disk=None, lun={"bus": "virtio"})),
                     "Hotplug configuration for LUN [a] requires bus to be 'scsi'. [virtio] is not permitted.",
                     id="bus of a LUN"),
        pytest.param(running(), running(plugged("a", disk=None, cdrom={"bus": "scsi"})),
                     "Hotplug configuration for [a] requires diskDevice of type 'disk' or 'lun' to be used.",
                     id="no CD-ROM"),
        pytest.param(running(), running(plugged("a", dedicatedIOThread=True)),
                     "Hotplug configuration for [a] requires virtio bus for IOThreads.", id="I/O thread"),
        pytest.param(running(), running(domain={"cpu": {"maxSockets": 8}}), "CPU topology maxSockets changed",
                     id="limit of sockets"),
        pytest.param(running(domain={"memory": {"maxGuest": "1Gi"}}), running(domain={"memory": {"maxGuest": "2Gi"}}),
                     "Memory maxGuest changed", id="limit of memory"),
    ],
)
def test_what_is_plugged(old: VirtualMachineInstance, new: VirtualMachineInstance, message: str) -> None:
    found = validate_vmi_update(old, new, CONFIG, API)
    assert [(c.reason, c.message) for c in found] == ([("FieldValueInvalid", message)] if message else [])


def started(name: str, serial: str = "", **more: Json) -> VirtualMachineInstance:
    """An instance that runs with one disk; its status knows of another one from the start."""
    shown: JsonObject = {"name": name, "disk": {"bus": "virtio"}, **({"serial": serial} if serial else {})}
    known: list[Json] = [{"name": each, "target": "vda"} for each in ("root", "tree")]
    return instance(merge_disks({"spec": {"volumes": [{**DISK, "name": name}]}, "status": {"volumeStatus": known},
                                 **more}, [shown]))  # fmt: skip


@pytest.mark.parametrize(
    ("new", "message"),
    [
        pytest.param(started("root"), "", id="as it was"),
        pytest.param(started("tree"), "permanent volume tree, not found", id="another of the first ones"),
        pytest.param(started("root", serial="x"), "permanent disk root, changed", id="its disk changes"),
    ],
)
def test_what_was_there_from_the_start_stays(new: VirtualMachineInstance, message: str) -> None:
    found = validate_vmi_update(started("root"), new, CONFIG, API)
    assert [cause.message for cause in found] == ([message] if message else [])


def test_what_is_plugged_needs_a_disk() -> None:
    without = running((A[0], {"name": "b", "disk": {"bus": "scsi"}}))
    found = validate_vmi_update(running(A), without, CONFIG, API)
    assert [cause.message for cause in found] == ["volume a doesn't have a matching disk"]
    at = "spec.volumes"
    told = "Hotplug configuration for [a] requires the disk field to be set."
    assert [(c.field, c.message) for c in check_plugged_disk(None, "a", PREFIX, at)] == [(at, told)]


def test_a_volume_that_moves_may_change_its_claim() -> None:
    moved = running(OTHER_CLAIM)
    moved.status.migrated_volumes = codec.convert(
        {"status": {"migratedVolumes": [{"volumeName": "a"}]}}, VirtualMachineInstance
    ).status.migrated_volumes
    assert validate_vmi_update(running(A), moved, CONFIG, CONTROLLER) == []


# What a machine's status asks for ---------------------------------------------------------------------------------


def add(name: str, claim: str = "data") -> JsonObject:
    return {"addVolumeOptions": {"name": name, "disk": {"disk": {"bus": "scsi"}},
                                 "volumeSource": {"persistentVolumeClaim": {"claimName": claim}}}}


def remove(name: str) -> JsonObject:
    return {"removeVolumeOptions": {"name": name}}


ROOT = "an existing volume of the same name on"


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        pytest.param([add("a"), remove("b")], "", id="two of two volumes"),
        pytest.param([add("a"), add("a")], "AddVolume request for [a] aleady exists", id="added twice"),
        pytest.param([remove("a"), remove("a")], "RemoveVolume request for [a] aleady exists", id="removed twice"),
        pytest.param([{**add("a"), **remove("a")}],
                     "VolumeRequests require either addVolumeOptions or removeVolumeOptions to be set, not both",
                     id="both in one"),
        pytest.param([{}], "VolumeRequests require one of either addVolumeOptions or removeVolumeOptions to be set",
                     id="neither"),
        pytest.param([add("root")], f"AddVolume request for [root] conflicts with {ROOT} the vmi template.",
                     id="taken in the template"),
        pytest.param([add("live")], f"AddVolume request for [live] conflicts with {ROOT} currently running vmi",
                     id="taken in the instance"),
        pytest.param([add("live", "live")], "", id="carried out half"),
    ],
)
def test_requests_for_volumes(requests: list[Json], message: str) -> None:
    vm = codec.convert({"spec": {"template": {"spec": GOOD}}, "status": {"volumeRequests": requests}}, VirtualMachine)
    vmi = running(plugged("live"))
    found = validate_vm_status(vm, vm, vmi)
    assert [(c.field, c.message) for c in found] == ([("Status.volumeRequests", message)] if message else [])


def test_no_volume_is_plugged_while_the_instance_moves() -> None:
    vm = codec.convert({"spec": {"template": {"spec": GOOD}}, "status": {"volumeRequests": [add("a")]}}, VirtualMachine)
    moving = instance({"status": {"migrationState": {"targetNode": "b"}}})
    assert [cause.message for cause in validate_vm_status(vm, vm, moving)] == [
        "Cannot handle volume requests while VMI migration is in progress"
    ]
