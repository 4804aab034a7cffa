"""Replica sets: whose instances are whose, how many come and go, and what the status tells."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import NOW, condition, owner, stamp, vmi

from kubevirt.api import codec
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.virt_controller.actions import Create, Delete, Patch, SyncProblem
from kubevirt.virt_controller.replicaset.decide import BURST, claim, clean_up, scale
from kubevirt.virt_controller.replicaset.observed import Observed
from kubevirt.virt_controller.replicaset.status import pause_event, status_after

UID = "rs-uid"
LABELS = {"app": "crowd"}
MARKS = {"kubevirt.io/latest-observed-api-version": "v1", "kubevirt.io/storage-observed-api-version": "v1"}
OWNER = owner("VirtualMachineInstanceReplicaSet", "crowd", UID)
READY = [condition("Ready", "True")]
LEAVING = [condition("Ready", "False", "PodTerminating")]


def rs(replicas: int | None = 2, *, selector: dict[str, Any] | None = None, paused: bool = False,
       deleting: bool = False, status: dict[str, Any] | None = None, template: dict[str, Any] | None = None,
       marks: dict[str, str] | None = None) -> VirtualMachineInstanceReplicaSet:
    meta: dict[str, Any] = {"name": "crowd", "namespace": "shop", "uid": UID, "resourceVersion": "3",
                            "annotations": MARKS if marks is None else marks}
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    spec: dict[str, Any] = {
        "selector": selector if selector is not None else {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS, **(template or {})}, "spec": {"domain": {"devices": {}}}},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    if paused:
        spec["paused"] = True
    return codec.convert({"metadata": meta, "spec": spec, "status": status or {}}, VirtualMachineInstanceReplicaSet)


def one(name: str, phase: str = "Running", *, labels: dict[str, str] | None = None, owned: Any = OWNER, **rest: Any
        ) -> Any:
    instance = vmi(phase, name=name, uid=f"uid-{name}", owned=owned, **rest)
    instance.metadata.labels = LABELS if labels is None else labels
    return instance


def seen(the_set: VirtualMachineInstanceReplicaSet, *owned: Any, free: tuple[Any, ...] = ()) -> Observed:
    return Observed(rs=the_set, owned=owned, free=free, now=NOW, seed=1)


def said(actions: Any) -> list[str]:
    """Actions in short."""
    return [short(a) for a in actions]


def short(action: Any) -> str:
    match action:
        case Delete():
            return f"delete {action.target.metadata.name}"
        case Patch():
            return f"patch {action.old.metadata.name}"
        case _:
            return "create"


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(rs()), ["create", "create"], id="none yet"),
    pytest.param(seen(rs(None)), ["create"], id="one is wanted where nothing is said"),
    pytest.param(seen(rs(), one("a"), one("b")), [], id="as many as wanted"),
    pytest.param(seen(rs(0), one("a")), ["delete a"], id="none is wanted"),
    pytest.param(seen(rs(), one("a"), one("b", "Failed")), ["create"], id="an ended one does not count"),
    pytest.param(seen(rs(), one("a"), one("b", deleting=True)), ["create"], id="one that goes does not count"),
    pytest.param(seen(rs(), one("a"), one("b", conditions=LEAVING)), ["create"], id="nor one whose pod goes"),
    pytest.param(seen(rs(), one("a"), one("b", labels={})), ["create"], id="nor one that no longer fits"),
    pytest.param(seen(rs(1), one("a", conditions=READY), one("b")), ["delete b"], id="who serves stays"),
    pytest.param(seen(rs(1), one("a", age_s=9), one("b", age_s=90)), ["delete a"], id="the youngest goes"),
    pytest.param(seen(rs(1000)), ["create"] * BURST, id="not all at once"),
    pytest.param(seen(rs(0), *(one(f"x{i}") for i in range(300))), [f"delete x{i}" for i in range(BURST)],
                 id="nor away all at once"),
    pytest.param(seen(rs(paused=True)), [], id="paused"),
    pytest.param(seen(rs(deleting=True)), [], id="on its way out"),
    pytest.param(seen(rs(selector={"matchLabels": {"app": "other"}})), [], id="its own instances would not fit"),
    pytest.param(seen(rs(template={"labels": {}})), [], id="a template without labels"),
    pytest.param(seen(rs(selector={"matchExpressions": [{"key": "app", "operator": "Like"}]})), [],
                 id="a selector that nobody can read"),
])
def test_the_number_of_instances(o: Observed, expected: list[str]) -> None:
    assert said(scale(o)) == expected


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(rs(marks={})), ["patch crowd"], id="the set is marked first"),
    pytest.param(seen(rs(), one("a")), [], id="all is well"),
    pytest.param(seen(rs(), one("a", labels={"app": "x"})), ["patch a"], id="one that no longer fits is let go"),
    pytest.param(seen(rs(), free=(one("a", owned=False),)), ["patch a"], id="a fitting one is taken"),
    pytest.param(seen(rs(), free=(one("a", owned=False, labels={}),)), [], id="another is not"),
    pytest.param(seen(rs(), free=(one("a", owned=False, deleting=True),)), [], id="nor one that goes"),
    pytest.param(seen(rs(deleting=True), free=(one("a", owned=False),)), [], id="a set that goes takes nothing"),
])
def test_whose_instances_are_whose(o: Observed, expected: list[str]) -> None:
    assert said(claim(o)) == expected


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(rs(), one("a"), one("b", "Succeeded"), one("c", "Failed")), ["delete b", "delete c"], id="ended"),
    pytest.param(seen(rs(), one("a", conditions=LEAVING)), ["delete a"], id="its pod goes away"),
    pytest.param(seen(rs(), one("a", "Failed", deleting=True)), [], id="is being deleted"),
    pytest.param(seen(rs(paused=True), one("a", "Failed")), [], id="paused"),
])
def test_what_has_ended_is_removed(o: Observed, expected: list[str]) -> None:
    assert said(clean_up(o)) == expected


@pytest.mark.parametrize(("template", "begins"), [
    pytest.param({}, "crowd", id="the set's name"),
    pytest.param({"generateName": "web-"}, "web-", id="the template's prefix"),
    pytest.param({"name": "fixed", "generateName": "web-"}, "fixed", id="the template's name"),
])
def test_names(template: dict[str, Any], begins: str) -> None:
    made = [a for a in scale(seen(rs(3, template=template))) if isinstance(a, Create)]
    found = {a.body.metadata.name for a in made}
    assert len(found) == 3
    assert all(n.startswith(begins) and len(n) == len(begins) + 5 for n in found)
    assert made[0].body.metadata.owner_references[0].uid == UID
    assert made[0].body.metadata.labels == LABELS
    assert made[0].done is not None
    assert made[0].done.message.endswith(made[0].body.metadata.name)


def test_the_status_counts() -> None:
    status = status_after(seen(rs(), one("a", conditions=READY), one("b"), one("c", "Failed")), None)
    assert (status.replicas, status.ready_replicas, status.label_selector) == (2, 1, "app=crowd")
    assert status.conditions == []


FAILED = SyncProblem(reason="FailedCreate", message="quota exceeded")
HAS_FAILED = {"conditions": [condition("ReplicaFailure", "True", "FailedCreate", "the first")]}
IS_PAUSED = {"conditions": [condition("ReplicaPaused", "True", "Paused", "Controller got paused")]}


@pytest.mark.parametrize(("o", "problem", "expected"), [
    pytest.param(seen(rs()), FAILED, ("ReplicaFailure", "FailedCreate", "quota exceeded"), id="too few"),
    pytest.param(seen(rs(0), one("a")), FAILED, ("ReplicaFailure", "FailedDelete", "quota exceeded"), id="too many"),
    pytest.param(seen(rs(status=HAS_FAILED)), FAILED, ("ReplicaFailure", "FailedCreate", "the first"), id="still"),
    pytest.param(seen(rs(status=HAS_FAILED)), None, None, id="it works again"),
    pytest.param(seen(rs(paused=True)), None, ("ReplicaPaused", "Paused", "Controller got paused"), id="paused"),
    pytest.param(seen(rs(status=IS_PAUSED)), None, None, id="goes on"),
])
def test_conditions(o: Observed, problem: SyncProblem | None, expected: tuple[str, str, str] | None) -> None:
    found = [(c.type, c.reason, c.message) for c in status_after(o, problem).conditions]
    assert found == ([expected] if expected is not None else [])


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(rs()), None, id="nothing"),
    pytest.param(seen(rs(paused=True)), ("SuccessfulPaused", "Paused"), id="paused"),
    pytest.param(seen(rs(paused=True, status=IS_PAUSED)), None, id="paused before"),
    pytest.param(seen(rs(status=IS_PAUSED)), ("SuccessfulResumed", "Resumed"), id="goes on"),
])
def test_pausing_is_told(o: Observed, expected: tuple[str, str] | None) -> None:
    event = pause_event(o, status_after(o, None))
    assert (None if event is None else (event.reason, event.message)) == expected


# What it says


NO = "quota exceeded"
ENDED = one("b", "Failed")


@pytest.mark.parametrize(("decided", "done", "failed"), [
    pytest.param(scale(seen(rs(1))), ("SuccessfulCreate", "Started the virtual machine by creating the new virtual "
                                                          "machine instance {name}"),
                 ("FailedCreate", f"Error creating virtual machine instance: {NO}"), id="one more"),
    pytest.param(scale(seen(rs(0), one("a"))), ("SuccessfulDelete", "Stopped the virtual machine by deleting the "
                                                                    "virtual machine instance uid-a"),
                 ("FailedDelete", f"Error deleting virtual machine instance a: {NO}"), id="one less"),
    pytest.param(clean_up(seen(rs(1), one("a"), ENDED)), ("SuccessfulDelete",
                                                          "Deleted finished virtual machine: uid-b"),
                 ("FailedDelete", f"Error deleting finished virtual machine b: {NO}"), id="an ended one"),
])
def test_events(decided: Any, done: tuple[str, str], failed: tuple[str, str]) -> None:
    (action,) = decided
    name = action.body.metadata.name if isinstance(action, Create) else ""
    assert (action.done.type, action.done.reason, action.done.message) == ("Normal", done[0],
                                                                           done[1].format(name=name))
    told = action.failed.told(NO)
    assert (told.type, told.reason, told.message) == ("Warning", *failed)
    assert action.failed.problem(NO).message == NO
