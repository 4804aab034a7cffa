"""Dedicated CPUs: which host CPU runs which vCPU, and guest NUMA cells that mirror the host's.

The kubelet gave the pod a set of host CPUs for itself. vCPUs that are threads of one guest core should be threads of
one host core, so whole cores are handed out first, then what is left of cores within a cell, then what is left
anywhere. A guest that takes over the host's NUMA layout never mixes cells within a core.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity
from kubevirt.machine import guest_cpu
from kubevirt.machine.domain import iothreads, models
from kubevirt.machine.domain.context import DomainContext, HostCell
from kubevirt.machine.domain.xml import Element, el

EVEN_PARITY_ANNOTATION = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity"
LOCAL_DISTANCE = 10


class GuestCell(msgspec.Struct, frozen=True):
    """A NUMA cell of the guest and the host cell it stands for."""

    id: int
    host_id: int
    vcpus: tuple[int, ...]
    memory_bytes: int
    distances: tuple[tuple[int, int], ...]  # guest cell id -> distance


class Pinning(msgspec.Struct, frozen=True, kw_only=True):
    """Host CPUs of each vCPU, of the emulator and of the I/O threads; NUMA cells when they are handed through."""

    vcpus: tuple[int, ...]
    emulator: tuple[int, ...] = ()
    io_threads: tuple[tuple[int, ...], ...] = ()
    cells: tuple[GuestCell, ...] = ()
    page_bytes: int = 0


class _Pool(msgspec.Struct):
    """Host CPUs not handed out yet, by cell and core."""

    cells: list[tuple[int, list[list[int]]]] = msgspec.field(default_factory=list)

    def take_core(self, threads: int) -> list[int] | None:
        """Threads of one host core."""
        for _, cores in self.cells:
            for core in cores:
                if len(core) >= threads:
                    return [core.pop(0) for _ in range(threads)]
        return None

    def take_in_cell(self, threads: int) -> list[int] | None:
        """Threads of different cores within a cell."""
        for _, cores in self.cells:
            if sum(map(len, cores)) >= threads:
                return _take(cores, threads)
        return None

    def take_anywhere(self, threads: int) -> list[int] | None:
        everywhere = [core for _, cores in self.cells for core in cores]
        return _take(everywhere, threads) if sum(map(len, everywhere)) >= threads else None

    def rest(self) -> Iterator[int]:
        for _, cores in self.cells:
            for core in cores:
                while core:
                    yield core.pop(0)


def _take(cores: list[list[int]], count: int) -> list[int]:
    taken: list[int] = []
    for core in cores:
        while core and len(taken) < count:
            taken.append(core.pop(0))
    return taken


def is_dedicated(vmi: VirtualMachineInstance) -> bool:
    cpu = vmi.spec.domain.cpu
    return cpu is not None and bool(cpu.dedicated_cpu_placement)


def emulator_cpus(vmi: VirtualMachineInstance) -> int:
    """Host CPUs set aside for QEMU's own threads; a second one evens out the count where hyper-threads go in pairs."""
    cpu = vmi.spec.domain.cpu
    if cpu is None or not cpu.isolate_emulator_thread:
        return 0
    even = guest_cpu.count_vcpus(vmi.spec.domain) % 2 == 0
    return 2 if even and EVEN_PARITY_ANNOTATION in vmi.metadata.annotations else 1


def place(vmi: VirtualMachineInstance, context: DomainContext) -> Pinning | None:
    """None without dedicated CPUs. Raises Refused when the pod's CPUs do not suffice."""
    if not is_dedicated(vmi):
        return None
    topology = guest_cpu.topology(vmi.spec.domain)
    passthrough = models.has_numa_passthrough(vmi.spec.domain)
    threads = iothreads.threads(vmi)
    wanted = topology.vcpus + emulator_cpus(vmi) + (threads.total if threads.pool else 0)
    cells = _host_cells(context, wanted)
    pool = _pool(context, cells)
    vcpus = _pack(pool, topology.sockets * topology.cores, topology.threads, stay_in_cell=passthrough)
    rest = pool.rest()
    emulator = tuple(cpu for cpu, _ in zip(rest, range(emulator_cpus(vmi)), strict=False))
    guest_cells, page_bytes = _guest_cells(vmi, cells, vcpus) if passthrough else ((), 0)
    return Pinning(vcpus=vcpus, emulator=emulator, io_threads=_io_threads(threads, vcpus, emulator, rest),
                   cells=guest_cells, page_bytes=page_bytes)


def _host_cells(context: DomainContext, wanted: int) -> tuple[HostCell, ...]:
    """The host's cells; where they are unknown, one cell with as many single-threaded cores as are needed."""
    if context.host_cells:
        return context.host_cells
    cpus = context.pod_cpus or tuple(range(wanted))
    return (HostCell(id=0, cores=tuple((cpu,) for cpu in cpus), distances={0: LOCAL_DISTANCE}),)


