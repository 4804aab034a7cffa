"""The number of machines: which to create, which to delete, and what a machine on its way out may leave behind.

A machine that is being deleted keeps its number until it is gone, so it counts. Its disks follow it, unless the pool's
state preservation lets them stay for the next machine of that number.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pool import VirtualMachinePoolScaleInStrategy
from kubevirt.api.resource import Resource
from kubevirt.api.resources import PVCS, VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.virt_controller.actions import Action, Create, Delete, Event, FailureWords, Patch
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES
from kubevirt.virt_controller.pool.machines import name_of, new_machine
from kubevirt.virt_controller.pool.membership import Groups, without_finalizer
from kubevirt.virt_controller.pool.observed import BURST, Member, Observed
from kubevirt.virt_controller.pool.revisions import Revisions
from kubevirt.virt_controller.pool.selection import chosen

FOREGROUND = "foregroundDeletion"
FAILED_CREATE = FailureWords(reason="FailedCreate", event="Error creating VM: ")


def scale_out(o: Observed, revisions: Revisions) -> Groups:
    """New machines, with the lowest numbers that are free."""
    if o.is_at_rest or o.surplus >= 0:
        return ()
    return tuple((create(o, index, revisions),) for index in free_indexes(o, min(-o.surplus, BURST)))


def free_indexes(o: Observed, how_many: int) -> Iterator[int]:
    """The lowest numbers whose names nobody has."""
    return islice((i for i in count() if not o.is_taken(name_of(o.pool, i))), how_many)


def create(o: Observed, index: int, revisions: Revisions) -> Create:
    """One more machine."""
    body = new_machine(o.pool, index, revision=revisions.current)
    message = f"Created VM {body.metadata.namespace}/{body.metadata.name}"
    return Create(resource=VMS, body=body, done=Event(reason="SuccessfulCreate", message=message),
                  failed=FAILED_CREATE)


def scale_in(o: Observed) -> Groups:
    """Machines to delete, in the order of the policy. Raises Refused for selectors that cannot be read."""
    if o.is_at_rest or not is_proactive(o.pool.spec.scale_in_strategy):
        return ()
    number = o.surplus - sum(m.is_deleting for m in o.members)
    if number <= 0:
        return ()
    strategy = o.pool.spec.scale_in_strategy
    policy = strategy.proactive.selection_policy if strategy is not None and strategy.proactive is not None else None
    there = [m for m in o.members if not m.is_deleting]
    return tuple((delete(m.vm),) for m in chosen(o, there, policy)[:min(number, BURST)])


def delete(vm: VirtualMachine) -> Delete:
    """One machine less."""
    meta = vm.metadata
    message = f"Deleted VM {meta.namespace}/{meta.name} with uid {meta.uid} from pool"
    return Delete(resource=VMS, target=vm, done=Event(reason="SuccessfulDelete", message=message), failed=FailureWords(
        reason="FailedDelete", event=f"Error deleting virtual machine {meta.namespace}/{meta.name}: "))


def is_proactive(strategy: VirtualMachinePoolScaleInStrategy | None) -> bool:
    """The pool deletes machines by itself."""
    return strategy is None or (strategy.unmanaged is None and strategy.opportunistic is None)


def leaving(o: Observed) -> list[Member]:
    """Machines on their way out that the pool still holds. Unmanaged, their clean-up is somebody else's."""
    strategy = o.pool.spec.scale_in_strategy
    if o.is_at_rest or (strategy is not None and strategy.unmanaged is not None):
        return []
    return [m for m in o.members if m.is_deleting and names.FINALIZER_POOL in m.vm.metadata.finalizers]


def disks_to_keep(o: Observed, member: Member) -> list[str]:
    """Names of the data volumes and claims that are to survive the machine.

    A machine that was deleted in the foreground takes its disks with it: that was asked for, by whoever deleted it, or
    by the pool because its data volumes are to be made anew.
    """
    strategy = o.pool.spec.scale_in_strategy or VirtualMachinePoolScaleInStrategy()
    of = strategy.opportunistic or strategy.proactive
    if of is None or of.state_preservation not in ("Offline", "Online"):
        return []
    if FOREGROUND in member.vm.metadata.finalizers:
        return []
    return disks_of(member.vm)


def disks_of(vm: VirtualMachine) -> list[str]:
    """Names of the data volumes that a machine makes, and of the data volumes and claims that it uses."""
    spec = vm.spec
    found = [t.metadata.name for t in spec.data_volume_templates if t.metadata is not None]
    for volume in spec.template.spec.volumes:
        if volume.data_volume is not None:
            found.append(volume.data_volume.name)
        if volume.persistent_volume_claim is not None:
            found.append(volume.persistent_volume_claim.claim_name)
    return list(dict.fromkeys(found))


def clean_up(o: Observed) -> Groups:
    """Takes the disks that are to stay out of the hands of machines on their way out, then lets those go."""
    return tuple(finalize(o, m) for m in leaving(o)[:BURST])


def finalize(o: Observed, member: Member) -> tuple[Action, ...]:
    """One machine's last steps in the pool."""
    meta = member.vm.metadata
    who = f"VM {meta.namespace}/{meta.name}: "
    kept: list[Action] = []
    for name in disks_to_keep(o, member):
        for resource, text in ((DATA_VOLUMES, "DataVolume"), (PVCS, "PVC")):
            disk = o.disks.get(f"{resource.plural}/{name}")
            if disk is not None and any(owner.uid == meta.uid for owner in disk.metadata.owner_references):
                words = FailureWords(reason="FailedUpdate", event=f"Error removing {text} owner references for {who}")
                kept.append(disowned(resource, disk, meta.uid, words))
    words = FailureWords(reason="FailedUpdate", event=f"Error removing finalizer for {who}")
    freed = replace(member.vm, metadata=without_finalizer(meta))
    return (*kept, Patch(resource=VMS, old=member.vm, new=freed, failed=words))


def disowned(resource: Resource[Any], disk: Any, uid: str, words: FailureWords) -> Patch:
    """The disk without the machine as its owner."""
    owners = [owner for owner in disk.metadata.owner_references if owner.uid != uid]
    new = replace(disk, metadata=replace(disk.metadata, owner_references=owners))
    return Patch(resource=resource, old=disk, new=new, failed=words)
