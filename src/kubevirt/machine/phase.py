"""From the state of a domain to the phase of its VMI.

The table is libvirt's states and reasons against KubeVirt's phases. What it does not name leaves the phase as it is: a
state that is passing through, or one that only a migration can explain.
"""

from __future__ import annotations

from kubevirt.api.phase import Phase, is_final
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import grace
from kubevirt.machine.domain_report import DomainReport, Reason, State

_LIVE = {State.RUNNING, State.BLOCKED, State.PM_SUSPENDED}
_ENDS: dict[str, Phase] = {
    Reason.CRASHED: Phase.FAILED,
    Reason.PANICKED: Phase.FAILED,
    Reason.FAILED: Phase.FAILED,
    Reason.SHUTDOWN: Phase.SUCCEEDED,
    Reason.SAVED: Phase.SUCCEEDED,
    Reason.FROM_SNAPSHOT: Phase.SUCCEEDED,
}


def phase_after(vmi: VirtualMachineInstance, report: DomainReport | None) -> str:
    """The phase of a VMI whose launcher reports this; the present one when the report decides nothing."""
    phase = vmi.status.phase
    if is_final(phase) or report is None:
        return phase
    if report.failure:
        return Phase.FAILED
    if report.state in _LIVE:
        return Phase.RUNNING
    if report.state == State.PAUSED:
        return Phase.FAILED if report.reason == Reason.POSTCOPY_FAILED else Phase.RUNNING
    if report.state in (State.SHUTOFF, State.CRASHED):
        if report.reason == Reason.DESTROYED:
            failed = was_asked_to_shut_down(vmi, report) or is_half_migrated(vmi)
            return Phase.FAILED if failed else Phase.SUCCEEDED
        return _ENDS.get(report.reason, phase)
    return phase


def is_half_migrated(vmi: VirtualMachineInstance) -> bool:
    """A migration failed after the guest had begun to run on the other side: nothing is whole any more."""
    migration = vmi.status.migration_state
    return migration is not None and migration.mode == "PostCopy" and migration.failed is True


def was_asked_to_shut_down(vmi: VirtualMachineInstance, report: DomainReport) -> bool:
    """The guest had the time and the means to shut down in an orderly way, so pulling the plug is a failure."""
    return report.acpi and grace.guest_s(vmi) != 0
