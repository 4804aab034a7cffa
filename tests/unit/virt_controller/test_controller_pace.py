"""Turns when many machines are to start at once: who starts when, and that nobody waits for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from controller_objects import NOW, RUNS, condition, pod, vmi, waits

from kubevirt.virt_controller.vmi.decide import IN_TURN, in_turn, is_starting
from kubevirt.virt_controller.vmi.observed import Decision, Observed
from kubevirt.virt_controller.vmi.pace import ASK_AGAIN_S, TURN_S, Pace


def crowd(width: int, *keys: str) -> tuple[Pace, list[str], dict[str, float | None]]:
    """A pace that these keys have asked in this order."""
    woken: list[str] = []
    pace = Pace(wake=woken.append)
    return pace, woken, {key: pace.wait_s(key, width=width, now=NOW) for key in keys}


def test_as_many_start_at_once_as_there_are_processors() -> None:
    _, _, waits_s = crowd(2, "a", "b", "c", "d", "e")
    assert waits_s == {"a": None, "b": None, "c": TURN_S, "d": TURN_S, "e": ASK_AGAIN_S}


def test_a_cluster_of_one_processor_starts_two() -> None:
    assert list(crowd(0, "a", "b", "c")[2].values()) == [None, None, TURN_S]


def test_a_turn_is_kept_until_it_is_over() -> None:
    pace, _, _ = crowd(2, "a", "b")
    assert pace.wait_s("a", width=2, now=NOW) is None


def test_first_come_first_served() -> None:
    pace, woken, _ = crowd(2, "a", "b", "c", "d")
    pace.over("a")
    assert woken[-1] == "c"
    assert pace.wait_s("d", width=2, now=NOW) == TURN_S
    assert pace.wait_s("c", width=2, now=NOW) is None
    assert woken[-1] == "d"


def test_who_leaves_the_line_holds_up_nobody() -> None:
    pace, woken, _ = crowd(2, "a", "b", "c", "d")
    pace.over("c")
    assert woken[-1] == "d"
    pace.over("b")
    assert pace.wait_s("d", width=2, now=NOW) is None


def test_a_long_turn_ends_by_itself() -> None:
    pace, _, _ = crowd(2, "a", "b", "c")
    assert pace.wait_s("c", width=2, now=NOW + timedelta(seconds=TURN_S)) is None


@pytest.mark.parametrize(("instance", "its_pod", "expected"), [
    pytest.param(vmi("Pending"), pod(), True, id="its pod is being made"),
    pytest.param(vmi("Scheduled"), pod(phase="Running", compute=RUNS), True, id="its guest is being started"),
    pytest.param(vmi("Running"), pod(phase="Running", compute=RUNS), False, id="it is up"),
    pytest.param(vmi("Failed"), pod(), False, id="it has failed"),
    pytest.param(vmi("Pending", deleting=True), pod(), False, id="it is to go"),
    pytest.param(vmi("Pending"), pod(compute=waits("ErrImagePull")), False, id="it waits for an image"),
    pytest.param(vmi("Pending"), pod(conditions=[condition("PodScheduled", "False")]), False, id="no node takes it"),
])
def test_a_start_keeps_a_processor_busy(instance: Any, its_pod: Any, expected: bool) -> None:
    assert is_starting(Observed(vmi=instance, pods=(its_pod,), now=NOW)) is expected


@pytest.mark.parametrize(("age_s", "turn_in_s", "expected"), [
    pytest.param(1, None, "create", id="its turn"),
    pytest.param(1, 4.0, "", id="a short wait is not worth a word"),
    pytest.param(60, 4.0, IN_TURN, id="a long one is"),
])
def test_waiting_for_a_turn(age_s: float, turn_in_s: float | None, expected: str) -> None:
    o = Observed(vmi=vmi("Pending", age_s=age_s), now=NOW)
    decision = in_turn(o, Decision(create_pod=True), turn_in_s)
    told = decision.problem.reason if decision.problem is not None else ""
    assert ("create" if decision.create_pod else told) == expected
