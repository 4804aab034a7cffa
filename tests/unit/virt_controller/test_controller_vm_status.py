"""What a VM's status says: the printable word, conditions, generations, and which of it is worth a write at once."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import (
    FIRMWARE,
    claim,
    condition,
    revision,
    seen,
    stamp,
    start,
    stop,
    uses_claim,
    vm,
    vmi,
)
from msgspec.structs import replace

from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.printable import ROWS
from kubevirt.virt_controller.vm.status import hold_s, status_after

FAILING = {"startFailure": {"consecutiveFailCount": 1, "lastFailedVMIUID": "old", "retryAfterTimestamp": stamp(-9)}}
PAUSED = [condition("Paused", "True", "PausedByUser")]
MIGRATES = {"migrationState": {"startTimestamp": stamp(5)}}
MIGRATED = {"migrationState": {"startTimestamp": stamp(5), "endTimestamp": stamp(1)}}


def out_of_step(reason: str) -> list[Any]:
    return [condition("Synchronized", "False", reason, "why")]


UNSCHEDULABLE = [condition("PodScheduled", "False", "Unschedulable", "0/2 nodes")]
WITH_CLAIM = [uses_claim("data")]
UNBOUND = {"data": claim("data", "Pending")}

CASES = [
    ("Terminating", seen(vm(deleting=True), vmi("Running")), "a VM that is being deleted"),
    ("Terminating", seen(vm(deleting=True), vmi("Running", conditions=PAUSED)), "whatever its VMI does"),
    ("Stopping", seen(vm(), vmi("Running", deleting=True)), "its VMI is being deleted"),
    ("Stopping", seen(vm(), vmi("Pending", deleting=True, conditions=out_of_step("ErrImagePull"))),
     "deletion outweighs trouble"),
    ("Migrating", seen(vm(), vmi("Running", status=MIGRATES)), "a migration goes on"),
    ("Running", seen(vm(), vmi("Running", status=MIGRATED)), "a migration is over"),
    ("Paused", seen(vm(), vmi("Running", conditions=PAUSED)), "the guest is paused"),
    ("Running", seen(vm(), vmi("Running")), "the guest runs"),
    ("ErrorPvcNotFound", seen(vm(), vmi("Pending", conditions=[*out_of_step("FailedPvcNotFound"), *UNSCHEDULABLE])),
     "a claim is missing, which is more telling than having no node"),
    ("ErrorUnschedulable", seen(vm(), vmi("Scheduling", conditions=UNSCHEDULABLE)), "no node fits"),
    ("WaitingForVolumeBinding", seen(vm(volumes=WITH_CLAIM), vmi("Scheduling"), claims=UNBOUND),
     "a claim is not bound yet"),
    ("Starting", seen(vm(volumes=WITH_CLAIM), vmi("Scheduling"), claims={"data": claim("data")}), "its claim is bound"),
    ("Stopped", seen(vm("Halted", volumes=WITH_CLAIM), claims=UNBOUND),
     "a halted VM waits for no claim"),
    ("WaitingForVolumeBinding",
     seen(vm("Manual", volumes=WITH_CLAIM, status={"stateChangeRequests": [start()]}),
          claims=UNBOUND), "a manual VM that was asked to start waits for its claim"),
    ("Starting",
     seen(vm("Manual", volumes=WITH_CLAIM, status={"stateChangeRequests": [stop()]}), vmi("Scheduling"),
          claims=UNBOUND), "one that was asked to stop does not"),
    ("ErrImagePull", seen(vm(), vmi("Scheduling", conditions=out_of_step("ErrImagePull"))), "an image is missing"),
    ("ImagePullBackOff", seen(vm(), vmi("Scheduling", conditions=out_of_step("ImagePullBackOff"))),
     "the kubelet pauses between attempts to pull"),
    *[("Starting", seen(vm(), vmi(phase)), f"on its way, phase '{phase}'")
      for phase in ("", "Pending", "Scheduling", "Scheduled")],
    ("CrashLoopBackOff", seen(vm(status=FAILING)), "waiting after a failed start"),
    ("CrashLoopBackOff", seen(vm("Once", status=FAILING)), "failed under Once"),
    ("CrashLoopBackOff", seen(vm(), vmi("Failed", ran=False)), "the failure that is only now counted"),
    ("Stopped", seen(vm("Manual", status=FAILING)), "Manual knows no crash loop"),
    ("Stopped", seen(vm("Halted")), "no VMI"),
    ("Stopped", seen(vm("Manual"), vmi("Succeeded", ran=True)), "its VMI has ended"),
    ("Stopped", seen(vm("WaitAsReceiver")), "a receiver without a VMI is just stopped"),
    ("WaitingForReceiver", seen(vm("WaitAsReceiver"), vmi("WaitingForSync")), "a receiver waits"),
    ("Unknown", seen(vm(), vmi("Unknown")), "nobody knows"),
]


@pytest.mark.parametrize(("word", "observed"), [pytest.param(w, o, id=f"{w}: {why}") for w, o, why in CASES])
def test_printable_status(word: str, observed: Observed) -> None:
    assert status_after(observed, None).printable_status == word


def test_every_word_has_a_case() -> None:
    of_data_volumes = {"DataVolumeError", "Provisioning"}  # in test_controller_vm_datavolumes_waiting
    assert {w for w, _ in ROWS} | {"Unknown"} == {w for w, *_ in CASES} | of_data_volumes


@pytest.mark.parametrize(("instance", "expected"), [
    pytest.param(None, ("False", "VMINotExists", "VMI does not exist"), id="no VMI"),
    pytest.param(vmi("Pending"), ("False", "VMIConditionMissing", "VMI is missing the Ready condition"),
                 id="a VMI that says nothing yet"),
    pytest.param(vmi(conditions=[condition("Ready", "True")]), ("True", "", ""), id="a ready VMI"),
    pytest.param(vmi(conditions=[condition("Ready", "False", "GuestNotRunning", "x")]),
                 ("False", "GuestNotRunning", "x"), id="the VMI's own words"),
])
def test_ready(instance: Any, expected: tuple[str, str, str]) -> None:
    status = status_after(seen(vm(), instance), None)
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.reason, ready.message) == expected
    assert status.ready is (True if expected[0] == "True" else None)
    assert status.created is (True if instance is not None else None)


@pytest.mark.parametrize(("own", "instance", "expected"), [
    pytest.param([], vmi(conditions=[*PAUSED, condition("AgentConnected", "True")]), {"Paused", "AgentConnected"},
                 id="conditions of the VMI are copied"),
    pytest.param(PAUSED, vmi(conditions=[]), set(), id="a condition that left the VMI leaves the VM"),
    pytest.param(PAUSED, None, {"Paused"}, id="once the VMI is gone they stay as last seen"),
    pytest.param([], vmi(conditions=[condition("RestartRequired", "True"), condition("Failure", "True")]), set(),
                 id="the VM's own types are never copied"),
    pytest.param([condition("ManualRecoveryRequired", "True")], vmi(), {"ManualRecoveryRequired"},
                 id="a condition of others on the VM stays"),
])
def test_conditions_follow_the_vmi(own: list[Any], instance: Any, expected: set[str]) -> None:
    status = status_after(seen(vm(status={"conditions": own}), instance), None)
    assert {c.type for c in status.conditions} - {"Ready"} == expected


def test_a_problem_becomes_the_failure_condition_and_goes_with_it() -> None:
    problem = SyncProblem(reason="FailedCreate", message="Failure while starting VMI: no")
    failing = status_after(seen(vm()), problem)
    told = find(failing.conditions, "Failure")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("True", "FailedCreate", "Failure while starting VMI: no")
    healed = status_after(seen(replace(vm(), status=failing)), None)
    assert find(healed.conditions, "Failure") is None


@pytest.mark.parametrize(("stored", "instance", "expected"), [
    pytest.param({}, None, "", id="empty until a VMI was seen"),
    pytest.param({}, vmi(), "Always", id="the strategy in force once one is seen"),
    pytest.param({"runStrategy": "Manual"}, None, "Always", id="and from then on"),
])
def test_run_strategy(stored: dict[str, Any], instance: Any, expected: str) -> None:
    assert status_after(seen(vm(status=stored), instance), None).run_strategy == expected


@pytest.mark.parametrize(("instance", "expected"), [
    pytest.param(None, (None, None), id="no VMI, no generations"),
    pytest.param(vmi(), (1, 3), id="from the annotation"),
    pytest.param(vmi(annotations={"kubevirt.io/vm-generation": ""},
                     status={"virtualMachineRevisionName": "revision-start-vm-vm-uid-2"}), (2, 3),
                 id="from the revision's name"),
])
def test_generations(instance: Any, expected: tuple[int | None, int | None]) -> None:
    status = status_after(seen(vm(generation=3), instance), None)
    assert (status.observed_generation, status.desired_generation) == expected


CHANGED = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}, "hostname": "other"}}
RELABELLED = {"metadata": {"labels": {"app": "shop"}}}


@pytest.mark.parametrize(("now", "instance", "expected"), [
    pytest.param(vm(generation=2, template=CHANGED), vmi(), True, id="a changed template wants a restart"),
    pytest.param(vm(generation=2, template=RELABELLED), vmi(), False, id="changed template labels do not"),
    pytest.param(vm("Manual", generation=2), vmi(), False, id="a changed run strategy does not"),
    pytest.param(vm(generation=2, template=CHANGED), vmi(deleting=True), False, id="a VMI that goes is no concern"),
    pytest.param(vm(generation=2, template=CHANGED), None, False, id="nor one that is gone"),
])
def test_restart_required(now: Any, instance: Any, expected: bool) -> None:
    status = status_after(seen(now, instance, revisions=(revision(vm()),)), None)
    told = find(status.conditions, "RestartRequired")
    assert (told is not None) is expected
    if told is not None:
        assert (told.status, told.message) == (
            "True", "a non-live-updatable field was changed in the template spec")


def test_a_firmware_uuid_filled_in_later_wants_no_restart() -> None:
    started = revision(vm(marked=False))
    status = status_after(seen(vm(generation=2), vmi(), revisions=(started,)), None)
    assert find(status.conditions, "RestartRequired") is None


def starting(instance: Any) -> Observed:
    """A VM whose status is up to date with a VMI that says nothing yet."""
    return seen(replace(vm(), status=status_after(seen(vm(), vmi("Pending")), None)), instance)


GUEST_NOT_RUNNING = [condition("Ready", "False", "GuestNotRunning", "Guest VM is not reported as running")]


@pytest.mark.parametrize(("instance", "waits"), [
    pytest.param(vmi("Scheduled", age_s=2, conditions=GUEST_NOT_RUNNING), 8.0,
                 id="other words for not being ready can wait"),
    pytest.param(vmi("Scheduled", age_s=30, conditions=GUEST_NOT_RUNNING), 0.0, id="but not for long"),
    pytest.param(vmi("Running", age_s=2), 0.0, id="running is told at once"),
    pytest.param(vmi("Scheduling", age_s=2, conditions=UNSCHEDULABLE), 0.0, id="trouble is told at once"),
    pytest.param(None, 0.0, id="the loss of the VMI is told at once"),
    pytest.param(vmi("Failed", ran=True, deleting=True), 0.0, id="the end is told to who believes it is starting"),
])
def test_what_can_wait_is_not_written_yet(instance: Any, waits: float) -> None:
    o = starting(instance)
    assert hold_s(o, status_after(o, None)) == waits


STOPPING = status_after(seen(vm(), vmi("Running", deleting=True)), None)


@pytest.mark.parametrize(("instance", "waits"), [
    pytest.param(vmi("Failed", ran=True, deleting=True), 9.0, id="a stopping VMI that has ended is gone in a moment"),
    pytest.param(vmi("Failed", ran=False, deleting=True), 0.0, id="but a failed start is counted before"),
    pytest.param(None, 0.0, id="that it is gone is told"),
])
def test_stopping_is_followed_by_the_end_itself(instance: Any, waits: float) -> None:
    o = seen(replace(vm(), status=STOPPING), instance)
    assert hold_s(o, status_after(o, None)) == waits


def test_a_vm_that_goes_only_says_that_it_is_terminating() -> None:
    o = seen(vm(deleting=True), vmi("Running"))
    terminating = status_after(o, None)
    assert hold_s(o, terminating) == 0.0
    o = seen(replace(o.vm, status=terminating))
    assert hold_s(o, status_after(o, None)) > 0.0


@pytest.mark.parametrize("observed", [pytest.param(o, id=f"{w}: {why}") for w, o, why in CASES])
def test_a_status_that_was_written_is_not_written_again(observed: Observed) -> None:
    written = status_after(observed, None)
    again = seen(replace(observed.vm, status=written), observed.named, claims=observed.claims)
    assert status_after(again, None) == written
