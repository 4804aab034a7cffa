"""CPU, memory and board of a machine, and what of it the launcher pod reserves."""

from typing import Annotated

from kubevirt.api.base import Api, Int32, one_of, required
from kubevirt.kit.quantity import Quantity


class Chassis(Api):
    """Chassis strings of the guest's SMBIOS tables."""

    asset: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    sku: str | None = None
    version: str | None = None


class CPUFeature(Api):
    """One CPU feature and what is done about it."""

    name: str = required(str)
    policy: str | None = None


class NUMAGuestMappingPassthrough(Api):
    """Gives the guest the NUMA layout of the CPUs and memory it was pinned to."""


class NUMA(Api):
    """NUMA layout of the guest."""

    guest_mapping_passthrough: NUMAGuestMappingPassthrough | None = None


class Realtime(Api):
    """Real-time scheduling of virtual CPUs."""

    mask: str | None = None


class CPU(Api):
    """Virtual CPUs: how many, arranged how, which model."""

    cores: Int32 | None = None
    dedicated_cpu_placement: bool | None = None
    features: list[CPUFeature] = []
    isolate_emulator_thread: bool | None = None
    max_sockets: Int32 | None = None
    model: str | None = None
    numa: NUMA | None = None
    realtime: Realtime | None = None
    sockets: Int32 | None = None
    threads: Int32 | None = None


class Hugepages(Api):
    """Backs the guest's memory by huge pages."""

    page_size: str | None = None


class ReservedOverhead(Api):
    """Memory reserved for the machine beside the guest's own."""

    added_overhead: Quantity | None = None
    mem_lock: Annotated[str | None, one_of("NotRequired", "Required")] = None


class Memory(Api):
    """Memory as the guest sees it."""

    guest: Quantity | None = None
    hugepages: Hugepages | None = None
    max_guest: Quantity | None = None
    reserved_overhead: ReservedOverhead | None = None


class Machine(Api):
    """The emulated board."""

    type: str | None = None


class ResourceRequirements(Api):
    """Compute resources of the launcher pod that are derived from the machine."""

    limits: dict[str, Quantity] = {}
    overcommit_guest_overhead: bool | None = None
    requests: dict[str, Quantity] = {}


class DiskIOThreads(Api):
    """How many threads serve disk I/O."""

    supplemental_pool_thread_count: Int32 | None = None
