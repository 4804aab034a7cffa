"""What becomes of a start revision that nothing controls.

Deleting a VM without its dependents (`--cascade=orphan`) parts its revision from it, as it does the instance. The
revision tells what the running guest was started from, so it stays as long as that guest does, and goes to the VM that
takes the guest over: that VM can then say whether a restart is required. Nobody else would ever remove it.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import Action, Delete, FailureWords, Patch
from kubevirt.virt_controller.revision import START_REVISIONS, StartRevision, is_stray

FAILED = FailureWords(reason="FailedUpdateError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A start revision and who might want it."""

    revision: StartRevision
    machine: VirtualMachine | None = None  # of whose start it tells
    instance: VirtualMachineInstance | None = None  # that was started from it
    owner: VirtualMachine | None = None  # which controls that instance


def decide(o: Observed) -> tuple[Action, ...]:
    """Take the revision over, leave it, or remove it. Pure: same input, same answer."""
    if not is_stray(o.revision) or o.revision.metadata.deletion_timestamp is not None:
        return ()
    keeper = o.owner if o.owner is not None else o.machine
    if keeper is not None:
        return () if keeper.metadata.deletion_timestamp is not None else (taken_over(o.revision, keeper),)
    if o.instance is not None:
        return ()
    return (Delete(resource=START_REVISIONS, target=o.revision, failed=FAILED),)


def taken_over(revision: StartRevision, vm: VirtualMachine) -> Patch:
    """The revision as this VM's, unless that has gone meanwhile."""
    metadata = replace(revision.metadata, owner_references=[owner_reference(vm)])
    return Patch(resource=START_REVISIONS, old=revision, new=replace(revision, metadata=metadata),
                 only_while_alive=(VMS, vm), failed=FAILED)
