"""The way of a machine through admission: matchers resolved, defaults, then the rules on what its instances would be.

For machines without instance type and preference nothing is asked of the cluster.
"""

from dataclasses import dataclass, field

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm, default_vmi
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.expansion import Offers, apply_offers
from kubevirt.api.instancetypes.finding import find_instancetype, find_preference
from kubevirt.api.instancetypes.inference import infer
from kubevirt.api.instancetypes.lookups import Asking, Missing, look_up
from kubevirt.api.instancetypes.matcher_rules import matcher_causes
from kubevirt.api.instancetypes.matchers import set_default_kinds
from kubevirt.api.instancetypes.requirements import unmet
from kubevirt.api.instancetypes.topology import spread_conflict
from kubevirt.api.instancetypes.volume_sources import DATA_SOURCES
from kubevirt.api.names import LABEL_ARCHITECTURE
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.resources import VMIS
from kubevirt.api.validation import Cause, validate_vm
from kubevirt.api.validation.architecture import ARCHITECTURES
from kubevirt.api.validation.causes import invalid, not_found
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceTemplateSpec
from kubevirt.kit.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Defaulted:
    """A machine with its defaults; as it came, with the causes, where its matchers are wrong."""

    vm: VirtualMachine
    causes: list[Cause] = field(default_factory=list)


def names_offers(vm: VirtualMachine) -> bool:
    """Whether the machine names an instance type or a preference at all."""
    return vm.spec.instancetype is not None or vm.spec.preference is not None


def set_defaults(
    vm: VirtualMachine, config: ClusterConfig, *, create: bool, old: VirtualMachine | None = None
) -> Asking[Defaulted]:
    """The machine with its defaults. Raises Refused where nothing can be inferred from a volume."""
    if not vm.spec.has_template:
        return Defaulted(vm=vm)
    preference = None
    if names_offers(vm):
        if causes := matcher_causes(vm, old):
            return Defaulted(vm=vm, causes=causes)
        vm = codec.clone(vm)
        yield from infer(vm)
        set_default_kinds(vm)
        preference = yield from _preference_if_there(vm)
    if not vm.spec.template.spec.architecture and not (preference is not None and preference.preferred_architecture):
        vm = yield from _with_architecture_of_source(vm)
    return Defaulted(vm=default_vm(vm, config, create=create, preference=preference))


def _preference_if_there(vm: VirtualMachine) -> Asking[VirtualMachinePreferenceSpec | None]:
    """The preference; None where it cannot be found, which is said once, by the rules."""
    try:
        held = yield from find_preference(vm)
    except Refused:
        return None
    return held.spec if held is not None else None


def _with_architecture_of_source(vm: VirtualMachine) -> Asking[VirtualMachine]:
    """Data sources know for which architecture their images are made."""
    for template in vm.spec.data_volume_templates:
        ref = template.spec.source_ref
        if ref is None or ref.kind != "DataSource":
            continue
        try:
            source = yield from look_up(DATA_SOURCES, ref.name, ref.namespace or vm.metadata.namespace)
        except Missing:
            continue
        architecture = source.metadata.labels.get(LABEL_ARCHITECTURE)
        if architecture in ARCHITECTURES:  # whoever writes anything else on a source does not keep machines from it
            vm = codec.clone(vm)
            vm.spec.template.spec.architecture = architecture
            return vm
    return vm


def check(vm: VirtualMachine, config: ClusterConfig, old: VirtualMachine | None = None) -> Asking[list[Cause]]:
    """What is wrong with a machine; `old` is the stored one where it is changed."""
    vmi = yield from _instance_if_needed(vm)
    if not names_offers(vm) or not vm.spec.has_template:
        return validate_vm(vm, config, old, vmi=vmi)
    try:
        held_instancetype = yield from find_instancetype(vm)
    except Refused as e:
        return [not_found("spec.instancetype", f"Failure to find instancetype: {e.cause}")]
    try:
        held_preference = yield from find_preference(vm)
    except Refused as e:
        return [not_found("spec.preference", f"Failure to find preference: {e.cause}")]
    instancetype = held_instancetype.spec if held_instancetype is not None else None
    preference = held_preference.spec if held_preference is not None else None
    template = codec.clone(vm.spec.template)
    if causes := _expanded(template, instancetype, preference, config):
        return causes
    return validate_vm(vm, config, old, vmi=vmi, template=template)


def _instance_if_needed(vm: VirtualMachine) -> Asking[VirtualMachineInstance | None]:
    """The machine's instance, which matters while volumes are to be plugged into it."""
    if not vm.status.volume_requests:
        return None
    try:
        return (yield from look_up(VMIS, vm.metadata.name, vm.metadata.namespace))
    except Missing:
        return None


def _expanded(
    template: VirtualMachineInstanceTemplateSpec,
    instancetype: VirtualMachineInstancetypeSpec | None,
    preference: VirtualMachinePreferenceSpec | None,
    config: ClusterConfig,
) -> list[Cause]:
    """Put both into the template; what keeps them from fitting."""
    if (undivided := spread_conflict(instancetype, preference)) is not None:
        return [invalid(undivided.path, undivided.message)]
    offers = Offers(instancetype=instancetype, preference=preference)
    if conflicts := apply_offers(offers, template.spec, template.metadata):
        return [invalid(conflict.path, conflict.message) for conflict in conflicts]
    if preference is None or preference.requirements is None:
        return []
    try:
        started = default_vmi(VirtualMachineInstance(metadata=template.metadata, spec=template.spec), config)
    except Refused:
        return []  # the rules on the template say it
    demand = unmet(instancetype, preference, started.spec)
    return [demand] if demand is not None else []
