"""Instance type and preference put into a machine: the spec that its instances really get."""

from dataclasses import dataclass

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults.instance import connect_to_pod_network, fill_spec, show_volumes
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.conflicts import Conflict, Conflicting
from kubevirt.api.instancetypes.device_preferences import apply_autoattach
from kubevirt.api.instancetypes.preferences import apply_preference
from kubevirt.api.instancetypes.sizes import apply_instancetype
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstanceSpec

TEMPLATE = "spec.template.spec"


@dataclass(frozen=True, kw_only=True)
class Offers:
    """The instance type and the preference that a machine names, as they hold for it."""

    instancetype: VirtualMachineInstancetypeSpec | None = None
    preference: VirtualMachinePreferenceSpec | None = None

    def __bool__(self) -> bool:
        return self.instancetype is not None or self.preference is not None


NO_OFFERS = Offers()


def apply_offers(
    offers: Offers, spec: VirtualMachineInstanceSpec, metadata: ObjectMeta, *, at: str = TEMPLATE
) -> list[Conflict]:
    """Put both into `spec` and `metadata`; the conflicts, with `at` as the path of the spec."""
    if offers.instancetype is not None:
        conflicts = apply_instancetype(at, offers.instancetype, offers.preference, spec, metadata)
        if conflicts:
            return conflicts
    if offers.preference is not None:
        apply_preference(offers.preference, spec, metadata)
    return []


def apply_autoattach_preferences(offers: Offers, spec: VirtualMachineInstanceSpec) -> None:
    """Only which devices there are unasked."""
    if offers.preference is not None and offers.preference.devices is not None:
        apply_autoattach(offers.preference.devices, spec.domain.devices)


def expand_vm(vm: VirtualMachine, offers: Offers, config: ClusterConfig) -> VirtualMachine:
    """The machine without references to what it was offered, but with everything from there in its template.

    Raises Conflicting, and Refused where the cluster's default network binding cannot be used.
    """
    if vm.spec.instancetype is None and vm.spec.preference is None:
        return vm
    vm = codec.clone(vm)
    spec = vm.spec.template.spec
    apply_autoattach_preferences(offers, spec)
    show_volumes(spec)
    connect_to_pod_network(spec, config)
    if conflicts := apply_offers(offers, spec, vm.spec.template.metadata):
        raise Conflicting(conflicts)
    fill_spec(spec, config)
    vm.spec.instancetype = vm.spec.preference = None
    vm.status.instancetype_ref = vm.status.preference_ref = None
    return vm
