"""What virt-handler does about an instance, as a table of what is observed and what follows from it.

That the actions have their effect is tested end to end; what the status says is tested with `machine.status`.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain_report import DomainReport, GraceReport
from kubevirt.virt_handler.instances.decide import Action, Decision, Observed, decide
from kubevirt.virt_handler.instances.launchers import LinkState
from kubevirt.virt_handler.instances.standstill import Standstill

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def vmi(phase: str, *, deleting: bool = False, grace: int | None = None) -> VirtualMachineInstance:
    found = codec.convert({"metadata": {"name": "a", "namespace": "n", "uid": "u"}, "status": {"phase": phase}},
                          VirtualMachineInstance)  # fmt: skip
    found.metadata.deletion_timestamp = NOW if deleting else None
    found.spec.termination_grace_period_seconds = grace
    return found


def report(state: str = "", reason: str = "", *, failure: str = "", signalled_s_ago: float | None = None,
           told: bool = False, grace: int = 30) -> DomainReport:  # fmt: skip
    signalled = None if signalled_s_ago is None else NOW - timedelta(seconds=signalled_s_ago)
    return DomainReport(
        namespace="n", name="a", uid="u", state=state, reason=reason, failure=failure,
        grace=GraceReport(
            deletion_grace_period_s=grace, deletion_timestamp=signalled, marked_for_graceful_shutdown=told
        ),
    )  # fmt: skip


OPEN = Observed(vmi=None, link=LinkState.OPEN, now=NOW)
SEARCHING = Observed(vmi=None, link=LinkState.SEARCHING, now=NOW)
LOST = Observed(vmi=None, link=LinkState.LOST, now=NOW)


@pytest.mark.parametrize(("observed", "actions"), [
    pytest.param(replace(OPEN, link=None, vmi=vmi("Scheduled")), [], id="nothing without a launcher"),
    pytest.param(replace(OPEN, vmi=vmi("Scheduled")), [], id="nothing before the first report"),
    pytest.param(replace(OPEN, vmi=vmi("Scheduled"), report=report()), [Action.START], id="no domain yet: start it"),
    pytest.param(replace(OPEN, vmi=vmi("Scheduled"), report=report("Shutoff", "Unknown")), [],
                 id="defined and about to start: wait"),
    pytest.param(replace(OPEN, vmi=vmi("Scheduled"), report=report(failure="no such disk")), [],
                 id="what could not start is not tried again"),
    pytest.param(replace(OPEN, vmi=vmi("Scheduled", deleting=True), report=report()), [Action.DELETE],
                 id="deleted before its start: never start"),
    pytest.param(replace(OPEN, vmi=vmi("Failed"), report=report()), [Action.DELETE], id="failed before its start"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Running")), [], id="a running guest is left alone"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Running"), spec_changed=True), [Action.UPDATE],
                 id="a changed spec reaches the launcher"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Running")), [Action.SHUTDOWN],
                 id="deleted: press the power button"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Running", signalled_s_ago=6),
                         asked_to_end_s_ago=6), [Action.SHUTDOWN], id="still there after a while: press again"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Running", signalled_s_ago=1),
                         asked_to_end_s_ago=1), [], id="just pressed: give it time"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Running", signalled_s_ago=30)),
                 [Action.KILL], id="the grace period is over, counted from the first signal"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True, grace=60),
                         report=report("Running", signalled_s_ago=31)), [Action.SHUTDOWN],
                 id="the instance's grace period counts"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True, grace=0), report=report("Running")), [Action.KILL],
                 id="no grace period: pull the plug"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Paused", "User")), [Action.SHUTDOWN],
                 id="a paused guest is asked too"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Running", told=True)), [Action.SHUTDOWN],
                 id="the pod was told to end: so is its guest"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Unknown")), [],
                 id="nothing is known of the domain: nothing is done"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Paused", "IOError"), try_resuming_in_s=-1.0),
                 [Action.UPDATE], id="stopped by an I/O error: try again"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Paused", "IOError"), try_resuming_in_s=5.0), [],
                 id="but not at once"),
    pytest.param(replace(OPEN, vmi=vmi("Running", deleting=True, grace=0), report=report("Paused", "IOError"),
                         try_resuming_in_s=-1.0), [Action.KILL], id="deleted meanwhile: not tried again"),
    pytest.param(replace(OPEN, vmi=vmi("Failed"), report=report("Paused", "PostcopyFailed")), [Action.KILL],
                 id="half a guest is destroyed once the instance has failed"),
    pytest.param(replace(OPEN, vmi=vmi("Failed"), report=report("Running")), [Action.KILL],
                 id="a guest must not outlive a failed instance"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Shutoff", "Shutdown"), final=True),
                 [Action.ACKNOWLEDGE, Action.FORGET], id="the end was read"),
    pytest.param(replace(OPEN, vmi=vmi("Running"), report=report("Shutoff", "Shutdown")), [],
                 id="ended, but the last word is still to come"),
    pytest.param(replace(OPEN, report=report("Running")), [Action.SHUTDOWN], id="removed by force: shut down"),
    pytest.param(replace(OPEN, report=report("Running", grace=0)), [Action.KILL], id="removed by force, no grace"),
    pytest.param(replace(OPEN, report=DomainReport(namespace="n", name="a", uid="u", state="Running")),
                 [Action.SHUTDOWN], id="removed by force, the launcher does not tell the grace period: the usual one"),
    pytest.param(replace(OPEN, report=report()), [Action.DELETE], id="removed by force before its start"),
    pytest.param(replace(OPEN, report=report("Shutoff"), final=True), [Action.ACKNOWLEDGE, Action.FORGET],
                 id="removed by force, and ended"),
    pytest.param(replace(LOST, pod_is_gone=True), [Action.FORGET], id="instance and pod are gone"),
    pytest.param(replace(SEARCHING, vmi=vmi("Succeeded")), [Action.FORGET], id="ended while nobody was looking"),
])  # fmt: skip
def test_actions(observed: Observed, actions: list[Action]) -> None:
    decision = decide(observed)
    assert decision.actions == actions
    assert not decision.lost


@pytest.mark.parametrize(("observed", "lost", "look_again_s"), [
    pytest.param(replace(SEARCHING, vmi=vmi("Scheduled"), link_for_s=10), False, 170, id="a launcher takes its time"),
    pytest.param(replace(SEARCHING, vmi=vmi("Scheduled"), link_for_s=181), True, None, id="a launcher that never came"),
    pytest.param(replace(LOST, vmi=vmi("Running"), link_for_s=1), False, 29, id="a broken link is not a broken guest"),
    pytest.param(replace(LOST, vmi=vmi("Running"), link_for_s=30), True, None, id="a launcher that stays away"),
    pytest.param(replace(LOST, vmi=vmi("Running"), pod_is_gone=True), True, None, id="no pod, no launcher"),
])  # fmt: skip
def test_waiting_for_a_launcher_has_an_end(observed: Observed, lost: bool, look_again_s: float | None) -> None:
    decision = decide(observed)
    assert bool(decision.lost) is lost
    assert decision.look_again_s == look_again_s
    assert decision.actions == ([Action.FORGET] if lost else [])


def test_a_guest_that_stands_still_is_looked_at_again_when_it_is_tried_next() -> None:
    stalled = replace(OPEN, vmi=vmi("Running"), report=report("Paused", "IOError"), try_resuming_in_s=7.5)
    assert decide(stalled) == Decision(look_again_s=7.5)
    assert decide(replace(stalled, try_resuming_in_s=0.0)).look_again_s == 10.0


def test_attempts_to_resume_back_off_from_10_seconds_to_3_minutes() -> None:
    standstill, stalled, now, waits = Standstill(), report("Paused", "IOError"), 1000.0, []
    for _ in range(7):
        wait = standstill.look(stalled, now)
        assert wait is not None
        waits.append(wait)
        assert standstill.look(stalled, now + wait) == 0.0
        now += wait
        standstill.tried(now)
    assert waits == [10, 20, 40, 80, 160, 180, 180]


@pytest.mark.parametrize(("ran_for_s", "wait_s"), [
    pytest.param(1, 20, id="a guest that fails again at once waits longer"),
    pytest.param(181, 10, id="one that ran for a while begins anew"),
])  # fmt: skip
def test_a_guest_that_ran_meanwhile(ran_for_s: float, wait_s: float) -> None:
    standstill, stalled = Standstill(), report("Paused", "IOError")
    assert standstill.look(stalled, 0.0) == 10.0
    standstill.tried(10.0)
    assert standstill.look(report("Running"), 10.0 + ran_for_s) is None
    assert standstill.look(stalled, 10.0 + ran_for_s) == wait_s


@pytest.mark.parametrize("told", [None, report("Running"), report("Paused", "User"), report("Shutoff", "Crashed")])
def test_only_an_io_error_makes_a_guest_stand_still(told: DomainReport | None) -> None:
    assert Standstill().look(told, 0.0) is None


def test_a_shutdown_is_looked_at_again_when_its_grace_period_ends() -> None:
    observed = replace(OPEN, vmi=vmi("Running", deleting=True), report=report("Running", signalled_s_ago=28),
                       asked_to_end_s_ago=1)  # fmt: skip
    assert decide(observed) == Decision(look_again_s=2.0)
