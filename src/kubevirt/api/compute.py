"""CPU, memory and board of a machine, and what of it the launcher pod reserves."""

from typing import Annotated

from kubevirt.api.base import Api, Int32, one_of, required
from kubevirt.kit.quantity import Quantity


class Chassis(Api):
    """Chassis strings of the guest's SMBIOS tables."""

    asset: str | None = None
    """Asset tag."""
    manufacturer: str | None = None
    """Manufacturer."""
    serial: str | None = None
    """Serial number."""
    sku: str | None = None
    """Stock keeping unit."""
    version: str | None = None
    """Version."""


class CPUFeature(Api):
    """One CPU feature and what is done about it."""

    name: str = required(str)
    """Name of the feature, as libvirt knows it."""
    policy: str | None = None
    """force, require (the default), optional, disable or forbid."""


class NUMAGuestMappingPassthrough(Api):
    """Gives the guest the NUMA layout of the CPUs and memory it was pinned to."""


class NUMA(Api):
    """NUMA layout of the guest."""

    guest_mapping_passthrough: NUMAGuestMappingPassthrough | None = None
    """Takes over the layout of the host CPUs that the guest is pinned to."""


class Realtime(Api):
    """Real-time scheduling of virtual CPUs."""

    mask: str | None = None
    """The CPUs it is for, such as 0-3,^1; all where unset."""


class CPU(Api):
    """Virtual CPUs: how many, arranged how, which model."""

    cores: Int32 | None = None
    """Cores per socket. The default is 1."""
    dedicated_cpu_placement: bool | None = None
    """Gives every virtual CPU a host CPU of its own."""
    features: list[CPUFeature] = []
    """CPU features to add to or take from the model."""
    isolate_emulator_thread: bool | None = None
    """Gives the emulator a host CPU of its own, too; needs dedicatedCpuPlacement."""
    max_sockets: Int32 | None = None
    """Up to how many sockets can be plugged in while the guest runs."""
    model: str | None = None
    """CPU model: host-model (the default), host-passthrough or a model libvirt knows."""
    numa: NUMA | None = None
    """NUMA layout."""
    realtime: Realtime | None = None
    """Real-time scheduling; needs dedicatedCpuPlacement and a NUMA layout."""
    sockets: Int32 | None = None
    """Sockets. The default is 1."""
    threads: Int32 | None = None
    """Threads per core. The default is 1."""


class Hugepages(Api):
    """Backs the guest's memory by huge pages."""

    page_size: str | None = None
    """Size of a page: 2Mi or 1Gi on amd64."""


class ReservedOverhead(Api):
    """Memory reserved for the machine beside the guest's own."""

    added_overhead: Quantity | None = None
    """Memory reserved in addition to the calculated overhead."""
    mem_lock: Annotated[str | None, one_of("NotRequired", "Required")] = None
    """Whether all memory is locked: Required or NotRequired."""


class Memory(Api):
    """Memory as the guest sees it."""

    guest: Quantity | None = None
    """What the guest sees. The default is what the launcher pod requests."""
    hugepages: Hugepages | None = None
    """Backs the memory by huge pages."""
    max_guest: Quantity | None = None
    """Up to how much memory can be plugged in while the guest runs."""
    reserved_overhead: ReservedOverhead | None = None
    """Memory reserved for the machine beside the guest's own."""


class Machine(Api):
    """The emulated board."""

    type: str | None = None
    """Name of the board: q35, virt, s390-ccw-virtio or a version of one."""


class ResourceRequirements(Api):
    """Compute resources of the launcher pod that are derived from the machine."""

    limits: dict[str, Quantity] = {}
    """What the launcher pod cannot exceed."""
    overcommit_guest_overhead: bool | None = None
    """Does not reserve the memory beside the guest's own: denser, at the risk of being killed for lack of memory."""
    requests: dict[str, Quantity] = {}
    """What is reserved for the launcher pod."""


class DiskIOThreads(Api):
    """How many threads serve disk I/O."""

    supplemental_pool_thread_count: Int32 | None = None
    """Number of threads."""
