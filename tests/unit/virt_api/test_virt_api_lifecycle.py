"""What start, stop and restart mean for each run strategy and state of the instance; the sending is tested end to
end."""

from __future__ import annotations

import pytest

from kubevirt.api.meta import ObjectMeta
from kubevirt.api.options import RestartOptions, StartOptions, StopOptions
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vm_status import (
    VirtualMachineCondition,
    VirtualMachineStartFailure,
    VirtualMachineStateChangeRequest,
)
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.virt_api import lifecycle
from kubevirt.virt_api.lifecycle import Declined

START = {"action": "Start"}
STOP = {"action": "Stop", "uid": "the-uid"}


def machine(strategy: str | bool) -> VirtualMachine:
    """A VM by `running` (a bool) or `runStrategy` (a word), with a status that is not empty."""
    vm = VirtualMachine(metadata=ObjectMeta(name="vm", resource_version="7"))
    if isinstance(strategy, bool):
        vm.spec.running = strategy
    else:
        vm.spec.run_strategy = strategy
    vm.status.printable_status = "Stopped"
    return vm


def instance(phase: str, grace_s: int | None = None) -> VirtualMachineInstance:
    """An instance in a phase."""
    vmi = VirtualMachineInstance(metadata=ObjectMeta(name="vm", uid="the-uid"))
    vmi.status.phase = phase
    vmi.spec.termination_grace_period_seconds = grace_s
    return vmi


def requests_of(patches: lifecycle.Patches) -> object:
    """The state change requests that a status patch sets."""
    return next(op["value"] for op in patches.status if op["op"] in ("add", "replace"))


@pytest.mark.parametrize(
    ("strategy", "phase", "message"),
    [
        pytest.param("Halted", "Running", "VM is already running", id="an instance runs"),
        pytest.param("Manual", "Scheduling", "VM is already running", id="an instance is coming up"),
        pytest.param("Always", None, "Always does not support manual start requests", id="Always starts by itself"),
        pytest.param("Once", None, "Once does not support manual start requests", id="Once starts by itself"),
        pytest.param(True, None, "Always does not support manual start requests", id="running true is Always"),
        pytest.param(
            "RerunOnFailure",
            "Failed",
            "RerunOnFailure does not support starting VM from failed state",
            id="a failed instance is rerun without being asked",
        ),
    ],
)
def test_start_is_declined(strategy: str | bool, phase: str | None, message: str) -> None:
    with pytest.raises(Declined) as caught:
        lifecycle.start(machine(strategy), instance(phase) if phase else None, StartOptions())
    assert (caught.value.code, caught.value.message) == (409, message)


@pytest.mark.parametrize(
    ("strategy", "operations"),
    [
        pytest.param(
            False,
            [
                {"op": "test", "path": "/spec/running", "value": False},
                {"op": "replace", "path": "/spec/running", "value": True},
            ],
            id="running false becomes true",
        ),
        pytest.param(
            "Halted",
            [
                {"op": "test", "path": "/spec/runStrategy", "value": "Halted"},
                {"op": "replace", "path": "/spec/runStrategy", "value": "Always"},
            ],
            id="Halted becomes Always",
        ),
    ],
)
def test_start_of_a_halted_vm_changes_its_spec(strategy: str | bool, operations: list[object]) -> None:
    patches = lifecycle.start(machine(strategy), None, StartOptions())
    assert (patches.spec, patches.status, patches.instance) == (operations, [], [])


@pytest.mark.parametrize(
    ("strategy", "phase", "paused", "expected"),
    [
        pytest.param("Manual", None, False, [START], id="Manual is asked to start"),
        pytest.param(
            "Manual", "Succeeded", False, [STOP, START], id="Manual with an ended instance: away with it first"
        ),
        pytest.param("Manual", "Failed", False, [STOP, START], id="Manual with a failed instance: away with it first"),
        pytest.param("RerunOnFailure", "Succeeded", False, [STOP, START], id="RerunOnFailure after a clean end"),
        pytest.param("RerunOnFailure", None, False, [START], id="RerunOnFailure without an instance"),
        pytest.param("Halted", None, True, [{"action": "Start", "data": {"paused": "true"}}], id="Halted, paused"),
    ],
)
def test_start_as_a_state_change_request(strategy: str, phase: str | None, paused: bool, expected: object) -> None:
    patches = lifecycle.start(machine(strategy), instance(phase) if phase else None, StartOptions(paused=paused))
    assert requests_of(patches) == expected
    assert patches.spec == []


def test_an_empty_status_is_added_whole() -> None:
    vm = VirtualMachine()
    vm.spec.run_strategy = "Manual"
    patches = lifecycle.start(vm, None, StartOptions())
    assert patches.status == [{"op": "add", "path": "/status", "value": {"stateChangeRequests": [START]}}]


def test_a_manual_request_resets_the_back_off() -> None:
    vm = machine("Manual")
    vm.status.start_failure = VirtualMachineStartFailure(consecutive_fail_count=3)
    assert {"op": "remove", "path": "/status/startFailure"} in lifecycle.start(vm, None, StartOptions()).status


