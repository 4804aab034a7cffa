"""The resources of what machines are offered, apart from `kubevirt.api.kinds`, which loads the types of all kinds."""

from typing import Final

from kubevirt.api.instancetype import VirtualMachineClusterInstancetype, VirtualMachineInstancetype
from kubevirt.api.preference import VirtualMachineClusterPreference, VirtualMachinePreference
from kubevirt.api.resource import Resource, T

GROUP: Final = "instancetype.kubevirt.io"
VERSION: Final = "v1beta1"


def _of(plural: str, type_: type[T], *, namespaced: bool = True) -> Resource[T]:
    return Resource(
        group=GROUP, version=VERSION, plural=plural, kind=type_.__name__, type_=type_, namespaced=namespaced
    )


INSTANCETYPES: Final = _of("virtualmachineinstancetypes", VirtualMachineInstancetype)
CLUSTER_INSTANCETYPES: Final = _of(
    "virtualmachineclusterinstancetypes", VirtualMachineClusterInstancetype, namespaced=False
)
PREFERENCES: Final = _of("virtualmachinepreferences", VirtualMachinePreference)
CLUSTER_PREFERENCES: Final = _of("virtualmachineclusterpreferences", VirtualMachineClusterPreference, namespaced=False)
