"""Run strategies: what each asks for in each state of the VMI, and what becomes of requests and back-off on the way.

What the status then says is in test_controller_vm_status, what a start creates in test_controller_vm_start.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from controller_objects import NOW, VMI_UID, seen, stamp, start, stop, vm, vmi

from kubevirt.api import codec
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.virt_controller.actions import Create, Patch, SyncProblem
from kubevirt.virt_controller.vm import backoff, requests
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.run_strategy import MOVES, VmiState
from kubevirt.virt_controller.vm.status import status_after

LIVE = ["", "Pending", "Scheduling", "Scheduled", "Running", "Unknown"]
FAILED_ONCE = {
    "startFailure": {"consecutiveFailCount": 1, "lastFailedVMIUID": "old", "retryAfterTimestamp": stamp(-12)}}
FAILED_LONG_AGO = {
    "startFailure": {"consecutiveFailCount": 1, "lastFailedVMIUID": "old", "retryAfterTimestamp": stamp(12)}}


def kinds(vm_: VirtualMachine, instance: Any = None) -> list[str]:
    """The decision in words: what is created, deleted and patched, or how long is waited."""
    decision = decide(seen(vm_, instance))
    words = [f"{type(a).__name__} {a.resource.kind}" for a in decision.actions]
    if decision.ask_for_start:
        words.append("ask for a start")
    if decision.again_s:
        words.append(f"wait {decision.again_s:.0f} s")
    if decision.problem:
        words.append(decision.problem.message)
    return words


STARTS = ["Create ControllerRevision", "Create VirtualMachineInstance"]
STOPS = ["Delete VirtualMachineInstance"]


def with_requests(*entries: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"stateChangeRequests": list(entries), **status}


@pytest.mark.parametrize(("strategy", "status", "expected"), [
    pytest.param("Always", {}, STARTS, id="Always starts"),
    pytest.param("Always", FAILED_ONCE, ["wait 12 s"], id="Always waits out the back-off"),
    pytest.param("Always", FAILED_LONG_AGO, STARTS, id="Always starts once the back-off is over"),
    pytest.param("RerunOnFailure", {}, STARTS, id="RerunOnFailure starts for the first time"),
    pytest.param("RerunOnFailure", {"runStrategy": "Manual"}, STARTS, id="RerunOnFailure starts when just switched to"),
    pytest.param("RerunOnFailure", {"runStrategy": "RerunOnFailure"}, [], id="RerunOnFailure stays stopped"),
    pytest.param("RerunOnFailure", with_requests(start(), runStrategy="RerunOnFailure"), STARTS,
                 id="RerunOnFailure starts on request"),
    pytest.param("RerunOnFailure", with_requests(start(), runStrategy="RerunOnFailure", **FAILED_ONCE), ["wait 12 s"],
                 id="RerunOnFailure waits out the back-off even on request"),
    pytest.param("Manual", {}, [], id="Manual waits to be asked"),
    pytest.param("Manual", with_requests(start()), STARTS, id="Manual starts on request"),
    pytest.param("Manual", with_requests(start(), **FAILED_ONCE), STARTS, id="Manual ignores back-off"),
    pytest.param("Manual", with_requests(stop("old"), start()), STARTS,
                 id="a restart goes on to its start once the stopped VMI is gone"),
    pytest.param("Halted", {}, [], id="Halted stays halted"),
    pytest.param("Halted", with_requests(start(paused="true")), ["Patch VirtualMachine"],
                 id="a paused start of a halted VM turns its spec on"),
    pytest.param("Once", {}, STARTS, id="Once starts"),
    pytest.param("Once", FAILED_ONCE, STARTS, id="Once ignores back-off"),
    pytest.param("WaitAsReceiver", {}, STARTS, id="WaitAsReceiver starts a receiver"),
])
def test_without_a_vmi(strategy: str, status: dict[str, Any], expected: list[str]) -> None:
    assert kinds(vm(strategy, status=status)) == expected


@pytest.mark.parametrize("phase", LIVE)
@pytest.mark.parametrize(("strategy", "asked", "expected"), [
    pytest.param("Always", [], [], id="Always leaves it alone"),
    pytest.param("Always", [stop()], STOPS, id="Always stops on request"),
    pytest.param("Always", [stop("another")], [], id="a request to stop another VMI is not for this one"),
    pytest.param("RerunOnFailure", [stop()], STOPS, id="RerunOnFailure stops on request"),
    pytest.param("RerunOnFailure", [], [], id="RerunOnFailure leaves it alone"),
    pytest.param("Manual", [], [], id="Manual leaves it alone"),
    pytest.param("Manual", [stop()], STOPS, id="Manual stops on request"),
    pytest.param("Manual", [stop(), start()], STOPS, id="a restart begins with the stop"),
    pytest.param("Halted", [], STOPS, id="Halted stops it"),
    pytest.param("Once", [], [], id="Once leaves it alone"),
    pytest.param("Once", [stop()], [], id="Once takes no requests"),
    pytest.param("WaitAsReceiver", [], ["Found non receiver VMI while VM is receiver"],
                 id="WaitAsReceiver does not know what to do with an ordinary VMI"),
])
def test_with_a_live_vmi(phase: str, strategy: str, asked: list[Any], expected: list[str]) -> None:
    assert kinds(vm(strategy, status=with_requests(*asked)), vmi(phase)) == expected


@pytest.mark.parametrize(("strategy", "phase", "status", "expected"), [
    pytest.param("Always", "Succeeded", {}, STOPS, id="Always: a guest that powers itself off is brought back"),
    pytest.param("Always", "Failed", {}, STOPS, id="Always: a failed guest is brought back"),
    pytest.param("RerunOnFailure", "Succeeded", {}, STOPS, id="RerunOnFailure: a clean power-off is respected"),
    pytest.param("RerunOnFailure", "Failed", {}, ["ask for a start"],
                 id="RerunOnFailure: a failure is remembered before its VMI goes"),
    pytest.param("RerunOnFailure", "Failed", with_requests(start()), STOPS,
                 id="RerunOnFailure: once remembered, the failed VMI goes"),
    pytest.param("RerunOnFailure", "Failed", with_requests(stop(), start()), STOPS,
                 id="RerunOnFailure: a restart was asked for just before it failed"),
    pytest.param("RerunOnFailure", "Failed", with_requests(stop()), ["ask for a start"],
                 id="RerunOnFailure: a stop was asked for just before it failed"),
    pytest.param("Manual", "Succeeded", {}, [], id="Manual: an ended VMI stays to be looked at"),
    pytest.param("Manual", "Failed", {}, [], id="Manual: a failed VMI stays to be looked at"),
    pytest.param("Manual", "Failed", with_requests(stop()), STOPS, id="Manual: an ended VMI goes on request"),
    pytest.param("Halted", "Succeeded", {}, STOPS, id="Halted: an ended VMI goes"),
    pytest.param("Halted", "Failed", {}, STOPS, id="Halted: a failed VMI goes"),
    pytest.param("Once", "Succeeded", {}, [], id="Once: ended for good"),
    pytest.param("Once", "Failed", {}, [], id="Once: failed for good"),
    pytest.param("Always", "WaitingForSync", {}, [], id="Always: a waiting receiver is left alone"),
    pytest.param("Halted", "WaitingForSync", {}, STOPS, id="Halted: a waiting receiver is stopped"),
    pytest.param("WaitAsReceiver", "WaitingForSync", {}, [], id="WaitAsReceiver: a waiting receiver is right"),
])
def test_with_an_ended_or_waiting_vmi(strategy: str, phase: str, status: dict[str, Any], expected: list[str]) -> None:
    assert kinds(vm(strategy, status=status), vmi(phase)) == expected


@pytest.mark.parametrize("strategy", list(RunStrategy))
@pytest.mark.parametrize("phase", [*LIVE, "Succeeded", "Failed", "WaitingForSync"])
def test_nothing_is_done_while_the_vmi_is_being_deleted(strategy: str, phase: str) -> None:
    asked = with_requests(stop(), start())
    assert kinds(vm(strategy, status=asked), vmi(phase, deleting=True)) == []


def test_every_strategy_has_a_row_for_every_state() -> None:
    assert {s: set(row) for s, row in MOVES.items()} == {s: set(VmiState) for s in RunStrategy}


@pytest.mark.parametrize(("spec", "message"), [
    pytest.param({"runStrategy": "Always", "running": True}, "running and runstrategy are mutually exclusive",
                 id="both fields at once"),
    pytest.param({"runStrategy": "Sometimes"}, "unknown runstrategy: Sometimes", id="a strategy nobody knows"),
])
def test_a_spec_that_contradicts_itself_is_told_and_not_acted_upon(spec: dict[str, Any], message: str) -> None:
    decision = decide(seen(vm(None, spec=spec), vmi("Running")))
    assert decision.actions == ()
    assert decision.problem is not None
    assert message in decision.problem.message


@pytest.mark.parametrize(("running", "expected"), [
    pytest.param(True, STARTS, id="running: true is Always"),
    pytest.param(False, [], id="running: false is Halted"),
    pytest.param(None, [], id="neither field is Halted"),
])
def test_the_old_field_running(running: bool | None, expected: list[str]) -> None:
    assert kinds(vm(None, running=running)) == expected


@pytest.mark.parametrize(("running", "strategy", "expected"), [
    pytest.param(None, "Halted", (None, "Always"), id="runStrategy is set to Always"),
    pytest.param(False, None, (True, None), id="running is set to true"),
])
def test_turning_a_halted_vm_on_keeps_the_field_it_was_halted_by(
        running: bool | None, strategy: str | None, expected: tuple[Any, Any]) -> None:
    (action,) = decide(seen(vm(strategy, running=running, status=with_requests(start(paused="true"))))).actions
    assert isinstance(action, Patch)
    assert (action.new.spec.running, action.new.spec.run_strategy) == expected


@pytest.mark.parametrize(("asked", "instance", "left"), [
    pytest.param([stop()], None, [], id="a stop is served when no VMI is left"),
    pytest.param([stop()], vmi("Running"), ["Stop"], id="a stop is pending while its VMI is there"),
    pytest.param([stop()], vmi("Running", uid="new"), [], id="a stop is served when another VMI took the place"),
    pytest.param([{"action": "Stop"}], vmi("Running"), [], id="a stop of nobody in particular is dropped"),
    pytest.param([start()], vmi("Pending"), [], id="a start is served by a VMI that lives"),
    pytest.param([start()], vmi("Running", deleting=True), ["Start"], id="a VMI on its way out does not serve a start"),
    pytest.param([start()], vmi("Failed"), ["Start"], id="an ended VMI does not serve a start"),
    pytest.param([start()], None, ["Start"], id="a start is pending without a VMI"),
    pytest.param([stop(), start()], vmi("Running"), ["Stop", "Start"], id="only the first one counts"),
    pytest.param([stop("old"), start()], vmi("Running"), [], id="a finished restart leaves nothing"),
])
def test_requests_are_dropped_once_served(asked: list[Any], instance: Any, left: list[str]) -> None:
    stored = vm("Manual", status=with_requests(*asked))
    assert [r.action for r in requests.pending(stored.status.state_change_requests, instance)] == left
    assert [r.action for r in status_after(seen(stored, instance), None).state_change_requests] == left


def test_a_start_that_was_asked_paused_makes_a_paused_vmi() -> None:
    *_, create = decide(seen(vm("Always", status=with_requests(start(paused="true"))))).actions
    assert isinstance(create, Create)
    assert create.body.spec.start_strategy == "Paused"


@pytest.mark.parametrize(("asked", "left"), [
    pytest.param([], ["Start"], id="nobody has asked for anything"),
    pytest.param([stop()], ["Stop", "Start"], id="after what was asked for before"),
    pytest.param([stop(), start()], ["Stop", "Start"], id="one is enough"),
])
def test_a_failed_vmi_under_rerun_on_failure_leaves_one_request_to_start(asked: list[Any], left: list[str]) -> None:
    asked_so_far = with_requests(*asked, runStrategy="RerunOnFailure")
    o = seen(vm("RerunOnFailure", status=asked_so_far), vmi("Failed", ran=True))
    status = status_after(o, None, ask_for_start=decide(o).ask_for_start)
    assert [r.action for r in status.state_change_requests] == left
    again = seen(vm("RerunOnFailure", status=codec.to_builtins(status)), vmi("Failed", ran=True))
    assert kinds(again.vm, again.named) == STOPS  # and so it goes, whatever was asked for


SWITCHED = vm("RerunOnFailure", status={"runStrategy": "Manual"})


@pytest.mark.parametrize(("stored", "instance", "told"), [
    pytest.param(SWITCHED, None, "Manual", id="the start that the switch means has not come about yet"),
    pytest.param(SWITCHED, vmi("Pending"), "RerunOnFailure", id="it has"),
    pytest.param(vm("RerunOnFailure", status={"runStrategy": "RerunOnFailure"}), None, "RerunOnFailure",
                 id="nothing was switched"),
    pytest.param(vm("Halted", status={"runStrategy": "Manual"}), None, "Halted", id="others mean no start"),
])
def test_a_switch_is_remembered_until_its_start_has_come_about(stored: VirtualMachine, instance: Any, told: str
                                                               ) -> None:
    after = status_after(seen(stored, instance), SyncProblem(reason="FailedCreate", message="exceeded quota"))
    assert after.run_strategy == told
    later = vm("RerunOnFailure", status=codec.to_builtins(after))
    if stored is SWITCHED and instance is None:
        assert kinds(later) == STARTS


@pytest.mark.parametrize(("count", "shortest", "longest"), [
    (1, 10, 15), (2, 40, 60), (3, 90, 135), (4, 160, 240), (5, 250, 300), (6, 300, 300), (60, 300, 300)])
def test_back_off_grows_with_the_square_of_the_failures(count: int, shortest: int, longest: int) -> None:
    assert (backoff.delay_s(count, 0.0), backoff.delay_s(count, 1.0)) == (shortest, longest)


@pytest.mark.parametrize(("strategy", "instance", "count"), [
    pytest.param("Always", vmi("Failed", ran=False), 3, id="an end without ever running counts"),
    pytest.param("Always", vmi("Succeeded", ran=False), 3, id="so does a success that never ran"),
    pytest.param("Once", vmi("Failed", ran=False), 3, id="and under Once"),
    pytest.param("Always", vmi("Failed", ran=False, uid="old"), 2, id="the same VMI counts only once"),
    pytest.param("Always", vmi("Failed", ran=True), None, id="having run clears the record"),
    pytest.param("Always", vmi("Running"), None, id="running clears the record"),
    pytest.param("Always", vmi("Scheduling"), 2, id="a VMI on its way keeps the record"),
    pytest.param("Always", None, 2, id="no VMI keeps the record"),
    pytest.param("Manual", vmi("Failed", ran=False), None, id="Manual keeps no record"),
    pytest.param("Halted", None, None, id="halting clears the record"),
])
def test_failed_starts_are_counted(strategy: str, instance: Any, count: int | None) -> None:
    failed_twice = {"consecutiveFailCount": 2, "lastFailedVMIUID": "old", "retryAfterTimestamp": stamp(0)}
    stored = vm(strategy, status={"startFailure": failed_twice})
    failure = status_after(seen(stored, instance), None).start_failure
    assert (failure.consecutive_fail_count if failure else None) == count
    if count == 3:
        assert failure is not None
        assert failure.last_failed_vmi_uid == VMI_UID
        assert failure.retry_after_timestamp == NOW + timedelta(seconds=90)
