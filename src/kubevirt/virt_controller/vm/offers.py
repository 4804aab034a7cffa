"""Instance type and preference of a VM: which hold for it, the copies that are made of them, what its status says.

A copy is a ControllerRevision that belongs to the VM. It is made when the VM is first seen, and holds from then on, so
that a VM stays what it is when an administrator changes what is offered. Under the reference policies `expand` and
`expandAll` there are no copies: instance type and preference become part of the VM's own template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from kubevirt.api import codec, names
from kubevirt.api.instancetypes.conflicts import Conflicting
from kubevirt.api.instancetypes.expansion import NO_OFFERS, Offers, apply_offers, expand_vm
from kubevirt.api.instancetypes.finding import (
    HeldInstancetype,
    HeldPreference,
    find_instancetype,
    find_preference,
)
from kubevirt.api.instancetypes.lookups import Asking, Lookup, answered
from kubevirt.api.instancetypes.matchers import AnyInstancetype, AnyPreference, Matcher, status_ref
from kubevirt.api.instancetypes.resources import VERSION
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.objects import ControllerRevision
from kubevirt.api.resources import CONTROLLER_REVISIONS, VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vm_status import InstancetypeStatusRef
from kubevirt.kit.errors import Refused
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import Action, Create, Delete, Event, FailureWords, Patch, SyncProblem
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.revision import START_REVISIONS
from kubevirt.virt_controller.vm.observed import Decision, Observed
from kubevirt.virt_controller.vm.offered import Held
from kubevirt.virt_controller.vm.revisions import stored_form

Source = AnyInstancetype | AnyPreference

REFERENCE, EXPAND, EXPAND_ALL = "reference", "expand", "expandAll"
STORING = "error encountered while storing instancetype.kubevirt.io controllerRevisions: "
FAILED_STORE = FailureWords(reason="FailedCreate", condition=STORING, event=STORING)
FAILED_EXPAND = FailureWords(
    reason="FailedUpdateError", condition="error encountered when trying to update expanded VirtualMachine: "
)


def step(o: Observed) -> Decision:
    """What is to be done about instance type and preference before anything else; nothing for most VMs."""
    vm = o.vm
    if vm.spec.instancetype is None and vm.spec.preference is None:
        return Decision()
    try:
        instancetype = answered(find_instancetype(vm), o.offered.look)
    except Refused as e:
        return Decision(problem=SyncProblem(reason="FailedFindInstancetype", message=e.cause, retry=False))
    try:
        preference = answered(find_preference(vm), o.offered.look)
    except Refused as e:
        return Decision(problem=SyncProblem(reason="FailedFindPreference", message=e.cause, retry=False))
    settings = o.config.raw.instancetype
    policy = settings.reference_policy if settings is not None else None
    if policy == EXPAND_ALL or (policy == EXPAND and not has_copies(vm)):
        return _expand(o, _offers(instancetype, preference))
    return _store(o, instancetype, preference)


def has_copies(vm: VirtualMachine) -> bool:
    """The VM's status names a copy."""
    refs = (vm.status.instancetype_ref, vm.status.preference_ref)
    return any(ref is not None and ref.controller_revision_ref is not None for ref in refs)


def _offers(instancetype: HeldInstancetype | None, preference: HeldPreference | None) -> Offers:
    return Offers(
        instancetype=instancetype.spec if instancetype is not None else None,
        preference=preference.spec if preference is not None else None,
    )


def _expand(o: Observed, offers: Offers) -> Decision:
    """Everything into the VM itself. Copies that are left from another policy go."""
    try:
        expanded = expand_vm(o.vm, offers, o.config)
    except Refused as e:
        message = f"error encountered while expanding into VirtualMachine: {e.cause}"
        return Decision(problem=SyncProblem(reason="FailedCreate", message=message, retry=False))
    copies = tuple(Delete(resource=START_REVISIONS, target=copy, failed=FAILED_EXPAND) for copy in o.offered.copies)
    return Decision(actions=(Patch(resource=VMS, old=o.vm, new=expanded, failed=FAILED_EXPAND), *copies))


def _store(o: Observed, instancetype: HeldInstancetype | None, preference: HeldPreference | None) -> Decision:
    """Copies of what has none yet."""
    actions: list[Action] = []
    for held in (instancetype, preference):
        if held is None or held.source is None:
            continue
        name = copy_name(o.vm, held.source)
        there = o.offered.look(Lookup(CONTROLLER_REVISIONS, name, o.vm.metadata.namespace))
        if there is None:
            actions.append(Create(resource=START_REVISIONS, body=copy_of(o.vm, held.source), failed=FAILED_STORE))
        elif not _is_copy_of(there, held):
            return _not_stored(o, f"found existing ControllerRevision with unexpected data: {name}")
    if actions and instancetype is not None:
        template = codec.clone(o.vm.spec.template)
        only = Offers(instancetype=instancetype.spec)
        if conflicts := apply_offers(only, template.spec, template.metadata):
            return _not_stored(o, Conflicting(conflicts).cause)
    return Decision(actions=(*actions, *_adoptions(o)))