def _pool(context: DomainContext, cells: tuple[HostCell, ...]) -> _Pool:
    allowed = set(context.pod_cpus) or {cpu for cell in cells for cpu in cell.cpus}
    return _Pool([(cell.id, [[cpu for cpu in core if cpu in allowed] for core in cell.cores]) for cell in cells])


def _pack(pool: _Pool, cores: int, threads: int, *, stay_in_cell: bool) -> tuple[int, ...]:
    placed: list[int] = []
    for done in range(cores):
        taken = pool.take_core(threads) or pool.take_in_cell(threads)
        if taken is None and not stay_in_cell:
            taken = pool.take_anywhere(threads)
        if taken is None:
            left = cores - done
            cause = (
                f"could not fit {left} core(s) without crossing numa cell boundaries for individual cores"
                if stay_in_cell else f"not enough exclusive threads provided, could not fit {left} core(s)"
            )
            raise Refused(field="spec.domain.cpu", cause=cause, remedy="ask for fewer CPUs or threads per core")
        placed += taken
    return tuple(placed)


def _guest_cells(
    vmi: VirtualMachineInstance, host_cells: tuple[HostCell, ...], vcpus: tuple[int, ...]
) -> tuple[tuple[GuestCell, ...], int]:
    domain = vmi.spec.domain
    if domain.memory is None or domain.memory.hugepages is None or not domain.memory.hugepages.page_size:
        raise Refused(
            field="spec.domain.cpu.numa.guestMappingPassthrough",
            cause="passing through a numa topology is restricted to VMIs with hugepages enabled",
            remedy="set spec.domain.memory.hugepages.pageSize",
        )
    page = Quantity(domain.memory.hugepages.page_size).bytes
    memory = models.whole_bytes(models.guest_memory(domain))
    if memory % page:
        raise Refused(
            field="spec.domain.memory.guest",
            cause=f"requested memory can't be divided through the numa page size: {memory} mod {page} != 0",
            remedy="ask for a multiple of the page size",
        )
    involved = [cell for cell in host_cells if cell.cpus & set(vcpus)]
    guest_ids = {cell.id: i for i, cell in enumerate(involved)}
    pages, extra = divmod(memory // page, len(involved))
    found = []
    for i, cell in enumerate(involved):
        distances = tuple((guest_ids[other], d) for other, d in sorted(cell.distances.items()) if other in guest_ids)
        found.append(GuestCell(
            id=i, host_id=cell.id, vcpus=tuple(v for v, cpu in enumerate(vcpus) if cpu in cell.cpus),
            memory_bytes=(pages + (1 if i < extra else 0)) * page, distances=distances,
        ))
    return tuple(found), page


def _io_threads(
    threads: iothreads.Threads, vcpus: tuple[int, ...], emulator: tuple[int, ...], rest: Iterator[int]
) -> tuple[tuple[int, ...], ...]:
    """CPUs of each I/O thread: of their own in a pool, the emulator's for the first one, else those of the vCPUs."""
    if threads.pool:
        return tuple((cpu,) for cpu, _ in zip(rest, range(threads.total), strict=False))
    total = threads.total
    if not total:
        return ()
    if emulator:
        return (emulator,)
    if total >= len(vcpus):
        return tuple((vcpus[i % len(vcpus)],) for i in range(total))
    size, extra = divmod(len(vcpus), total)
    bounds = [i * size + min(i, extra) for i in range(total + 1)]
    return tuple(vcpus[start:end] for start, end in pairwise(bounds))


def elements(pinned: Pinning | None) -> list[Element]:
    """`<cputune>` and `<numatune>`."""
    if pinned is None:
        return []
    tune = el("cputune")
    tune.extend(el("vcpupin", vcpu=vcpu, cpuset=cpu) for vcpu, cpu in enumerate(pinned.vcpus))
    if pinned.emulator:
        tune.append(el("emulatorpin", cpuset=_cpu_set(pinned.emulator)))
    tune.extend(el("iothreadpin", iothread=i, cpuset=_cpu_set(cpus)) for i, cpus in enumerate(pinned.io_threads, 1))
    found = [tune]
    if pinned.cells:
        nodes = ",".join(str(cell.host_id) for cell in pinned.cells)
        found.append(el("numatune", el("memory", mode="strict", nodeset=nodes), *(
            el("memnode", cellid=cell.id, mode="strict", nodeset=cell.host_id) for cell in pinned.cells
        )))
    return found


def _cpu_set(cpus: tuple[int, ...]) -> str:
    return ",".join(map(str, cpus))
