"""Instance types and preferences in metrics: whose names are told, and what they make of a machine.

Names of instance types are users' words, and series with such labels may grow without bound. Only those of well-known
vendors are told by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.instancetypes.expansion import Offers
from kubevirt.api.instancetypes.finding import find_instancetype, find_preference
from kubevirt.api.instancetypes.lookups import Answer, Lookup, answered
from kubevirt.api.instancetypes.matchers import INSTANCETYPE_KINDS, PREFERENCE_KINDS
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resource import Resource
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.errors import Refused
from kubevirt.machine.instance import started_spec

VENDOR = "instancetype.kubevirt.io/vendor"
VENDORS = frozenset({"kubevirt.io", "redhat.com"})
OTHER = "<other>"
"""One that is not of a well-known vendor, or is not there any more."""
INSTANCETYPE_ANNOTATIONS = (
    (names.ANNOTATION_INSTANCETYPE, INSTANCETYPES), (names.ANNOTATION_CLUSTER_INSTANCETYPE, CLUSTER_INSTANCETYPES))
PREFERENCE_ANNOTATIONS = (
    (names.ANNOTATION_PREFERENCE, PREFERENCES), (names.ANNOTATION_CLUSTER_PREFERENCE, CLUSTER_PREFERENCES))

Look = Callable[[Lookup], Answer]


def of_machine(vm: VirtualMachine, look: Look) -> tuple[str, str]:
    """What is told of a machine's instance type and of its preference."""
    said = []
    for matcher, kinds in ((vm.spec.instancetype, INSTANCETYPE_KINDS), (vm.spec.preference, PREFERENCE_KINDS)):
        if matcher is None:
            said.append("")
            continue
        kind = kinds.get((matcher.kind or "").lower())
        said.append(OTHER if kind is None else told(kind, vm.metadata.namespace, matcher.name or "", look))
    return said[0], said[1]


def of_instance(meta: ObjectMeta, look: Look) -> tuple[str, str]:
    """The same of an instance, which has them in annotations."""
    said = []
    for kinds in (INSTANCETYPE_ANNOTATIONS, PREFERENCE_ANNOTATIONS):
        named = [(kind, meta.annotations[key]) for key, kind in kinds if key in meta.annotations]
        said.append(told(named[0][0], meta.namespace, named[0][1], look) if named else "")
    return said[0], said[1]


def told(kind: Resource[Any], namespace: str, name: str, look: Look) -> str:
    """The name where its vendor is well known."""
    found = look(Lookup(kind, name, namespace if kind.namespaced else ""))
    is_known = isinstance(found, kind.type_) and found.metadata.labels.get(VENDOR) in VENDORS
    return name if is_known else OTHER


def with_offers(vm: VirtualMachine, look: Look, config: ClusterConfig) -> VirtualMachineInstanceSpec:
    """The machine's template with instance type and preference put in; without them where one is gone or conflicts."""
    template = vm.spec.template.spec
    if vm.spec.instancetype is None and vm.spec.preference is None:
        return template
    try:
        instancetype, preference = answered(find_instancetype(vm), look), answered(find_preference(vm), look)
        held = Offers(instancetype=instancetype.spec if instancetype is not None else None,
                      preference=preference.spec if preference is not None else None)
        return started_spec(template, held, config, ObjectMeta())
    except Refused:
        return template