def _adoptions(o: Observed) -> Iterator[Patch]:
    """Copies that a former VM of this name has left, and that this one uses, become its own."""
    for copy in o.offered.copies:
        if copy.metadata.controller is None:
            metadata = replace(copy.metadata, owner_references=[owner_reference(o.vm)])
            yield Patch(resource=START_REVISIONS, old=copy, new=replace(copy, metadata=metadata),
                        only_while_alive=(VMS, o.vm), failed=FAILED_STORE)


def _not_stored(o: Observed, cause: str) -> Decision:
    problem = SyncProblem(reason=FAILED_STORE.reason, message=STORING + cause, retry=False)
    return Decision(problem=problem, news=once(o, problem, FAILED_STORE.told(cause)))


def once(o: Observed, problem: SyncProblem, event: Event | None) -> tuple[Event, ...]:
    """The event, unless the VM tells of this very problem already."""
    failure = find(o.vm.status.conditions, "Failure")
    known = failure is not None and failure.message == problem.message
    return () if event is None or known else (event,)


def _is_copy_of(there: msgspec.Struct, held: Held) -> bool:
    data = there.data if isinstance(there, ControllerRevision) else None
    if not isinstance(data, dict):
        return False
    try:
        return bool(codec.convert(data.get("spec"), type(held.spec)) == held.spec)
    except Refused:
        return False


def copy_name(vm: VirtualMachine, source: Source) -> str:
    """The name of the copy of this very state of the object."""
    meta = source.metadata
    return f"{vm.metadata.name}-{meta.name}-{VERSION}-{meta.uid}-{meta.generation}"


def copy_of(vm: VirtualMachine, source: Source) -> dict[str, object]:
    """The copy as it is created."""
    meta = source.metadata
    kept = ObjectMeta(
        name=meta.name, namespace=meta.namespace, uid=meta.uid, generation=meta.generation,
        resource_version=meta.resource_version, creation_timestamp=meta.creation_timestamp,
    )  # fmt: skip
    metadata = ObjectMeta(
        name=copy_name(vm, source),
        namespace=vm.metadata.namespace,
        labels={
            names.LABEL_OFFER_GENERATION: str(meta.generation),
            names.LABEL_OFFER_KIND: source.kind,
            names.LABEL_OFFER_NAME: meta.name,
            names.LABEL_OFFER_UID: meta.uid,
            names.LABEL_OFFER_VERSION: VERSION,
        },
        owner_references=[owner_reference(vm)],
    )
    return {
        "metadata": codec.to_builtins(metadata),
        "data": stored_form(codec.to_builtins(replace(source, metadata=kept))),
        "revision": 0,
    }


def held_offers(o: Observed, vm: VirtualMachine | None = None) -> Offers:
    """The specs that hold for the VM, or for a former state of it. Raises Refused where one cannot be found."""
    vm = vm or o.vm
    if vm.spec.instancetype is None and vm.spec.preference is None:
        return NO_OFFERS
    return _offers(answered(find_instancetype(vm), o.offered.look), answered(find_preference(vm), o.offered.look))


def pinned(o: Observed) -> VirtualMachine:
    """The VM with the names of the copies in its matchers, as its start revision remembers it."""
    spec, (instancetype, preference) = o.vm.spec, refs(o)
    if spec.instancetype is not None and (name := _revision(instancetype)):
        spec = replace(spec, instancetype=replace(spec.instancetype, revision_name=name))
    if spec.preference is not None and (name := _revision(preference)):
        spec = replace(spec, preference=replace(spec.preference, revision_name=name))
    return o.vm if spec is o.vm.spec else replace(o.vm, spec=spec)


def refs(o: Observed) -> tuple[InstancetypeStatusRef | None, InstancetypeStatusRef | None]:
    """What the VM's status says of its instance type and of its preference."""
    vm = o.vm
    return (
        _ref(o, vm.spec.instancetype, vm.status.instancetype_ref, find_instancetype),
        _ref(o, vm.spec.preference, vm.status.preference_ref, find_preference),
    )


def _ref(
    o: Observed,
    matcher: Matcher | None,
    before: InstancetypeStatusRef | None,
    find_held: Callable[[VirtualMachine], Asking[Held | None]],
) -> InstancetypeStatusRef | None:
    if matcher is None:
        return None
    try:
        held = answered(find_held(o.vm), o.offered.look)
    except Refused:
        return before
    if held is None:
        return None
    name = held.revision
    if held.source is not None:
        there = copy_name(o.vm, held.source)
        found = o.offered.look(Lookup(CONTROLLER_REVISIONS, there, o.vm.metadata.namespace))
        name = there if found is not None else ""
    return status_ref(matcher, before, name) if name else before


def _revision(ref: InstancetypeStatusRef | None) -> str:
    return ref.controller_revision_ref.name if ref is not None and ref.controller_revision_ref is not None else ""


def not_applied(o: Observed, cause: str) -> Decision:
    """The start fails because the template has fields which are its instance type's."""
    problem = SyncProblem(reason="FailedCreate", message=f"Failure while starting VMI: {cause}", retry=False)
    event = Event(type="Warning", reason="FailedCreate",
                  message=f"Error creating virtual machine instance: Failed to apply instancetype: {cause}")
    return Decision(problem=problem, news=once(o, problem, event))