def test_a_second_request_waits_for_the_first() -> None:
    vm = machine("Manual")
    vm.status.state_change_requests = [VirtualMachineStateChangeRequest(action="Start")]
    with pytest.raises(Declined) as caught:
        lifecycle.start(vm, None, StartOptions())
    assert (caught.value.code, caught.value.message) == (
        500, "unable to complete request: stop/start already underway"
    )  # fmt: skip


def test_a_stop_replaces_a_pending_request() -> None:
    vm = machine("Manual")
    vm.status.state_change_requests = [VirtualMachineStateChangeRequest(action="Start")]
    patches = lifecycle.stop(vm, instance("Running"), StopOptions())
    assert [op["op"] for op in patches.status] == ["test", "replace"]
    assert requests_of(patches) == [STOP]


def test_recovery_of_a_volume_migration_comes_first() -> None:
    vm = machine("Halted")
    vm.status.conditions = [VirtualMachineCondition(type="ManualRecoveryRequired", status="True")]
    with pytest.raises(Declined) as caught:
        lifecycle.start(vm, None, StartOptions())
    assert (caught.value.code, caught.value.message) == (
        409,
        "VM recovery required: Volume migration failed, leaving some volumes pointing to non-consistent targets; "
        "manual intervention is needed to reassign them to their original volumes.",
    )


@pytest.mark.parametrize(
    ("strategy", "phase", "grace_s", "message"),
    [
        pytest.param("Halted", None, None, "VM is not running", id="halted and absent"),
        pytest.param("Halted", "Succeeded", 0, "VM is not running", id="halted and ended"),
        pytest.param(
            "Halted",
            "Running",
            None,
            "Halted only supports manual stop requests with a shorter graceperiod",
            id="halted and on its way down already",
        ),
        pytest.param(
            "Halted",
            "Running",
            30,
            "Halted only supports manual stop requests with a shorter graceperiod",
            id="halted, and no shorter than before",
        ),
        pytest.param("Manual", None, None, "VM is not running", id="Manual and absent"),
        pytest.param("RerunOnFailure", "Failed", None, "VM is not running", id="RerunOnFailure and failed"),
    ],
)
def test_stop_is_declined(strategy: str, phase: str | None, grace_s: int | None, message: str) -> None:
    vmi = instance(phase, grace_s=30) if phase else None
    with pytest.raises(Declined) as caught:
        lifecycle.stop(machine(strategy), vmi, StopOptions(grace_period=grace_s))
    assert caught.value.message == message


def test_stop_of_a_running_vm_changes_its_spec_and_the_grace_period_first() -> None:
    patches = lifecycle.stop(machine(True), instance("Running", grace_s=30), StopOptions(grace_period=0))
    assert patches.instance[-1] == {"op": "replace", "path": "/spec/terminationGracePeriodSeconds", "value": 0}
    assert patches.spec[-1] == {"op": "replace", "path": "/spec/running", "value": False}


@pytest.mark.parametrize(
    ("strategy", "phase", "grace_s", "code", "message"),
    [
        pytest.param(
            "Always", "Running", 5, 400, "For force restart, only gracePeriod=0 is supported for now", id="grace 5"
        ),
        pytest.param("Always", "Running", -5, 400, "gracePeriod has to be greater or equal to 0", id="negative grace"),
        pytest.param(
            "Halted", "Running", None, 409, "RunStategy Halted does not support manual restart requests", id="Halted"
        ),
        pytest.param(
            "Once", "Running", None, 409, "RunStategy Once does not support manual restart requests", id="Once"
        ),
        pytest.param("Always", None, None, 409, "VM is not running: Halted", id="nothing to restart"),
    ],
)
def test_restart_is_declined(strategy: str, phase: str | None, grace_s: int | None, code: int, message: str) -> None:
    with pytest.raises(Declined) as caught:
        lifecycle.restart(
            machine(strategy), instance(phase) if phase else None, RestartOptions(grace_period_seconds=grace_s)
        )
    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_forced_restart_shortens_the_grace_period_and_can_take_that_back() -> None:
    vmi = instance("Running", grace_s=30)
    patches = lifecycle.restart(machine("Always"), vmi, RestartOptions(grace_period_seconds=0))
    assert requests_of(patches) == [STOP, START]
    path = "/spec/terminationGracePeriodSeconds"
    assert patches.instance == [{"op": "test", "path": path, "value": 30}, {"op": "replace", "path": path, "value": 1}]
    assert lifecycle.undo_grace(vmi, patches) == [
        {"op": "test", "path": path, "value": 1},
        {"op": "replace", "path": path, "value": 30},
    ]


def test_both_fields_are_refused_by_name() -> None:
    vm = machine("Always")
    vm.spec.running = True
    with pytest.raises(Refused, match="mutually exclusive"):
        lifecycle.start(vm, None, StartOptions())
