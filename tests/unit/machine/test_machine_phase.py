"""The table of domain states against VMI phases. What virt-handler does with them is tested there."""

import pytest
from machine_samples import UID, vmi

from kubevirt.machine.domain_report import DomainReport
from kubevirt.machine.phase import phase_after


def report(state: str, reason: str = "", **more: object) -> DomainReport:
    # The names come from the case, so mypy cannot match them with their types.
    return DomainReport(namespace="lab", name="guest", uid=UID, state=state, reason=reason, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "state", "reason", "after"), [
    pytest.param("Scheduled", "Running", "Unknown", "Running", id="a running domain is a running VMI"),
    pytest.param("Scheduled", "Blocked", "Unknown", "Running", id="blocked on a resource is running"),
    pytest.param("Running", "PMSuspended", "Unknown", "Running", id="asleep is running"),
    pytest.param("Scheduled", "Paused", "User", "Running", id="started paused is running"),
    pytest.param("Running", "Paused", "IOError", "Running", id="paused by an I/O error can go on"),
    pytest.param("Running", "Paused", "PostcopyFailed", "Failed", id="half of the memory is on a dead host"),
    pytest.param("Running", "Shutoff", "Shutdown", "Succeeded", id="the guest powered itself off"),
    pytest.param("Running", "Shutoff", "Saved", "Succeeded", id="saved to disk"),
    pytest.param("Running", "Shutoff", "FromSnapshot", "Succeeded", id="stopped in a snapshot"),
    pytest.param("Running", "Shutoff", "Crashed", "Failed", id="QEMU died"),
    pytest.param("Running", "Crashed", "Panicked", "Failed", id="the guest's kernel panicked"),
    *(pytest.param("Running", "Paused", why, "Running", id=f"paused because of {why}") for why in
      ("Unknown", "Migration", "Save", "Dump", "Watchdog", "FromSnapshot", "ShuttingDown", "Snapshot", "Crashed",
       "StartingUp", "Postcopy")),
    *(pytest.param("Running", "Crashed", why, after, id=f"crashed, of which libvirt says {why}") for why, after in
      (("Crashed", "Failed"), ("Shutdown", "Succeeded"), ("Saved", "Succeeded"), ("FromSnapshot", "Succeeded"),
       ("Destroyed", "Failed"), ("Unknown", "Running"))),
    *(pytest.param(before, state, "Unknown", before, id=f"{state} changes nothing about {before}") for state in
      ("NoState", "Unknown", "ShuttingDown", "Shutoff") for before in ("Scheduled", "Running")),
    pytest.param("Running", "Shutoff", "Failed", "Failed", id="it could not be started"),
    pytest.param("Running", "Shutoff", "Destroyed", "Failed", id="killed though it could have shut down"),
    pytest.param("Running", "Shutoff", "Migrated", "Running", id="it lives on elsewhere"),
    pytest.param("Running", "ShuttingDown", "User", "Running", id="on its way down is still running"),
    pytest.param("Scheduled", "Shutoff", "Unknown", "Scheduled", id="defined and not started yet"),
    pytest.param("Scheduled", "NoState", "NonExistent", "Scheduled", id="no domain yet"),
    pytest.param("Scheduled", "", "", "Scheduled", id="nothing defined yet"),
    pytest.param("Running", "Shutoff", "SomethingNewOfLibvirt", "Running", id="an unknown reason decides nothing"),
    pytest.param("Succeeded", "Running", "Unknown", "Succeeded", id="an end is for good"),
    pytest.param("Failed", "Shutoff", "Shutdown", "Failed", id="so is a failure"),
])
def test_phase(before: str, state: str, reason: str, after: str) -> None:
    assert phase_after(vmi(status={"phase": before}), report(state, reason)) == after


def test_a_kill_is_no_failure_when_no_shutdown_was_to_be_waited_for() -> None:
    killed = report("Shutoff", "Destroyed")
    assert phase_after(vmi({"terminationGracePeriodSeconds": 0}, status={"phase": "Running"}), killed) == "Succeeded"


def test_a_kill_is_no_failure_when_the_guest_has_no_power_button() -> None:
    killed = report("Shutoff", "Destroyed", acpi=False)
    assert phase_after(vmi(status={"phase": "Running"}), killed) == "Succeeded"


@pytest.mark.parametrize(("mode", "failed", "after"), [
    pytest.param("PostCopy", True, "Failed", id="half of the guest is gone"),
    pytest.param("PostCopy", False, "Succeeded", id="the migration did not fail"),
    pytest.param("PreCopy", True, "Succeeded", id="the guest was whole all the time"),
])
def test_a_kill_after_a_migration(mode: str, failed: bool, after: str) -> None:
    machine = vmi({"terminationGracePeriodSeconds": 0},
                  status={"phase": "Running", "migrationState": {"mode": mode, "failed": failed}})
    assert phase_after(machine, report("Shutoff", "Destroyed")) == after


def test_a_launcher_that_could_not_start_the_domain_fails_the_vmi() -> None:
    assert phase_after(vmi(status={"phase": "Scheduled"}), report("", failure="no such disk")) == "Failed"


def test_without_a_report_nothing_changes() -> None:
    assert phase_after(vmi(status={"phase": "Running"}), None) == "Running"
