"""Instance types: sizes of machines that an administrator offers. A machine cannot deviate from the one it names."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, constant, marks, present, renamed, required
from kubevirt.api.compute import NUMA, DiskIOThreads, Hugepages, Realtime
from kubevirt.api.devices import GPU, HostDevice
from kubevirt.api.firmware import LaunchSecurity
from kubevirt.api.meta import ObjectMeta
from kubevirt.kit.quantity import Quantity


class CPUInstancetype(Api):
    """Virtual CPUs."""

    dedicated_cpu_placement: bool | None = renamed("dedicatedCPUPlacement", None)
    """Gives every virtual CPU a host CPU of its own."""
    guest: Int32 = required(int)
    """How many CPUs the guest sees; preferences say how they are arranged."""
    isolate_emulator_thread: bool | None = None
    """Gives the emulator a host CPU of its own, too; needs dedicatedCPUPlacement."""
    max_sockets: Int32 | None = None
    """Up to how many sockets can be plugged in while the guest runs."""
    model: str | None = None
    """CPU model: host-model, host-passthrough or a model libvirt knows."""
    numa: NUMA | None = None
    """NUMA layout."""
    realtime: Realtime | None = None
    """Real-time scheduling; needs dedicated CPUs and a NUMA layout."""


class MemoryInstancetype(Api):
    """Memory."""

    guest: Quantity = required(Quantity)
    """Bytes that the guest sees."""
    hugepages: Hugepages | None = None
    """Backs the memory by huge pages."""
    max_guest: Quantity | None = None
    """Up to how many bytes can be plugged in while the guest runs."""
    overcommit_percent: Annotated[int | None, marks(maximum=100, minimum=0)] = None
    """Percentage of the guest's memory that is not reserved on the node."""


class VirtualMachineInstancetypeSpec(Api):
    """What machines of this type are made of."""

    annotations: dict[str, str] = {}
    """Annotations that instances get."""
    cpu: CPUInstancetype = required(CPUInstancetype)
    """Virtual CPUs."""
    gpus: Annotated[list[GPU], Atomic] = []
    """GPUs handed to the guest."""
    host_devices: Annotated[list[HostDevice], Atomic] = []
    """Host devices handed to the guest."""
    io_threads: DiskIOThreads | None = None
    """How many threads serve disk I/O, with policy supplementalPool."""
    io_threads_policy: str | None = None
    """Which threads serve disk I/O: shared, auto or supplementalPool."""
    launch_security: LaunchSecurity | None = None
    """Encryption of the guest's memory."""
    memory: MemoryInstancetype = required(MemoryInstancetype)
    """Memory."""
    node_selector: dict[str, str] = {}
    """Labels the node must have."""
    scheduler_name: str | None = None
    """Scheduler that places the launcher pod."""


class VirtualMachineInstancetype(Api):
    """A size of machines, for one namespace."""

    api_version: str = constant("instancetype.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineInstancetype")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstancetypeSpec = required(VirtualMachineInstancetypeSpec)
    """What machines of this type are made of."""


class VirtualMachineClusterInstancetype(Api):
    """A size of machines, for all namespaces."""

    api_version: str = constant("instancetype.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineClusterInstancetype")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstancetypeSpec = required(VirtualMachineInstancetypeSpec)
    """What machines of this type are made of."""
