"""The resource of pools, apart from `kubevirt.api.kinds`: that module loads the types of sixteen kinds with it."""

from typing import Final

from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.resource import Resource

KIND: Final = "VirtualMachinePool"
POOLS: Final = Resource(
    group="pool.kubevirt.io", version="v1beta1", plural="virtualmachinepools", kind=KIND, type_=VirtualMachinePool,
    has_status=True,
)
