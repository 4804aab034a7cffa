"""What to do about a replica set: first whose instances are whose, then how many of them.

The steps are performed all at once, not in order: none depends on another. As every write's answer is in the caches
before the next look, nothing has to be remembered about writes under way.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.meta import ObjectMeta, OwnerReference
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.resources import VMI_REPLICASETS, VMIS, Resource
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import Action, Create, Delete, Event, FailureWords, Patch
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.crowd import controlled_by
from kubevirt.virt_controller.replicaset.observed import Observed
from kubevirt.virt_controller.vm.marks import VERSIONS

BURST = 250
FAILED_CREATE = FailureWords(reason="FailedCreate", event="Error creating virtual machine instance: ")
FAILED_UPDATE = FailureWords(reason="FailedUpdate")

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_BASE_AT_MOST = 58


def claim(o: Observed) -> tuple[Action, ...]:
    """The set's own marks; instances that no longer fit are let go, fitting ones without a controller are taken."""
    if o.is_deleting or not o.makes_sense:
        return ()
    annotations = {**o.rs.metadata.annotations, **VERSIONS}
    marks: tuple[Action, ...] = ()
    if annotations != o.rs.metadata.annotations:
        marked = replace(o.rs, metadata=replace(o.rs.metadata, annotations=annotations))
        marks = (Patch(resource=VMI_REPLICASETS, old=o.rs, new=marked, failed=FAILED_UPDATE),)
    released = (owned_by(v, []) for v in o.owned if not o.fits(v.metadata.labels))
    adopted = (
        owned_by(v, [controlled_by(VMI_REPLICASETS, o.rs.metadata)], only_while_alive=(VMI_REPLICASETS, o.rs))
        for v in o.free if v.metadata.deletion_timestamp is None and o.fits(v.metadata.labels)
    )
    return (*marks, *released, *adopted)


def scale(o: Observed) -> tuple[Action, ...]:
    """Instances to create or delete, at most `BURST` of them; the rest follows when these have shown effect."""
    if o.is_deleting or o.rs.spec.paused or not o.makes_sense:
        return ()
    active = o.active
    surplus = len(active) - o.wanted
    if surplus > 0:
        # Those go first that serve nobody yet, of these the youngest: they are the least loss.
        by_worth = sorted(active, key=lambda v: (is_true(v.status.conditions, "Ready"), age_s(o, v)))
        return tuple(stop(v) for v in by_worth[:min(surplus, BURST)])
    return tuple(create(o.rs, name) for name in new_names(o, min(-surplus, BURST)))


def clean_up(o: Observed) -> tuple[Action, ...]:
    """Delete those that have ended."""
    if o.is_deleting or o.rs.spec.paused or not o.makes_sense:
        return ()
    return tuple(remove(v) for v in o.spent[:BURST])


def owned_by(vmi: VirtualMachineInstance, owners: list[OwnerReference], *,
             only_while_alive: tuple[Resource[Any], Any] | None = None) -> Patch:
    """Put the instance into other hands."""
    new = replace(vmi, metadata=replace(vmi.metadata, owner_references=owners))
    return Patch(resource=VMIS, old=vmi, new=new, only_while_alive=only_while_alive, failed=FAILED_UPDATE)


def create(rs: VirtualMachineInstanceReplicaSet, name: str) -> Create:
    """One more instance from the template."""
    template = rs.spec.template
    body = VirtualMachineInstance(
        metadata=ObjectMeta(
            name=name,
            generate_name=name_base(rs),
            namespace=rs.metadata.namespace,
            labels=dict(template.metadata.labels),
            annotations=dict(template.metadata.annotations),
            owner_references=[controlled_by(VMI_REPLICASETS, rs.metadata)],
            finalizers=[names.FINALIZER_VMI_FOREGROUND],
        ),
        spec=template.spec,
    )
    message = f"Started the virtual machine by creating the new virtual machine instance {name}"
    return Create(resource=VMIS, body=body, done=Event(reason="SuccessfulCreate", message=message),
                  failed=FAILED_CREATE)


def stop(vmi: VirtualMachineInstance) -> Delete:
    """One instance less."""
    meta = vmi.metadata
    message = f"Stopped the virtual machine by deleting the virtual machine instance {meta.uid}"
    return Delete(
        resource=VMIS, target=vmi, done=Event(reason="SuccessfulDelete", message=message),
        failed=FailureWords(reason="FailedDelete", event=f"Error deleting virtual machine instance {meta.name}: "),
    )


def remove(vmi: VirtualMachineInstance) -> Delete:
    """What is left of an instance that has ended."""
    meta = vmi.metadata
    return Delete(
        resource=VMIS, target=vmi,
        done=Event(reason="SuccessfulDelete", message=f"Deleted finished virtual machine: {meta.uid}"),
        failed=FailureWords(reason="FailedDelete", event=f"Error deleting finished virtual machine {meta.name}: "),
    )


def name_base(rs: VirtualMachineInstanceReplicaSet) -> str:
    """How the names of all instances begin. Nothing is put between it and the random end."""
    meta = rs.spec.template.metadata
    return meta.name or meta.generate_name or rs.metadata.name


def new_names(o: Observed, count: int) -> Iterable[str]:
    """Names as the API server would generate them; made here, so that events can tell them."""
    chance = random.Random(o.seed)  # noqa: S311 - names, no secrets
    base = name_base(o.rs)[:_BASE_AT_MOST]
    taken = {v.metadata.name for v in (*o.owned, *o.free)}
    found: dict[str, None] = {}
    while len(found) < count:
        name = base + "".join(chance.choices(_LETTERS, k=5))
        if name not in taken:
            found[name] = None
    return found


def age_s(o: Observed, vmi: VirtualMachineInstance) -> float:
    """Seconds since the instance was created."""
    return (o.now - (vmi.metadata.creation_timestamp or o.now)).total_seconds()
