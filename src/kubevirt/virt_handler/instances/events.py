"""Which Kubernetes events an instance gets from its node agent; the texts are those of handler_launcher.md A5."""

from dataclasses import dataclass

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.machine.conditions import Conditions, find
from kubevirt.machine.migratability import LIVE_MIGRATABLE
from kubevirt.machine.status import CREDENTIALS
from kubevirt.virt_handler.instances.decide import Action


@dataclass(frozen=True)
class Note:
    """An event to emit: type (Normal or Warning), reason, message."""

    type: str
    reason: str
    message: str


CREATED = Note("Normal", "Created", "VirtualMachineInstance defined.")
STARTED = Note("Normal", "Started", "VirtualMachineInstance started.")
STOPPED = Note("Normal", "Stopped", "The VirtualMachineInstance was shut down.")
CRASHED = Note("Warning", "Stopped", "The VirtualMachineInstance crashed.")

CREDENTIALS_THERE = Note("Normal", "AccessCredentialsSyncSuccess", "Access credentials sync successful.")

_ON_ACTION = {
    Action.SHUTDOWN: Note("Normal", "ShuttingDown", "Signaled Graceful Shutdown"),
    Action.KILL: Note("Normal", "Deleted", "VirtualMachineInstance stopping"),
    Action.DELETE: Note("Normal", "Deleted", "Signaled Deletion"),
}


def on_phase(old: str, new: str) -> list[Note]:
    """What a change of phase is worth telling."""
    if old == new:
        return []
    match new:
        case "Running":
            return [CREATED, STARTED]
        case "Succeeded":
            return [STOPPED]
        case "Failed":
            return [CRASHED]
        case _:
            return []


def on_action(action: Action, *, repeated: bool) -> list[Note]:
    """What an action is worth telling; the first time only."""
    note = _ON_ACTION.get(action)
    return [note] if note is not None and not repeated else []


def on_credentials(old: Conditions, new: Conditions) -> list[Note]:
    """What a change of the access credentials' condition is worth telling."""
    before, after = find(old, CREDENTIALS), find(new, CREDENTIALS)
    if after is None or (before is not None and (before.status, before.message) == (after.status, after.message)):
        return []
    if after.status == "True":
        return [CREDENTIALS_THERE]
    return [Note("Warning", "AccessCredentialsSyncFailed", f"Access credentials sync failed: {after.message}")]


def on_migratability(old: Conditions, new: Conditions, strategy: str) -> list[Note]:
    """A machine that should be migrated when its node is drained, but cannot be, is better told of early."""
    before, after = find(old, LIVE_MIGRATABLE), find(new, LIVE_MIGRATABLE)
    if strategy != "LiveMigrate" or after is None or after.status != "False" or before is not None:
        return []
    return [Note("Warning", "Migrated", f"EvictionStrategy is set but vmi is not migratable; {after.message}")]


def on_guest_event(instance: VirtualMachineInstance, launcher_uid: str, event: GuestEvent) -> list[Note]:
    """What a launcher has to tell of its guest; nothing to an instance that was given the name of another one anew."""
    return [Note(event.type, event.reason, event.message)] if instance.metadata.uid == launcher_uid else []


def sync_failed(reason: str) -> Note:
    return Note("Warning", "SyncFailed", reason)
