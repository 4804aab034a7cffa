"""Start revisions without a controller: who takes them over, for whom they stay, and when they go.

That none is left over, whatever happens, is searched by the histories; the API's side of it by the walk-through.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_api import Api
from controller_objects import FIRMWARE, NOW, VM_UID, condition, owner, revision, seen, vm, vmi
from controller_world import Controller, new_world
from msgspec.structs import replace
from test_controller_vm_histories import World, new_vm

from kubevirt.api import codec
from kubevirt.api.resources import VMIS, VMS
from kubevirt.virt_controller.actions import Create, Delete, Patch
from kubevirt.virt_controller.revision import START_REVISIONS, StartRevision, started_uid
from kubevirt.virt_controller.strays.decide import Observed, decide
from kubevirt.virt_controller.vm.decide import decide as decide_vm
from kubevirt.virt_controller.vm.live_update import outcome
from kubevirt.virt_controller.vm.revisions import running_generation, store

OTHER = "other-uid"


def parted(**metadata: Any) -> StartRevision:
    """The revision of the VM's start, without its owner."""
    found = revision(vm())
    return replace(found, metadata=replace(found.metadata, owner_references=[], **metadata))


def another_vm(**about: Any) -> Any:
    """The VM that came after the one of whose start the revision tells."""
    made = vm(**about)
    return replace(made, metadata=replace(made.metadata, uid=OTHER))


@pytest.mark.parametrize(("stray", "seen_besides", "done"), [
    pytest.param(revision(vm()), {}, None, id="one that is controlled is no stray"),
    pytest.param(parted(name="pool-1"), {}, None, id="nor is a revision of something else"),
    pytest.param(parted(deletion_timestamp=NOW), {}, None, id="one on its way out goes by itself"),
    pytest.param(parted(), {}, Delete, id="nobody wants it"),
    pytest.param(parted(), {"instance": vmi(owned=False)}, None, id="its instance runs on, without a VM"),
    pytest.param(parted(), {"instance": vmi("Failed", owned=False)}, None, id="or stays as it ended"),
    pytest.param(parted(), {"machine": vm(deleting=True)}, None, id="its VM is still on its way out"),
    pytest.param(parted(), {"machine": vm(deleting=True), "instance": vmi(), "owner": vm(deleting=True)}, None,
                 id="and its instance not yet parted from that"),
    pytest.param(parted(), {"machine": vm()}, VM_UID, id="somebody has parted it from a VM that lives"),
    pytest.param(parted(), {"instance": vmi(), "owner": another_vm()}, OTHER, id="a VM has taken the instance over"),
    pytest.param(parted(), {"instance": vmi(), "owner": another_vm(deleting=True)}, None,
                 id="a VM that goes takes nothing over"),
    pytest.param(parted(), {"machine": vm(deleting=True), "instance": vmi(), "owner": another_vm()}, OTHER,
                 id="the heir counts, not the VM that goes"),
])
def test_what_becomes_of_a_revision(stray: StartRevision, seen_besides: dict[str, Any], done: Any) -> None:
    actions = decide(Observed(revision=stray, **seen_besides))
    if done is None:
        assert actions == ()
        return
    (action,) = actions
    if done is Delete:
        assert isinstance(action, Delete)
        assert action.target is stray
        return
    assert isinstance(action, Patch)
    assert codec.to_json(action.new.metadata.owner_references) == [owner(uid=done)]
    assert action.only_while_alive is not None
    assert action.only_while_alive[1].metadata.uid == done


@pytest.mark.parametrize(("name", "uid"), [
    ("revision-start-vm-0f5e-11-7", "0f5e-11"),
    ("revision-start-vm-", ""),
    ("web-small-v1beta1-0f5e-3", ""),
    ("pool-3", ""),
])
def test_the_vm_of_whose_start_a_revision_tells(name: str, uid: str) -> None:
    assert started_uid(name) == uid


CHANGED = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}, "hostname": "other"}}
TAKEN_OVER = vmi(owned=owner(uid=OTHER), status={"virtualMachineRevisionName": f"revision-start-vm-{VM_UID}-1"},
                 conditions=[condition("Ready", "True")])


def without_generation() -> Any:
    """The instance as its new VM has taken it over."""
    return replace(TAKEN_OVER, metadata=replace(TAKEN_OVER.metadata, annotations={}))


def test_the_heir_of_an_instance_knows_whether_a_restart_is_required() -> None:
    instance = without_generation()
    assert running_generation(another_vm(), instance) is None
    same, changed = (seen(machine, instance, revisions=(revision(vm()),))
                     for machine in (another_vm(), another_vm(template=CHANGED)))
    assert outcome(same, instance).restart == ""
    assert outcome(changed, instance).restart == "a non-live-updatable field was changed in the template spec"
    (told,) = decide_vm(same).actions
    assert isinstance(told, Patch)
    assert told.new.metadata.annotations == {"kubevirt.io/vm-generation": "1"}


def test_the_next_start_replaces_what_was_taken_over() -> None:
    taken = revision(vm())
    drop, create = store(seen(another_vm(), revisions=(taken,)), another_vm())
    assert isinstance(drop, Delete)
    assert drop.target is taken
    assert isinstance(create, Create)
    assert create.body["metadata"]["name"] == f"revision-start-vm-{OTHER}-1"


async def at_rest(life: Controller, api: Api) -> None:
    """All that is to be done now is done."""
    for _ in range(8):
        life.hear_all()
        for worker in range(len(life.workers)):
            while await life.work(worker):
                life.hear_all()
        api.collect_garbage()


def started() -> World:
    world = World()
    world.make(VMS, new_vm("Always", with_disk=False))
    return world


async def orphaned() -> tuple[World, Controller]:
    """A VM was started, and then deleted without its instance."""
    world = started()
    life = Controller(world)
    await at_rest(life, world)
    world.update(VMS, "web", lambda o: o["metadata"]["finalizers"].append("orphan"))
    world.remove(VMS, "web")
    await at_rest(life, world)
    assert world.all(VMS) == []
    return world, life


async def test_a_revision_stays_with_the_orphaned_instance_and_goes_with_it() -> None:
    world, life = await orphaned()
    (left,) = world.all(START_REVISIONS)
    assert not left["metadata"]["ownerReferences"]
    world.remove(VMIS, "web")
    await at_rest(life, world)
    assert (world.all(VMIS), world.all(START_REVISIONS)) == ([], [])


async def test_a_revision_goes_to_the_vm_that_adopts_the_instance() -> None:
    world, life = await orphaned()
    world.make(VMS, new_vm("Always", with_disk=False))
    await at_rest(life, world)
    ((vm_,), (left,)) = world.all(VMS), world.all(START_REVISIONS)
    assert [o["uid"] for o in left["metadata"]["ownerReferences"]] == [vm_["metadata"]["uid"]]


async def test_the_heir_tells_of_a_restart_as_soon_as_it_knows_what_was_started() -> None:
    world, life = await orphaned()
    heir = new_vm("Always", with_disk=False)
    heir["spec"]["template"]["spec"]["hostname"] = "other"
    world.make(VMS, heir)
    await at_rest(life, world)
    (vm_,) = world.all(VMS)
    assert "RestartRequired" in {c["type"] for c in vm_["status"]["conditions"]}


async def test_revisions_that_were_left_before_the_controller_started_go_too() -> None:
    world = new_world()
    world.make(START_REVISIONS, {"metadata": {"name": "revision-start-vm-gone-1", "namespace": "shop"},
                                 "data": {"spec": {}}, "revision": 1})
    await at_rest(Controller(world), world)
    assert world.all(START_REVISIONS) == []
