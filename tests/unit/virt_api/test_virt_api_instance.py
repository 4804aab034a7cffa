"""When a sub-resource of an instance may be used, what discovery lists, and what is refused for now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubevirt.api import codec
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_api import discovery, instance_rules, later
from kubevirt.virt_api.lifecycle import Declined
from kubevirt.virt_operator.user_roles import admin_rules

HTTP_PROBE: JsonObject = {"livenessProbe": {"httpGet": {"port": 80}}}
AGENT_PROBE: JsonObject = {"livenessProbe": {"guestAgentPing": {}}}
NO_ACPI: JsonObject = {"domain": {"features": {"acpi": {"enabled": False}}}}
USB: JsonObject = {"domain": {"devices": {"clientPassthrough": {}}}}
NO_SERIAL: JsonObject = {"domain": {"devices": {"autoattachSerialConsole": False}}}
NO_SCREEN: JsonObject = {"domain": {"devices": {"autoattachGraphicsDevice": False}}}


def instance(phase: str, *conditions: str, spec: JsonObject | None = None) -> VirtualMachineInstance:
    """An instance in a phase, with these conditions True."""
    found = codec.convert({"metadata": {"name": "a"}, "spec": spec or {}}, VirtualMachineInstance)
    found.status.phase = phase
    found.status.conditions = [VirtualMachineInstanceCondition(type=each, status="True") for each in conditions]
    return found


Rule = Callable[[VirtualMachineInstance], None]


@pytest.mark.parametrize(
    ("rule", "vmi", "code", "message"),
    [
        (instance_rules.may_open_console, instance("Running", spec=NO_SERIAL), 400,
         "No serial consoles are present."),
        (instance_rules.may_open_console, instance("Failed"), 409, "VMI is in failed status"),
        (instance_rules.may_open_console, instance("Scheduled"), 400, "VMI is not running"),
        (instance_rules.may_open_vnc, instance("Running", spec=NO_SCREEN), 400, "No graphics devices are present."),
        (instance_rules.may_open_vnc, instance("Scheduled"), 400, "VMI is not running"),
        (instance_rules.may_forward_port, instance("Running", "Paused"), 409, "VMI is paused"),
        (instance_rules.may_pause, instance("Scheduled"), 409, "VM is not running"),
        (instance_rules.may_pause, instance("Running", spec=HTTP_PROBE), 403,
         "Pausing VMIs with a non-GuestAgentPing LivenessProbe is not supported"),
        (instance_rules.may_pause, instance("Running", "Paused"), 409, "VMI is already paused"),
        (instance_rules.may_unpause, instance("Succeeded"), 409, "VMI is not running"),
        (instance_rules.may_unpause, instance("Running"), 409, "VMI is not paused"),
        (instance_rules.may_soft_reboot, instance("Succeeded"), 409, "VM is not running"),
        (instance_rules.may_soft_reboot, instance("Running", "Paused"), 409, "VMI is paused"),
        (instance_rules.may_soft_reboot, instance("Running", spec=NO_ACPI), 409,
         "VMI neither have the agent connected nor the ACPI feature enabled"),
        (instance_rules.may_reset, instance("Failed"), 409,
         "Failed to reset non-running VMI with phase Failed: VMI is not running"),
        (instance_rules.may_ask_agent, instance("Scheduled"), 409, "VMI is not running"),
        (instance_rules.may_ask_agent, instance("Running"), 409, "VMI does not have guest agent connected"),
        (instance_rules.may_freeze, instance("Scheduled"), 409, "VM is not running"),
        (instance_rules.may_unfreeze, instance("Scheduled"), 409, "VMI is not running"),
        (instance_rules.may_redirect_usb, instance("Running"), 409, "Not configured with USB Redirection"),
        (instance_rules.may_redirect_usb, instance("Running", spec={**USB, "architecture": "s390x"}), 409,
         "No USB support on s390x"),
        (instance_rules.may_redirect_usb, instance("Scheduled", spec=USB), 400, "VMI is not running"),
    ],
)  # fmt: skip
def test_refusals(rule: Rule, vmi: VirtualMachineInstance, code: int, message: str) -> None:
    with pytest.raises(Declined) as declined:
        rule(vmi)
    assert (declined.value.code, declined.value.message) == (code, message)


def test_nobody_goes_on_while_a_snapshot_is_made() -> None:
    machine = codec.convert({"status": {"snapshotInProgress": "s"}}, VirtualMachine)
    for vmi in (instance("Running", "Paused"), instance("Scheduled")):
        with pytest.raises(Declined) as declined:
            instance_rules.may_unpause(vmi, machine)
        assert (declined.value.code, declined.value.message) == (409, "VM snapshot is in progress")
    instance_rules.may_unpause(instance("Running", "Paused"), VirtualMachine())


@pytest.mark.parametrize(
    ("rule", "vmi"),
    [
        (instance_rules.may_pause, instance("Running", spec=AGENT_PROBE)),
        (instance_rules.may_unpause, instance("Running", "Paused")),
        (instance_rules.may_soft_reboot, instance("Running")),
        (instance_rules.may_soft_reboot, instance("Running", "AgentConnected", spec=NO_ACPI)),
        (instance_rules.may_reset, instance("Running", "Paused")),
        (instance_rules.may_ask_agent, instance("Running", "AgentConnected")),
        (instance_rules.may_redirect_usb, instance("Running", spec=USB)),
    ],
)
def test_what_may_be_done(rule: Rule, vmi: VirtualMachineInstance) -> None:
    rule(vmi)


def listed() -> dict[str, list[Json]]:
    """Sub-resource -> verbs, as discovery tells them."""
    resources = discovery.resource_list("v1")["resources"]
    assert isinstance(resources, list)
    found = {}
    for each in resources:
        assert isinstance(each, dict)
        assert isinstance(each["verbs"], list)
        found[str(each["name"])] = each["verbs"]
    return found


def test_discovery_lists_every_sub_resource_that_has_a_route() -> None:
    names = listed()
    for verb in ("console", "vnc", "vnc/screenshot", "portforward", "guestosinfo", "userlist", "filesystemlist"):
        assert names[f"virtualmachineinstances/{verb}"] == ["get"]
    for verb in ("pause", "unpause", "freeze", "unfreeze", "softreboot", "reset"):
        assert names[f"virtualmachineinstances/{verb}"] == ["update"]
    for refusal in later.REFUSALS:
        assert f"{refusal.kind}/{refusal.name}" in names


def test_whoever_may_use_machines_may_use_what_discovery_lists() -> None:
    """Roles and routes are written in two places; a sub-resource in one only is a mistake (with reasons below)."""
    nobody = {"virtualmachines/migrate", "virtualmachineinstances/backup", "virtualmachineinstances/vsock",
              "virtualmachineinstances/redefine-checkpoint"}  # fmt: skip
    allowed: set[str] = set()
    for rule in admin_rules():
        resources = rule["resources"]
        assert isinstance(resources, list)
        allowed |= {str(each) for each in resources}
    assert {name for name in listed() if "/" in name} - allowed == nobody


@pytest.mark.parametrize("refusal", later.REFUSALS, ids=lambda r: f"{r.kind}/{r.name}")
def test_what_cannot_be_done_is_a_client_error_with_words(refusal: later.Refusal) -> None:
    assert 400 <= refusal.code < 500
    assert len(refusal.message) > 10
