"""Which instance type and preference hold for a machine: the copy it was given, else the object it names.

The copy (a ControllerRevision) is made once and then kept, so that nothing happens to a machine when an administrator
changes what is offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from kubevirt.api import codec
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.expansion import Offers
from kubevirt.api.instancetypes.lookups import Asking, look_up
from kubevirt.api.instancetypes.matchers import (
    INSTANCETYPE_KINDS,
    PREFERENCE_KINDS,
    AnyInstancetype,
    AnyPreference,
    Matcher,
)
from kubevirt.api.names import LABEL_OFFER_NAME
from kubevirt.api.objects import ControllerRevision
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.resource import Resource
from kubevirt.api.resources import CONTROLLER_REVISIONS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vm_status import InstancetypeStatusRef
from kubevirt.kit.errors import Refused

Spec = TypeVar("Spec", VirtualMachineInstancetypeSpec, VirtualMachinePreferenceSpec)
Source = TypeVar("Source", AnyInstancetype, AnyPreference)


@dataclass(frozen=True, kw_only=True)
class Held(Generic[Spec, Source]):
    """What holds for a machine: the object itself (`source`), or the copy with the name `revision`."""

    spec: Spec
    source: Source | None = None
    revision: str = ""


HeldInstancetype = Held[VirtualMachineInstancetypeSpec, AnyInstancetype]
HeldPreference = Held[VirtualMachinePreferenceSpec, AnyPreference]


def find_offers(vm: VirtualMachine) -> Asking[Offers]:
    """Both specs. Raises Missing, and Refused for kinds that are none."""
    instancetype = yield from find_instancetype(vm)
    preference = yield from find_preference(vm)
    return Offers(
        instancetype=instancetype.spec if instancetype is not None else None,
        preference=preference.spec if preference is not None else None,
    )


def find_instancetype(vm: VirtualMachine) -> Asking[HeldInstancetype | None]:
    """The machine's instance type. Raises Missing, and Refused for a kind that is none."""
    matcher = vm.spec.instancetype
    if matcher is None:
        return None
    copy = yield from _find_copy(vm, matcher, vm.status.instancetype_ref)
    if copy is not None:
        return Held(spec=read_copy(copy, VirtualMachineInstancetypeSpec), revision=copy.metadata.name)
    found = yield from _find_itself(vm, matcher, INSTANCETYPE_KINDS)
    return Held(spec=found.spec, source=found)


def find_preference(vm: VirtualMachine) -> Asking[HeldPreference | None]:
    """The machine's preference. Raises Missing, and Refused for a kind that is none."""
    matcher = vm.spec.preference
    if matcher is None:
        return None
    copy = yield from _find_copy(vm, matcher, vm.status.preference_ref)
    if copy is not None:
        return Held(spec=read_copy(copy, VirtualMachinePreferenceSpec), revision=copy.metadata.name)
    found = yield from _find_itself(vm, matcher, PREFERENCE_KINDS)
    return Held(spec=found.spec, source=found)


def _find_itself(vm: VirtualMachine, matcher: Matcher, kinds: Mapping[str, Resource[Source]]) -> Asking[Source]:
    """The object that the matcher names."""
    kind = kinds.get((matcher.kind or "").lower())
    if kind is None:
        raise Refused(
            cause=f"got unexpected kind in {type(matcher).__name__}: {matcher.kind}",
            remedy=f"name a kind such as {kinds[''].kind}",
        )
    return (yield from look_up(kind, matcher.name or "", vm.metadata.namespace))


def _find_copy(
    vm: VirtualMachine, matcher: Matcher, ref: InstancetypeStatusRef | None
) -> Asking[ControllerRevision | None]:
    """The copy that the matcher names; else the one of the status, if it is of what the matcher names now."""
    if matcher.revision_name:
        return (yield from look_up(CONTROLLER_REVISIONS, matcher.revision_name, vm.metadata.namespace))
    name = ref.controller_revision_ref.name if ref is not None and ref.controller_revision_ref is not None else ""
    if ref is None or not name or ref.kind.lower() != (matcher.kind or "").lower():
        return None
    copy = yield from look_up(CONTROLLER_REVISIONS, name, vm.metadata.namespace)
    return copy if copy.metadata.labels.get(LABEL_OFFER_NAME) == matcher.name else None


def read_copy(copy: ControllerRevision, type_: type[Spec]) -> Spec:
    """The spec in a copy. Raises Refused for a ControllerRevision that holds something else."""
    data = copy.data if isinstance(copy.data, dict) else {}
    kinds = INSTANCETYPE_KINDS if type_ is VirtualMachineInstancetypeSpec else PREFERENCE_KINDS
    kind = str(data.get("kind") or "")
    if not kind or kind.lower() not in kinds:
        raise Refused(
            cause=f"unexpected type in ControllerRevision {copy.metadata.name}: {kind or 'none'}",
            remedy="clear revisionName, so that a new copy is made",
        )
    return codec.convert(data.get("spec"), type_)
