"""When a sub-resource of an instance may be used: pure checks, each refusal with the established code and words."""

from __future__ import annotations

from kubevirt.api.phase import Phase
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_api.lifecycle import Declined

NOT_RUNNING = "VMI is not running"
NO_REBOOT_WAY = "VMI neither have the agent connected nor the ACPI feature enabled"


def may_open_console(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when there is no console to open, or not yet."""
    if vmi.spec.domain.devices.autoattach_serial_console is False:
        raise Declined(400, "No serial consoles are present.")
    if vmi.status.phase == Phase.FAILED:
        raise Declined(409, "VMI is in failed status")
    _must_run(vmi, 400, NOT_RUNNING)


def may_be_measured(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when there is no guest that uses anything."""
    _must_run(vmi, 409, NOT_RUNNING)


def may_open_vnc(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when there is no screen to show, or not yet."""
    if vmi.spec.domain.devices.autoattach_graphics_device is False:
        raise Declined(400, "No graphics devices are present.")
    _must_run(vmi, 400, NOT_RUNNING)


def may_forward_port(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when nothing can answer on a port."""
    if _is(vmi, "Paused"):
        raise Declined(409, "VMI is paused")
    _must_run(vmi, 400, NOT_RUNNING)


def may_pause(vmi: VirtualMachineInstance) -> None:
    """Raises Declined for an instance that is not running, is paused, or whose liveness probe would kill it."""
    _must_run(vmi, 409, "VM is not running")
    probe = vmi.spec.liveness_probe
    if probe is not None and probe.guest_agent_ping is None:
        raise Declined(403, "Pausing VMIs with a non-GuestAgentPing LivenessProbe is not supported")
    if _is(vmi, "Paused"):
        raise Declined(409, "VMI is already paused")


def may_unpause(vmi: VirtualMachineInstance, machine: VirtualMachine | None = None) -> None:
    """Raises Declined for an instance that is not running or not paused, or whose machine is held still for a
    snapshot."""
    if machine is not None and machine.status.snapshot_in_progress:
        raise Declined(409, "VM snapshot is in progress")
    _must_run(vmi, 409, NOT_RUNNING)
    if not _is(vmi, "Paused"):
        raise Declined(409, "VMI is not paused")


def may_soft_reboot(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when the guest could not notice the request."""
    _must_run(vmi, 409, "VM is not running")
    if _is(vmi, "Paused"):
        raise Declined(409, "VMI is paused")
    features = vmi.spec.domain.features
    acpi = features is None or features.acpi is None or features.acpi.enabled is not False
    if not acpi and not _is(vmi, "AgentConnected"):
        raise Declined(409, NO_REBOOT_WAY)


def may_reset(vmi: VirtualMachineInstance) -> None:
    """Raises Declined for an instance that is not running."""
    if vmi.status.phase != "Running":
        raise Declined(409, f"Failed to reset non-running VMI with phase {vmi.status.phase}: {NOT_RUNNING}")


def may_redirect_usb(vmi: VirtualMachineInstance) -> None:
    """Raises Declined for an instance without slots for a client's USB devices."""
    if vmi.spec.architecture == "s390x":
        raise Declined(409, "No USB support on s390x")
    if vmi.spec.domain.devices.client_passthrough is None:
        raise Declined(409, "Not configured with USB Redirection")
    _must_run(vmi, 400, NOT_RUNNING)


def may_ask_agent(vmi: VirtualMachineInstance) -> None:
    """Raises Declined when there is no agent to ask."""
    _must_run(vmi, 409, NOT_RUNNING)
    if not _is(vmi, "AgentConnected"):
        raise Declined(409, "VMI does not have guest agent connected")


def may_freeze(vmi: VirtualMachineInstance) -> None:
    """Raises Declined for an instance that is not running; whether it has an agent is the launcher's to say."""
    _must_run(vmi, 409, "VM is not running")


def may_unfreeze(vmi: VirtualMachineInstance) -> None:
    """Raises Declined for an instance that is not running."""
    _must_run(vmi, 409, NOT_RUNNING)


def is_running(vmi: VirtualMachineInstance | None) -> bool:
    """Whether there is a guest."""
    return vmi is not None and vmi.status.phase == "Running"


def _must_run(vmi: VirtualMachineInstance, code: int, message: str) -> None:
    if not is_running(vmi):
        raise Declined(code, message)


def _is(vmi: VirtualMachineInstance, condition: str) -> bool:
    return any(c.type == condition and c.status == "True" for c in vmi.status.conditions)
