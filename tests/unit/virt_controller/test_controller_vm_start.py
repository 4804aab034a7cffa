"""What the VM controller creates and changes: marks on the VM, the VMI of a start, revisions, adoption, the end of a
VM.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from click.testing import CliRunner
from controller_objects import (
    FINALIZER,
    FIRMWARE,
    FOREGROUND,
    MARKS,
    VM_UID,
    VMI_UID,
    condition,
    owner,
    revision,
    seen,
    vm,
    vmi,
)

from kubevirt.api import codec
from kubevirt.api.resources import VMS
from kubevirt.kit import logs
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.__main__ import main
from kubevirt.virt_controller.act import operations_for
from kubevirt.virt_controller.actions import Create, Delete, FailureWords, Patch
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.in_step import Patterns, patterns_of
from kubevirt.virt_controller.vm.ownership import after_status
from kubevirt.virt_controller.vm.revisions import stored_form

GENERATION = "kubevirt.io/vm-generation"


def the_patch(*actions: Any) -> Patch:
    (patch,) = actions
    assert isinstance(patch, Patch)
    return patch


def test_everything_a_vm_is_marked_with_goes_into_one_guarded_patch() -> None:
    patch = the_patch(*decide(seen(vm(marked=False))).actions)
    assert patch.new.metadata.finalizers == [FINALIZER]
    assert patch.new.metadata.annotations == MARKS
    assert operations_for(patch)[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "5"}


def test_the_firmware_uuid_of_an_old_vm_depends_on_its_name_only() -> None:
    patch = the_patch(*decide(seen(vm(marked=False))).actions)
    namespace = uuid.UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")
    assert patch.new.spec.template.spec.domain.firmware.uuid == str(uuid.uuid5(namespace, "web"))


def test_a_vm_that_has_a_firmware_uuid_keeps_it() -> None:
    firmware = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}}}
    patch = the_patch(*decide(seen(vm(marked=False, template=firmware))).actions)
    assert patch.new.spec is patch.old.spec


def started(**kwargs: Any) -> Any:
    """The VMI that a start creates."""
    *_, create = decide(seen(vm(**kwargs))).actions
    assert isinstance(create, Create)
    return create


def test_the_vmi_is_the_template_tied_to_the_vm() -> None:
    create = started(template={"metadata": {"labels": {"app": "web"}, "annotations": {"note": "x"}}})
    made = codec.to_builtins(create.body)
    assert made["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "labels": {"app": "web"},
        "annotations": {"note": "x", GENERATION: "1"},
        "ownerReferences": [owner()],
        "finalizers": [FOREGROUND, FINALIZER],
    }
    assert made["status"] == {"virtualMachineRevisionName": f"revision-start-vm-{VM_UID}-1"}
    assert create.done.reason == "SuccessfulCreate"
    assert create.done.message == "Started the virtual machine by creating the new virtual machine instance web"


def test_volumes_without_a_disk_get_one() -> None:
    create = started(volumes=[{"name": "data", "emptyDisk": {"capacity": "1Gi"}}])
    assert [d.name for d in create.body.spec.domain.devices.disks] == ["data"]


def test_an_input_device_is_added_when_one_is_wanted_and_none_named() -> None:
    spec = {"domain": {"devices": {"autoattachInputDevice": True}, "firmware": {"uuid": FIRMWARE}}}
    create = started(template={"spec": spec})
    assert [i.name for i in create.body.spec.domain.devices.inputs] == ["default-0"]


def test_a_start_stores_the_spec_and_drops_older_ones() -> None:
    old, now = vm(), vm(generation=3)
    drop, store, create = decide(seen(now, revisions=(revision(old),))).actions
    assert isinstance(drop, Delete)
    assert drop.target.revision == 1
    assert isinstance(store, Create)
    assert store.body["metadata"]["name"] == f"revision-start-vm-{VM_UID}-3"
    assert store.body["revision"] == 3
    assert codec.decode_json(bytes(store.body["data"])) == {"spec": codec.to_builtins(now.spec)}
    assert isinstance(create, Create)


def test_the_text_of_a_revision_is_what_the_api_server_makes_of_it() -> None:
    text = bytes(stored_form({"b": {"z": 1, "a": "x <y> & \u2028z"}, "a": ["é"]}))
    assert text == '{"a":["é"],"b":{"a":"x \\u003cy\\u003e \\u0026 \\u2028z","z":1}}'.encode()


def test_a_revision_of_this_generation_is_used_again() -> None:
    assert [type(a) for a in decide(seen(vm(), revisions=(revision(vm()),))).actions] == [Create]


def test_a_vm_in_need_of_manual_recovery_is_not_started() -> None:
    assert decide(seen(vm(status={"conditions": [condition("ManualRecoveryRequired", "True")]}))).actions == ()


# Whose VMI it is


def test_a_vmi_without_a_controller_is_adopted_if_the_live_vm_agrees() -> None:
    o = seen(vm(), vmi("Running", owned=False, finalizers=[FOREGROUND]))
    patch = the_patch(*decide(o).actions)
    assert codec.to_json(patch.new.metadata.owner_references) == [owner()]
    assert patch.new.metadata.finalizers == [FOREGROUND, FINALIZER]
    assert patch.only_while_alive is not None
    assert patch.only_while_alive[1] is o.vm


@pytest.mark.parametrize(("revision_name", "told"), [
    pytest.param(f"revision-start-vm-{VM_UID}-1", {GENERATION: "1"}, id="that it had started itself"),
    pytest.param("revision-start-vm-other-uid-1", {}, id="that another VM had started, whose generations are not its"),
    pytest.param("", {GENERATION: "1"}, id="that was not started by a VM"),
])
def test_the_generation_of_a_vmi_that_a_vm_takes_over(revision_name: str, told: dict[str, str]) -> None:
    o = seen(vm(), vmi("Running", owned=False, status={"virtualMachineRevisionName": revision_name}))
    assert the_patch(*decide(o).actions).new.metadata.annotations == told


@pytest.mark.parametrize(("the_vm", "instance"), [
    pytest.param(vm(), vmi(owned=False, deleting=True), id="a VMI on its way out is not adopted"),
    pytest.param(vm(deleting=True), vmi(owned=False), id="a VM on its way out adopts nothing"),
])
def test_what_is_going_is_not_adopted(the_vm: Any, instance: Any) -> None:
    assert not any(a.resource.kind == "VirtualMachineInstance" for a in decide(seen(the_vm, instance)).actions)


FOREIGN = vmi("Running", owned=owner("VirtualMachineInstanceReplicaSet", "many", "rs-uid"))


def test_a_vmi_of_somebody_else_is_left_alone_and_told_about() -> None:
    decision = decide(seen(vm(), FOREIGN))
    assert decision.actions == ()
    assert decision.problem is not None
    assert "belongs to the VirtualMachineInstanceReplicaSet many" in decision.problem.message
    assert decide(seen(vm("Halted"), FOREIGN)).actions == ()


def test_a_misnamed_vmi_is_released() -> None:
    patch = the_patch(*decide(seen(vm(), vmi(), misnamed=(vmi(name="other", uid="other"),))).actions)
    assert patch.old.metadata.name == "other"
    assert patch.new.metadata.owner_references == []


# The end of a VM


def test_deleting_a_vm_first_ends_its_vmi() -> None:
    (action,) = decide(seen(vm(deleting=True), vmi("Running"))).actions
    assert isinstance(action, Delete)
    assert action.done is not None
    assert action.done.reason == "SuccessfulDelete"
    assert action.done.message == f"Stopped the virtual machine by deleting the virtual machine instance {VMI_UID}"


def test_a_vm_waits_for_its_vmi_to_go() -> None:
    assert decide(seen(vm(deleting=True), vmi("Running", deleting=True))).actions == ()


@pytest.mark.parametrize(("finalizers", "instance", "left"), [
    pytest.param([FINALIZER], None, [], id="without a VMI the VM goes"),
    pytest.param(["orphan", FINALIZER], vmi("Running"), ["orphan"], id="orphaning leaves the VMI and lets go"),
    pytest.param([FINALIZER], vmi("Running", owned=False), [], id="an orphan of it is not deleted"),
    pytest.param([FINALIZER], FOREIGN, [], id="somebody else's VMI is not deleted"),
])
def test_the_vm_lets_go(finalizers: list[str], instance: Any, left: list[str]) -> None:
    patch = the_patch(*decide(seen(vm(deleting=True, finalizers=finalizers), instance)).actions)
    assert patch.new.metadata.finalizers == left


def test_a_vmi_is_ended_with_its_vm_only_as_it_is_known_here() -> None:
    """The garbage collector may have parted it from the VM, as was asked for, and the news of it come late."""
    (action,) = decide(seen(vm(deleting=True), vmi("Running"))).actions
    assert isinstance(action, Delete)
    assert action.unchanged


def test_nothing_is_left_to_do_for_a_vm_that_others_hold() -> None:
    assert decide(seen(vm(deleting=True, finalizers=["other/thing"]))).actions == ()


@pytest.mark.parametrize(("instance", "freed"), [
    pytest.param(vmi("Failed", deleting=True), True, id="an ended VMI that is to go"),
    pytest.param(vmi("WaitingForSync", deleting=True), True, id="a receiver that never received"),
    pytest.param(vmi("Running", deleting=True), False, id="not while the guest may run"),
    pytest.param(vmi("Failed"), False, id="not before it is to go"),
    pytest.param(vmi("Failed", deleting=True, owned=False), False, id="not one of others"),
    pytest.param(vmi("Failed", deleting=True, finalizers=[FOREGROUND]), False, id="not twice"),
])
def test_the_vms_finalizer_leaves_the_vmi_when_its_end_is_recorded(instance: Any, freed: bool) -> None:
    actions = after_status(seen(vm(), instance))
    assert len(actions) == freed
    if freed:
        assert the_patch(*actions).new.metadata.finalizers == [FOREGROUND]


# What a running VMI takes over


@pytest.mark.parametrize(("the_vm", "annotations"), [
    pytest.param(vm("Manual", generation=2), {GENERATION: "2"}, id="a new generation with the same template"),
    pytest.param(vm(template={"metadata": {"annotations": {"descheduler.alpha.kubernetes.io/evict": "true"}}}),
                 {GENERATION: "1", "descheduler.alpha.kubernetes.io/evict": "true"}, id="annotations kept in step"),
])
def test_a_running_vmi_follows(the_vm: Any, annotations: dict[str, str]) -> None:
    first = revision(vm("Always"))
    patch = the_patch(*decide(seen(the_vm, vmi(), revisions=(first,))).actions)
    assert patch.new.metadata.annotations == annotations


EVICT = "descheduler.alpha.kubernetes.io/evict"
STAY = "descheduler.alpha.kubernetes.io/prefer-no-eviction"
SKIP = "kubevirt.io/skip-backup-hooks"


@pytest.mark.parametrize(("vm_has", "template_has", "instance_has", "expected"), [
    pytest.param({}, {EVICT: "true"}, {}, {EVICT: "true"}, id="added"),
    pytest.param({}, {EVICT: "false"}, {EVICT: "true"}, {EVICT: "false"}, id="changed"),
    pytest.param({}, {}, {EVICT: "true"}, {}, id="removed"),
    pytest.param({}, {STAY: "true"}, {}, {STAY: "true"}, id="the wish not to be moved"),
    pytest.param({}, {"other": "x"}, {}, {}, id="others are for the next start"),
    pytest.param({SKIP: "true"}, {}, {}, {SKIP: "true"}, id="one comes from the VM itself"),
    pytest.param({}, {"team/a": "1", "exact": "2"}, {"team/b": "0"}, {"team/a": "1", "exact": "2"},
                 id="those that virt-controller was told of"),
])
def test_annotations_kept_in_step(vm_has: Any, template_has: Any, instance_has: Any, expected: Any) -> None:
    patterns = Patterns(annotations=patterns_of(["team/*, exact"]))
    the_vm = vm(annotations=vm_has, template={"metadata": {"annotations": template_has}})
    o = seen(the_vm, vmi(annotations=instance_has), patterns=patterns)
    patches = [a for a in decide(o).actions if isinstance(a, Patch)]
    now = patches[0].new.metadata.annotations if patches else instance_has
    assert {k: v for k, v in now.items() if k != GENERATION} == expected
    assert bool(patches) is (expected != instance_has)


def test_labels_are_kept_in_step_only_where_virt_controller_is_told_to() -> None:
    the_vm = vm(template={"metadata": {"labels": {"team/a": "1", "app": "shop"}}})
    patch = the_patch(*decide(seen(the_vm, vmi(), patterns=Patterns(labels=("team/*",)))).actions)
    assert patch.new.metadata.labels == {"team/a": "1"}


def test_keeping_everything_in_step_is_refused() -> None:
    with pytest.raises(Refused, match="every key"):
        patterns_of(["a,*"])


@pytest.mark.parametrize("flag", ["--additional-launcher-annotations-sync", "--additional-launcher-labels-sync"])
def test_the_flags_of_what_is_kept_in_step(flag: str, monkeypatch: pytest.MonkeyPatch,
                                           caplog: pytest.LogCaptureFixture) -> None:
    """virt-controller does not begin to run with a flag that asks for everything."""
    monkeypatch.setattr(logs, "setup", lambda *_: None)  # which is for the whole process
    result = CliRunner().invoke(main, ["--launcher-image", "virt:1", flag, "team/*", flag, "*"])
    assert result.exit_code == 1
    assert "every key" in str(getattr(caplog.records[-1], "problem", ""))


PCI = {"kubevirt.io/pci-topology-version": "v3", "kubevirt.io/pci-interface-slot-count": "8"}


@pytest.mark.parametrize(("template_has", "told"), [
    pytest.param({}, PCI, id="the template of a VM that has none learns both"),
    pytest.param({"kubevirt.io/pci-topology-version": "v2"},
                 {"kubevirt.io/pci-topology-version": "v2", "kubevirt.io/pci-interface-slot-count": "8"},
                 id="what it has it keeps"),
    pytest.param(PCI, PCI, id="once"),
])
def test_the_layout_of_devices_that_a_vmi_found_is_kept_in_the_template(template_has: Any, told: Any) -> None:
    o = seen(vm(template={"metadata": {"annotations": template_has}}), vmi(annotations=PCI))
    patches = [a for a in decide(o).actions if isinstance(a, Patch)]
    assert bool(patches) is (template_has != told)
    if patches:
        assert patches[0].resource is VMS
        assert patches[0].new.spec.template.metadata.annotations == told


def test_a_running_vmi_of_a_changed_template_keeps_its_generation() -> None:
    changed = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}, "hostname": "other"}}
    assert decide(seen(vm(generation=2, template=changed), vmi(), revisions=(revision(vm()),))).actions == ()


def test_a_status_that_may_be_absent_is_added_whole() -> None:
    old = vm()
    new = codec.convert({**codec.to_builtins(old), "status": {"created": True}}, type(old))
    patch = Patch(resource=VMS, old=old, new=new, subresource="status", failed=FailureWords(reason="x"))
    assert operations_for(patch)[1:] == [{"op": "add", "path": "/status", "value": {"created": True}}]
