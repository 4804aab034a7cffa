"""Pools, a change of the template: which machines get it, which guests are restarted for it, and how many at a time."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import MARKS
from controller_pools import LABELS, REVISION, down, guest, machine, pool, revision_of, seen, serving, template

from kubevirt.virt_controller.actions import Delete, Patch
from kubevirt.virt_controller.pool import course, update
from kubevirt.virt_controller.pool.machines import brought_up_to_date
from kubevirt.virt_controller.pool.membership import Groups
from kubevirt.virt_controller.pool.observed import Member, Observed
from kubevirt.virt_controller.pool.revisions import Change, Revisions

OLD, NEW = template(), template(memory="128Mi")
OTHER_DISKS = template(disks=["root"])
ONLY_NAME = {**template(), "metadata": {"labels": {**LABELS, "more": "yes"}}}
BOTH = (revision_of(OLD), revision_of(NEW, 2))
ASCENDING = {"proactive": {"selectionPolicy": {"sortPolicy": "AscendingOrder"}}}
FIRST_ONLY = {"proactive": {"selectionPolicy": {"selectors": {"labelSelector": {"matchLabels": {"tier": "x"}}}}}}


def said(groups: Groups) -> list[str]:
    return [" ".join(map(short, group)) for group in groups]


def short(action: Any) -> str:
    match action:
        case Delete():
            return f"delete {action.resource.kind} {action.target.metadata.name}"
        case Patch():
            return f"patch {action.resource.kind} {action.old.metadata.name}"
        case _:
            return f"create {action.body['metadata']['name']}"


def new_pool(replicas: int = 2, **spec: Any) -> Any:
    return pool(replicas, made_from=spec.pop("made_from", NEW), generation=2, **spec)


# Machines


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(pool(), machine(0), machine(1)), [], id="nothing has changed"),
    pytest.param(seen(pool(generation=3), machine(0), machine(1)), [], id="only the number has changed"),
    pytest.param(seen(new_pool(), machine(0), machine(1)),
                 ["patch VirtualMachine herd-0", "patch VirtualMachine herd-1"], id="the template has changed"),
    pytest.param(seen(new_pool(), machine(0), machine(1), revisions=BOTH),
                 ["patch VirtualMachine herd-0", "patch VirtualMachine herd-1"], id="and its revision is there"),
    pytest.param(seen(new_pool(), machine(0, revision="herd-2"), machine(1), revisions=BOTH),
                 ["patch VirtualMachine herd-1"], id="one has it"),
    pytest.param(seen(pool(1), machine(0, revision="gone-1")), ["patch VirtualMachine herd-0"],
                 id="an unknown revision"),
    pytest.param(seen(pool(1), machine(0, revision="")), ["patch VirtualMachine herd-0"], id="no revision"),
    pytest.param(seen(new_pool(1, updateStrategy={"unmanaged": {}}), machine(0)), [], id="unmanaged"),
    pytest.param(seen(new_pool(1, updateStrategy={"opportunistic": {}}), machine(0)), ["patch VirtualMachine herd-0"],
                 id="opportunistic"),
    pytest.param(seen(new_pool(1, updateStrategy=FIRST_ONLY), machine(0)), [], id="the selectors do not take it"),
    pytest.param(seen(new_pool(1), machine(0, deleting=True)), [], id="on its way out"),
    pytest.param(seen(new_pool(3), machine(0)), [], id="the number comes first"),
    pytest.param(seen(new_pool(0), machine(0)), [], id="also where there are too many"),
    pytest.param(seen(new_pool(0, scaleInStrategy={"opportunistic": {}}), machine(0)), ["patch VirtualMachine herd-0"],
                 id="but not for what the pool leaves alone"),
    pytest.param(seen(new_pool(1, paused=True), machine(0)), [], id="paused"),
])
def test_machines_get_the_template(o: Observed, expected: list[str]) -> None:
    assert said(course.update_machines(o)) == expected
    recorded = said(course.record_for_outdated(o))
    present = Revisions(o).has_current
    assert recorded == ([f"create {Revisions(o).current}"] if expected and not present else [])


def test_what_a_machine_keeps() -> None:
    vm = machine(3, labels={**LABELS, "mine": "too"}, annotations={**MARKS, "mine": "x"})
    inner = vm.spec.template
    inner.metadata.annotations["kubevirt.io/pci-topology-version"] = "v3"
    made = pool(made_from={**NEW, "metadata": {"labels": LABELS, "annotations": {"note": "new"}}}, generation=2)
    new = brought_up_to_date(vm, made, 3, revision="herd-2")
    assert new.metadata.labels == {**LABELS, REVISION: "herd-2"}
    assert new.metadata.annotations == {**MARKS, "note": "new"}
    assert new.spec.template.metadata.labels == {**LABELS, REVISION: "herd-2"}
    assert new.spec.template.metadata.annotations == {"kubevirt.io/pci-topology-version": "v3"}
    assert new.metadata.owner_references == vm.metadata.owner_references
    assert new.metadata.finalizers == vm.metadata.finalizers


def test_a_guest_knows_its_machine_again() -> None:
    made = template()
    made["spec"]["template"]["spec"]["domain"] |= {"firmware": {"uuid": "u", "serial": "s"}, "machine": {"type": "q35"}}
    made["spec"]["template"]["spec"]["architecture"] = "amd64"
    new = brought_up_to_date(machine(0, made_from=made), pool(made_from=NEW), 0, revision="herd-2").spec.template.spec
    assert new.domain.firmware is not None and new.domain.machine is not None and new.domain.memory is not None
    assert (new.domain.firmware.uuid, new.domain.firmware.serial) == ("u", "s")
    assert (new.domain.machine.type, new.architecture) == ("q35", "amd64")
    assert str(new.domain.memory.guest) == "128Mi"


def test_the_words_of_an_update() -> None:
    ((patch,),) = course.update_machines(seen(new_pool(1), machine(0)))
    assert patch.done is not None
    assert (patch.done.reason, patch.done.message) == ("SuccessfulUpdate", "Updated VM shop/herd-0")
    assert patch.failed.event == "Error updating virtual machine herd-0/shop: "


# Guests


def updated(index: int, *, runs: str | None = "herd-1") -> Member:
    """A machine that has the new template, with a guest that serves."""
    return serving(index, runs=runs, revision="herd-2")


@pytest.mark.parametrize(("old", "new", "runs", "change"), [
    pytest.param(OLD, NEW, "herd-2", Change.NONE, id="started from it"),
    pytest.param(OLD, NEW, None, Change.UNKNOWN, id="no label"),
    pytest.param(OLD, NEW, "herd-0", Change.UNKNOWN, id="a revision that is gone"),
    pytest.param(OLD, NEW, "herd-1", Change.GUEST, id="another guest"),
    pytest.param(OLD, OTHER_DISKS, "herd-1", Change.DISKS, id="other data volumes"),
    pytest.param(OLD, ONLY_NAME, "herd-1", Change.NAME, id="nothing the guest would notice"),
])
def test_what_a_guest_has_not_seen(old: Any, new: Any, runs: str | None, change: Change) -> None:
    o = seen(new_pool(1, made_from=new), updated(0, runs=runs), revisions=(revision_of(old), revision_of(new, 2)))
    assert Revisions(o).change(o.members[0]) is change


@pytest.mark.parametrize(("change", "expected"), [
    pytest.param(Change.UNKNOWN, "delete VirtualMachineInstance herd-0", id="restart"),
    pytest.param(Change.GUEST, "delete VirtualMachineInstance herd-0", id="restart, too"),
    pytest.param(Change.DISKS, "delete VirtualMachine herd-0", id="made anew"),
    pytest.param(Change.NAME, "patch VirtualMachineInstance herd-0", id="relabelled"),
])
def test_how_a_guest_is_brought_to_it(change: Change, expected: str) -> None:
    action = update.refresh(updated(0), change)
    assert short(action) == expected
    assert action.failed.event == "Error updating resource shop/herd-0: "
    if isinstance(action, Delete):
        assert action.propagation == ("Foreground" if change is Change.DISKS else None)
        assert action.done is not None
        assert (action.done.reason, action.done.message) == (
            "SuccessfulDelete", "Successfully updated resource shop/herd-0")
    else:
        assert isinstance(action, Patch)
        assert action.new.metadata.labels[REVISION] == "herd-2"


def restarts(*numbers: int) -> list[str]:
    return [f"delete VirtualMachineInstance herd-{n}" for n in numbers]


def rolling(replicas: int, *members: Member, **spec: Any) -> Observed:
    return seen(new_pool(replicas, updateStrategy=ASCENDING, **spec), *members, revisions=BOTH)


HALF = {"maxUnavailable": "50%"}
ONE = {"maxUnavailable": 1}


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(rolling(3, *map(updated, range(3))), restarts(0, 1, 2), id="all at once, by default"),
    pytest.param(rolling(3, *map(updated, range(3)), **ONE), restarts(0), id="one by one"),
    pytest.param(rolling(3, updated(0, runs="herd-2"), updated(1), updated(2), **ONE), restarts(1), id="and the next"),
    pytest.param(rolling(5, *map(updated, range(5)), **HALF), restarts(0, 1), id="half, rounded down"),
    pytest.param(rolling(3, *map(updated, range(3)), maxUnavailable="1%"), restarts(0), id="at least one"),
    pytest.param(rolling(3, down(0, runs="herd-2", revision="herd-2"), updated(1), updated(2), **ONE), [],
                 id="one is not back yet"),
    pytest.param(rolling(3, Member(vm=machine(0, revision="herd-2")), updated(1), updated(2), **ONE), [],
                 id="one has no instance"),
    pytest.param(rolling(3, Member(vm=(m := machine(0, revision="herd-2")), vmi=guest(m, deleting=True)), updated(1),
                         updated(2), **ONE), [], id="one is stopping"),
    pytest.param(rolling(3, Member(vm=(m := machine(0, revision="herd-2")), vmi=guest(m, phase="Scheduled")),
                         updated(1), updated(2), **ONE), restarts(0), id="one that does not run yet is started anew"),
    pytest.param(rolling(3, down(0, revision="herd-2"), down(1, revision="herd-2"), updated(2), **ONE), restarts(0, 1),
                 id="those that serve nobody cost nothing"),
    pytest.param(seen(new_pool(1, updateStrategy={"opportunistic": {}}), updated(0), revisions=BOTH), [],
                 id="opportunistic"),
    pytest.param(seen(new_pool(1, updateStrategy={"unmanaged": {}}), updated(0), revisions=BOTH), [], id="unmanaged"),
    pytest.param(seen(new_pool(1, updateStrategy=FIRST_ONLY), updated(0), revisions=BOTH), [], id="not selected"),
    pytest.param(seen(new_pool(1), updated(0), revisions=BOTH), restarts(0), id="proactive without a word"),
    pytest.param(seen(new_pool(1), serving(0), revisions=BOTH), [], id="its machine comes first"),
    pytest.param(seen(new_pool(2), updated(0), revisions=BOTH), [], id="the number comes first"),
    pytest.param(seen(new_pool(1, paused=True), updated(0), revisions=BOTH), [], id="paused"),
])
def test_guests_are_restarted(o: Observed, expected: list[str]) -> None:
    assert said(course.update_guests(o)) == expected


def test_relabelling_needs_no_budget() -> None:
    o = seen(new_pool(2, made_from=ONLY_NAME, **ONE), updated(0), updated(1),
             revisions=(revision_of(OLD), revision_of(ONLY_NAME, 2)))
    assert sorted(said(course.update_guests(o))) == [f"patch VirtualMachineInstance herd-{i}" for i in range(2)]


# Revisions


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(new_pool(1), updated(0), revisions=BOTH), [], id="both are named"),
    pytest.param(seen(new_pool(1), updated(0, runs="herd-2"), revisions=BOTH), ["delete ControllerRevision herd-1"],
                 id="the old one is not"),
    pytest.param(seen(new_pool(1), serving(0), revisions=BOTH), [], id="the new one is about to be"),
    pytest.param(seen(new_pool(2), updated(0, runs="herd-2"), revisions=BOTH), [], id="the number comes first"),
    pytest.param(seen(new_pool(0, paused=True), revisions=BOTH), [], id="paused"),
])
def test_revisions_that_nobody_names_are_removed(o: Observed, expected: list[str]) -> None:
    assert said(course.prune(o)) == expected


def test_a_revision_that_cannot_be_read_is_none() -> None:
    broken = revision_of(OLD)
    broken.data = type(broken.data)(b'{"virtualMachineTemplate": 5}')
    o = seen(pool(1), machine(0), revisions=(broken,))
    assert said(course.update_machines(o)) == ["patch VirtualMachine herd-0"]
