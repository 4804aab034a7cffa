"""`spec.instancetype` and `spec.preference` of a machine: the kinds they can name, and what its status says of them."""

from typing import Final

from kubevirt.api.instancetype import VirtualMachineClusterInstancetype, VirtualMachineInstancetype
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.preference import VirtualMachineClusterPreference, VirtualMachinePreference
from kubevirt.api.resource import Resource
from kubevirt.api.vm import InstancetypeMatcher, PreferenceMatcher, VirtualMachine
from kubevirt.api.vm_status import ControllerRevisionRef, InstancetypeStatusRef

Matcher = InstancetypeMatcher | PreferenceMatcher
AnyInstancetype = VirtualMachineInstancetype | VirtualMachineClusterInstancetype
AnyPreference = VirtualMachinePreference | VirtualMachineClusterPreference

REJECT, IGNORE = "Reject", "Ignore"

INSTANCETYPE_KINDS: Final[dict[str, Resource[AnyInstancetype]]] = {
    "": CLUSTER_INSTANCETYPES,
    "virtualmachineclusterinstancetype": CLUSTER_INSTANCETYPES,
    "virtualmachineclusterinstancetypes": CLUSTER_INSTANCETYPES,
    "virtualmachineinstancetype": INSTANCETYPES,
    "virtualmachineinstancetypes": INSTANCETYPES,
}
"""By the kind or plural that a matcher may name, in lower case."""
PREFERENCE_KINDS: Final[dict[str, Resource[AnyPreference]]] = {
    "": CLUSTER_PREFERENCES,
    "virtualmachineclusterpreference": CLUSTER_PREFERENCES,
    "virtualmachineclusterpreferences": CLUSTER_PREFERENCES,
    "virtualmachinepreference": PREFERENCES,
    "virtualmachinepreferences": PREFERENCES,
}
DEFAULT_INSTANCETYPE_KIND: Final = "virtualmachineclusterinstancetype"
DEFAULT_PREFERENCE_KIND: Final = "virtualmachineclusterpreference"


def set_default_kinds(vm: VirtualMachine) -> None:
    """Who names no kind means that of the cluster."""
    if vm.spec.instancetype is not None and not vm.spec.instancetype.kind:
        vm.spec.instancetype.kind = DEFAULT_INSTANCETYPE_KIND
    if vm.spec.preference is not None and not vm.spec.preference.kind:
        vm.spec.preference.kind = DEFAULT_PREFERENCE_KIND


def status_ref(
    matcher: Matcher | None, before: InstancetypeStatusRef | None, revision: str
) -> InstancetypeStatusRef | None:
    """What the machine's status says of a matcher whose copy in use is `revision`; empty where there is none yet."""
    if matcher is None:
        return None
    before = before if before is not None else InstancetypeStatusRef()
    ref = InstancetypeStatusRef(
        name=matcher.name or before.name,
        kind=matcher.kind or before.kind,
        infer_from_volume=matcher.infer_from_volume or before.infer_from_volume,
        infer_from_volume_failure_policy=(
            matcher.infer_from_volume_failure_policy or before.infer_from_volume_failure_policy
        ),
    )
    if revision:
        ref.controller_revision_ref = ControllerRevisionRef(name=revision)
    return ref
