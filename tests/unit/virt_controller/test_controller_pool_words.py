"""What a pool tells its owner when something fails: the condition, the events, each once, and that it passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import pytest
from controller_api import refused
from controller_crowds import Crowds
from controller_pools import LABELS, template
from controller_world import Life

from kubevirt.api.resources import PVCS, VMIS, VMS
from kubevirt.kube.errors import ServerTrouble
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES
from kubevirt.virt_controller.pool.controller import STEPS, PoolController
from kubevirt.virt_controller.pool.resource import POOLS

Served = TypeVar("Served", bound=Crowds)


def world(replicas: int, api: Served, **spec: Any) -> tuple[Served, Life]:
    body = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "virtualMachineTemplate": template(), **spec}
    api.make(POOLS, {"metadata": {"name": "herd", "namespace": "shop"}, "spec": body})
    return api, Life(api, [lambda p: PoolController(p.stores, p.performer, p.queue, clock=lambda: p.api.now)])


def condition(api: Crowds) -> tuple[str, str] | None:
    found = api.find(POOLS, "herd").get("status", {}).get("conditions", [])
    return (found[0]["reason"], found[0]["message"]) if found else None


async def work_until_quiet(life: Life) -> None:
    for _ in range(20):
        life.hear_all()
        if not await life.work() and not life.queues[0].keys:
            return
        life.api.now += timedelta(seconds=1)
    raise AssertionError("never quiet")


async def test_a_creation_that_fails_is_told_once_and_forgotten_when_it_works() -> None:
    api, life = world(1, Crowds())
    for _ in range(3):  # the finalizer, the revision; then the machine, again and again
        api.trouble, api.calls_until_trouble = "before", 1 if "create controllerrevisions" in api.writes else 3
        await life.work()
    reason, message = condition(api) or ("", "")
    assert (reason, message) == ("FailedScaleOut", "error during scale out: down")
    assert life.told.events.count(("Warning", "FailedCreate", "Error creating VM: down")) == 1
    assert life.told.events.count(("Warning", "FailedScaleOut", "error during scale out: down")) == 1
    api.calls_until_trouble = 0
    await work_until_quiet(life)
    assert condition(api) is None
    assert ("Normal", "SuccessfulCreate", "Created VM shop/herd-0") in life.told.events
    assert [v["metadata"]["name"] for v in api.all(VMS)] == ["herd-0"]


async def test_a_selector_that_cannot_be_read_is_told_and_not_tried_again() -> None:
    wrong = {"nodeSelectorRequirementMatcher": [{"key": "a", "operator": "Near"}]}
    api, life = world(1, Crowds())
    await work_until_quiet(life)
    api.update(POOLS, "herd", lambda o: o["spec"].update(
        replicas=0, scaleInStrategy={"proactive": {"selectionPolicy": {"selectors": wrong}}}))
    await work_until_quiet(life)
    assert condition(api) == ("FailedScaleIn", "failed to filter VMs based on ordered policies: 'Near' is not a node "
                                               "selector operator")
    assert len(api.all(VMS)) == 1


async def test_pausing_and_going_on() -> None:
    api, life = world(0, Crowds())
    for paused in (True, False):
        change(api, paused=paused)
        await work_until_quiet(life)
    told = [(reason, message) for _, reason, message in life.told.events]
    assert told == [("SuccessfulPaused", "Pool is paused"), ("SuccessfulResume", "Pool is unpaused")]


# What each step says when the API server refuses it


NO = "the server says no"


class Refusing(Crowds):
    """An API server that refuses calls that begin so."""

    refused_call = "none yet"

    def _answer(self, what: str, call: Any, res: Any) -> Any:
        if what.strip() == self.refused_call:
            raise refused(ServerTrouble, 500, NO)
        return super()._answer(what, call, res)


async def a_pool(**spec: Any) -> tuple[Refusing, Life]:
    """A pool `herd` that has its one machine, with a guest that was made from it."""
    api, life = world(1, Refusing(), **spec)
    await work_until_quiet(life)
    (vm,) = api.all(VMS)
    by = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": "herd-0", "uid": vm["metadata"]["uid"],
          "controller": True}
    api.make(VMIS, {"metadata": {"name": "herd-0", "namespace": "shop", "ownerReferences": [by], "finalizers": ["x"],
                                 "labels": vm["spec"]["template"]["metadata"]["labels"]},
                    "spec": vm["spec"]["template"]["spec"]})
    for disk in (PVCS, DATA_VOLUMES):
        api.make(disk, {"metadata": {"name": "data", "namespace": "shop", "ownerReferences": [by]}})
    await work_until_quiet(life)
    life.told.events.clear()
    return api, life


def change(api: Crowds, **spec: Any) -> None:
    api.update(POOLS, "herd", lambda o: o["spec"].update(spec))


def template_changes(api: Crowds) -> None:
    change(api, virtualMachineTemplate=template(memory="128Mi"))


def template_changes_and_guest_goes(api: Crowds) -> None:
    template_changes(api)
    api.vanish(VMIS, "herd-0")


def machine_goes(api: Crowds) -> None:
    api.remove(VMS, "herd-0")


def machine_is_sick(api: Crowds) -> None:
    api.update(VMS, "herd-0", lambda o: o.update(status={"startFailure": {"consecutiveFailCount": 9}}))


KEEPS = {"scaleInStrategy": {"proactive": {"statePreservation": "Offline"}},
         "virtualMachineTemplate": template(volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])}
STEPS_THAT_FAIL = [
    ({}, lambda api: change(api, replicas=2), "create virtualmachines", "FailedScaleOut", "error during scale out: ",
     ("FailedCreate", "Error creating VM: "), "a machine is made"),
    ({}, lambda api: change(api, replicas=0), "delete virtualmachines", "FailedScaleIn", "error during scale in: ",
     ("FailedDelete", "Error deleting virtual machine shop/herd-0: "), "a machine is deleted"),
    ({"autohealing": {}}, machine_is_sick, "delete virtualmachines", "FailedScaleIn", "error during scale in: ",
     ("FailedDelete", "Error deleting virtual machine shop/herd-0: "), "a machine is healed"),
    ({}, machine_goes, "patch virtualmachines", "FailedScaleIn", "error during opportunistic scale in: ",
     ("FailedUpdate", "Error removing finalizer for VM shop/herd-0: "), "a deleted machine is let go"),
    (KEEPS, machine_goes, "patch persistentvolumeclaims", "FailedScaleIn", "error during opportunistic scale in: ",
     ("FailedUpdate", "Error removing PVC owner references for VM shop/herd-0: "), "its claim stays"),
    (KEEPS, machine_goes, "patch datavolumes", "FailedScaleIn", "error during opportunistic scale in: ",
     ("FailedUpdate", "Error removing DataVolume owner references for VM shop/herd-0: "), "its DataVolume stays"),
    ({}, template_changes, "create controllerrevisions", "FailedUpdate", "error while detecting outdated VMs: ", None,
     "the new template is recorded"),
    ({}, template_changes, "patch virtualmachines", "FailedUpdate", "error during VM update: ",
     ("FailedUpdate", "Error updating virtual machine herd-0/shop: "), "a machine gets the new template"),
    ({}, template_changes, "delete virtualmachineinstances", "FailedUpdate", "error during VMI update: ",
     ("FailedUpdate", "Error updating resource shop/herd-0: "), "its guest is restarted for it"),
    ({"updateStrategy": {"opportunistic": {}}}, template_changes_and_guest_goes,
     "delete controllerrevisions", "FailedRevisionPruning", "error while pruning vmpool revisions: ", None,
     "the old template is forgotten"),
]


@pytest.mark.parametrize(("spec", "happens", "call", "reason", "words", "event"),
                         [pytest.param(*row[:-1], id=row[-1]) for row in STEPS_THAT_FAIL])
async def test_a_step_that_fails(spec: dict[str, Any], happens: Any, call: str, reason: str, words: str,
                                 event: tuple[str, str] | None) -> None:
    api, life = await a_pool(**spec)
    api.refused_call = call
    happens(api)
    for _ in range(3):
        life.hear_all()
        life.queues[0].add("shop/herd")
        await life.work()
    assert condition(api) == (reason, words + NO)
    told = [("Warning", reason, words + NO)]
    if event is not None:
        told.append(("Warning", event[0], event[1] + NO))
    assert sorted(e for e in life.told.events if e[0] == "Warning") == sorted(told)
    api.refused_call = ""
    await work_until_quiet(life)
    assert condition(api) is None


def test_every_step_can_fail() -> None:
    assert {(step.reason, step.words) for step in STEPS} == {row[3:5] for row in STEPS_THAT_FAIL}


@pytest.mark.parametrize(("happens", "told"), [
    pytest.param(lambda api: change(api, replicas=2), [("SuccessfulCreate", "Created VM shop/herd-1")], id="more"),
    pytest.param(lambda api: change(api, replicas=0), [
        ("SuccessfulDelete", "Deleted VM shop/herd-0 with uid {uid} from pool")], id="fewer"),
    pytest.param(template_changes, [("SuccessfulUpdate", "Updated VM shop/herd-0"),
                                    ("SuccessfulDelete", "Successfully updated resource shop/herd-0")],
                 id="another template"),
])
async def test_what_works_is_told(happens: Any, told: list[tuple[str, str]]) -> None:
    api, life = await a_pool()
    uid = api.find(VMS, "herd-0")["metadata"]["uid"]
    happens(api)
    await work_until_quiet(life)
    assert life.told.events == [("Normal", reason, message.format(uid=uid)) for reason, message in told]
