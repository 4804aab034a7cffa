"""What a VM is offered, as the caches have it: the instance type and preference that it names, and copies of such."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from kubevirt.api import codec, names
from kubevirt.api.instancetypes.finding import HeldInstancetype, HeldPreference, find_instancetype, find_preference
from kubevirt.api.instancetypes.lookups import Answer, Asking, Lookup, answered
from kubevirt.api.instancetypes.matchers import INSTANCETYPE_KINDS, PREFERENCE_KINDS
from kubevirt.api.objects import ControllerRevision
from kubevirt.api.resource import Resource
from kubevirt.api.resources import CONTROLLER_REVISIONS
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.revision import StartRevision

Held = HeldInstancetype | HeldPreference


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Answers to all look-ups that a VM gives rise to, and the copies that belong to it; among these such as its status
    names and nothing controls.
    """

    found: Mapping[Lookup, msgspec.Struct] = field(default_factory=dict)
    copies: tuple[StartRevision, ...] = ()

    def look(self, lookup: Lookup) -> Answer:
        """What the caches had."""
        return self.found.get(lookup)


NOTHING = Offered()


def gather(vm: VirtualMachine, controlled: Iterable[StartRevision], look: Callable[[Lookup], Answer],
           parted: Iterable[StartRevision] = ()) -> Offered:
    """What this VM is offered; `controlled` are the revisions that it controls, `parted` those that it might."""
    copies = tuple(revision for revision in (*controlled, *parted) if is_copy(revision))
    if not copies and vm.spec.instancetype is None and vm.spec.preference is None:
        return NOTHING
    found: dict[Lookup, msgspec.Struct] = {
        Lookup(CONTROLLER_REVISIONS, copy.metadata.name, copy.metadata.namespace): readable(copy) for copy in copies
    }

    def note(lookup: Lookup) -> Answer:
        if (answer := found.get(lookup) or look(lookup)) is not None:
            found[lookup] = answer
        return answer

    for find in (find_instancetype, find_preference):
        asking: Asking[Held | None] = find(vm)
        try:
            answered(asking, note)
        except Refused:
            continue  # said when it is decided what to do
    return Offered(found=found, copies=copies)


def is_copy(revision: StartRevision) -> bool:
    """The revision holds an instance type or a preference, not a start of the VM."""
    return names.LABEL_OFFER_NAME in revision.metadata.labels


def parted_from(vm: VirtualMachine, find: Callable[[str], StartRevision | None]) -> Iterator[StartRevision]:
    """Copies that were made for a VM of this name and that nothing controls: their VM was deleted without its
    dependents, and this one has come upon them.
    """
    for ref in (vm.status.instancetype_ref, vm.status.preference_ref):
        name = ref.controller_revision_ref.name if ref is not None and ref.controller_revision_ref is not None else ""
        found = find(name) if name.startswith(f"{vm.metadata.name}-") else None
        if found is not None and found.metadata.controller is None:
            yield found


def readable(revision: StartRevision) -> ControllerRevision:
    """The revision with its data decoded; without data where that is not JSON."""
    try:
        data = codec.decode_json(bytes(revision.data))
    except Refused:
        data = None
    return ControllerRevision(metadata=revision.metadata, data=data, revision=revision.revision)


def key_of_offer(resource: Resource[msgspec.Struct], namespace: str, name: str) -> str:
    """How the index of VMs names an instance type or preference."""
    return f"{resource.plural}/{namespace if resource.namespaced else ''}/{name}"


def offers_of_vm(vm: VirtualMachine) -> Iterable[str]:
    """Index: the instance type and the preference that a VM names."""
    named: list[tuple[Resource[msgspec.Struct] | None, str | None]] = []
    if (chosen := vm.spec.instancetype) is not None:
        named.append((INSTANCETYPE_KINDS.get((chosen.kind or "").lower()), chosen.name))
    if (liked := vm.spec.preference) is not None:
        named.append((PREFERENCE_KINDS.get((liked.kind or "").lower()), liked.name))
    return [key_of_offer(kind, vm.metadata.namespace, name) for kind, name in named if kind is not None and name]
