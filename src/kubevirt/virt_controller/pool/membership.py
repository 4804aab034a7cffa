"""Which machines are the pool's, and its end: it never adopts machines, but lets go of those that no longer fit.

The pool's finalizer on a machine keeps the machine until its disks are seen to. Whoever is let go loses it, so that
nobody has to remember a pool to get rid of a machine.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.virt_controller.actions import Action, Delete, FailureWords, Patch
from kubevirt.virt_controller.pool.observed import Observed
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.pool.revisions import FAILED
from kubevirt.virt_controller.revision import START_REVISIONS

Groups = tuple[tuple[Action, ...], ...]
"""What to do: the actions of a group in order, the groups side by side."""

FAILED_UPDATE = FailureWords(reason="FailedUpdate")


def without_finalizer(metadata: ObjectMeta) -> ObjectMeta:
    """The metadata without the pool's hold on the object."""
    return replace(metadata, finalizers=[f for f in metadata.finalizers if f != names.FINALIZER_POOL])


def claim(o: Observed) -> Groups:
    """The pool's own finalizer; machines that no longer fit are let go, with all that ties them to the pool."""
    if o.is_at_rest:
        return ()
    marks: Groups = ()
    meta = o.pool.metadata
    if names.FINALIZER_POOL not in meta.finalizers:
        marked = replace(o.pool, metadata=replace(meta, finalizers=[*meta.finalizers, names.FINALIZER_POOL]))
        marks = ((Patch(resource=POOLS, old=o.pool, new=marked, failed=FAILED_UPDATE),),)
    released = ((let_go(m.vm, meta.uid),) for m in o.owned if not o.fits(m.vm.metadata.labels))
    return (*marks, *released, *free(o.strays))


def let_go(vm: VirtualMachine, pool_uid: str) -> Patch:
    """The machine goes on without the pool."""
    owners = [owner for owner in vm.metadata.owner_references if owner.uid != pool_uid]
    metadata = replace(without_finalizer(vm.metadata), owner_references=owners)
    return Patch(resource=VMS, old=vm, new=replace(vm, metadata=metadata), failed=FAILED_UPDATE)


def free(machines: tuple[VirtualMachine, ...]) -> Groups:
    """Takes the finalizer off machines that no pool controls any more."""
    return tuple(
        (Patch(resource=VMS, old=vm, new=replace(vm, metadata=without_finalizer(vm.metadata)), failed=FAILED_UPDATE),)
        for vm in machines
    )


def end(o: Observed) -> tuple[Groups, Groups]:
    """What a pool that is being deleted still does: free its machines, which the garbage collector then sees to, drop
    its revisions; and after that go.
    """
    held = tuple(m.vm for m in o.owned if names.FINALIZER_POOL in m.vm.metadata.finalizers)
    dropped: Groups = tuple(
        (Delete(resource=START_REVISIONS, target=r, failed=FAILED),)
        for r in o.revisions if r.metadata.deletion_timestamp is None
    )
    meta = o.pool.metadata
    if names.FINALIZER_POOL not in meta.finalizers:
        return (*free((*held, *o.strays)), *dropped), ()
    gone = replace(o.pool, metadata=without_finalizer(meta))
    last = Patch(resource=POOLS, old=o.pool, new=gone, failed=FAILED_UPDATE)
    return (*free((*held, *o.strays)), *dropped), ((last,),)
