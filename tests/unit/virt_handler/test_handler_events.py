"""Which events an instance gets from its node agent: the table of handler_launcher.md A5."""

from __future__ import annotations

import pytest

from kubevirt.api.vmi_status import VirtualMachineInstanceCondition as Condition
from kubevirt.virt_handler.instances import events
from kubevirt.virt_handler.instances.decide import Action

SYNCED = [Condition(type="AccessCredentialsSynchronized", status="True")]
BROKEN = [Condition(type="AccessCredentialsSynchronized", status="False", message="no such user")]


def told(notes: list[events.Note]) -> list[tuple[str, str, str]]:
    return [(note.type, note.reason, note.message) for note in notes]


@pytest.mark.parametrize(("old", "new", "expected"), [
    pytest.param("Scheduled", "Running", [("Normal", "Created", "VirtualMachineInstance defined."),
                                          ("Normal", "Started", "VirtualMachineInstance started.")], id="it starts"),
    pytest.param("Running", "Running", [], id="it runs"),
    pytest.param("Running", "Succeeded", [("Normal", "Stopped", "The VirtualMachineInstance was shut down.")],
                 id="it was shut down"),
    pytest.param("Running", "Failed", [("Warning", "Stopped", "The VirtualMachineInstance crashed.")], id="it crashed"),
])
def test_phases(old: str, new: str, expected: list[tuple[str, str, str]]) -> None:
    assert told(events.on_phase(old, new)) == expected


@pytest.mark.parametrize(("action", "repeated", "expected"), [
    pytest.param(Action.SHUTDOWN, False, [("Normal", "ShuttingDown", "Signaled Graceful Shutdown")], id="shut down"),
    pytest.param(Action.SHUTDOWN, True, [], id="asked again, said once"),
    pytest.param(Action.KILL, False, [("Normal", "Deleted", "VirtualMachineInstance stopping")], id="killed"),
    pytest.param(Action.DELETE, False, [("Normal", "Deleted", "Signaled Deletion")], id="deleted"),
    pytest.param(Action.START, False, [], id="the start is told with the phase"),
])
def test_actions(action: Action, repeated: bool, expected: list[tuple[str, str, str]]) -> None:
    assert told(events.on_action(action, repeated=repeated)) == expected


@pytest.mark.parametrize(("old", "new", "expected"), [
    pytest.param([], [], [], id="no credentials"),
    pytest.param([], SYNCED, [("Normal", "AccessCredentialsSyncSuccess", "Access credentials sync successful.")],
                 id="they are there"),
    pytest.param(SYNCED, SYNCED, [], id="they still are"),
    pytest.param([], BROKEN, [("Warning", "AccessCredentialsSyncFailed",
                               "Access credentials sync failed: no such user")], id="they are not"),
    pytest.param(BROKEN, SYNCED, [("Normal", "AccessCredentialsSyncSuccess", "Access credentials sync successful.")],
                 id="now they are"),
])
def test_credentials(old: list[Condition], new: list[Condition], expected: list[tuple[str, str, str]]) -> None:
    assert told(events.on_credentials(old, new)) == expected


CAN = [Condition(type="LiveMigratable", status="True")]
CANNOT = [Condition(type="LiveMigratable", status="False", message="VMI uses SEV")]


@pytest.mark.parametrize(("old", "new", "strategy", "expected"), [
    pytest.param([], CANNOT, "LiveMigrate",
                 [("Warning", "Migrated", "EvictionStrategy is set but vmi is not migratable; VMI uses SEV")],
                 id="it should be migrated, and cannot be"),
    pytest.param(CANNOT, CANNOT, "LiveMigrate", [], id="said once"),
    pytest.param([], CAN, "LiveMigrate", [], id="it can be"),
    pytest.param([], CANNOT, "", [], id="nobody wants it migrated"),
])
def test_migratability(old: list[Condition], new: list[Condition], strategy: str,
                       expected: list[tuple[str, str, str]]) -> None:
    assert told(events.on_migratability(old, new, strategy)) == expected


def test_what_goes_wrong_is_told() -> None:
    assert told([events.sync_failed("no image")]) == [("Warning", "SyncFailed", "no image")]
