"""What a pool tells its owner when something fails: the condition, the events, each once, and that it passes."""

from __future__ import annotations

from typing import Any

import pytest
from controller_crowds import Crowds, Life
from controller_pools import LABELS, template

from kubevirt.api.resources import VMS
from kubevirt.virt_controller.pool.controller import STEPS, PoolController
from kubevirt.virt_controller.pool.resource import POOLS


def world(replicas: int, **spec: Any) -> tuple[Crowds, Life]:
    api = Crowds()
    body = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "virtualMachineTemplate": template(), **spec}
    api.make(POOLS, {"metadata": {"name": "herd", "namespace": "shop"}, "spec": body})
    return api, Life(api, lambda stores, _client, performer, queue, api: PoolController(
        stores, performer, queue, clock=lambda: api.now))


def condition(api: Crowds) -> tuple[str, str] | None:
    found = api.find(POOLS, "herd").get("status", {}).get("conditions", [])
    return (found[0]["reason"], found[0]["message"]) if found else None


async def work_until_quiet(life: Life) -> None:
    for _ in range(20):
        life.hear_all()
        if not await life.work():
            return
    raise AssertionError("never quiet")


async def test_a_creation_that_fails_is_told_once_and_forgotten_when_it_works() -> None:
    api, life = world(1)
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
    api, life = world(1)
    await work_until_quiet(life)
    api.update(POOLS, "herd", lambda o: o["spec"].update(
        replicas=0, scaleInStrategy={"proactive": {"selectionPolicy": {"selectors": wrong}}}))
    await work_until_quiet(life)
    assert condition(api) == ("FailedScaleIn", "failed to filter VMs based on ordered policies: 'Near' is not a node "
                                               "selector operator")
    assert len(api.all(VMS)) == 1


async def test_pausing_and_going_on() -> None:
    api, life = world(0)
    for paused in (True, False):
        api.update(POOLS, "herd", lambda o, paused=paused: o["spec"].update(paused=paused))
        await work_until_quiet(life)
    told = [(reason, message) for _, reason, message in life.told.events]
    assert told == [("SuccessfulPaused", "Pool is paused"), ("SuccessfulResume", "Pool is unpaused")]


@pytest.mark.parametrize("words", [
    "error during scale out: ", "error during scale in: ", "error during opportunistic scale in: ",
    "error during VM update: ", "error during VMI update: ", "error while detecting outdated VMs: ",
    "error while pruning vmpool revisions: ",
])
def test_every_step_has_its_words(words: str) -> None:
    assert words in {step.words for step in STEPS}
