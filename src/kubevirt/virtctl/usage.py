"""What `virtctl top` shows: figures from two readings of a guest's counters, their sums, and how they are written.

Pure: no cluster, no terminal. A counter that has become smaller belongs to a guest that was started anew, and gives no
rate until the next reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from kubevirt.api.pods import Node
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.machine.domain_stats import DomainStats

NO_FIGURE = "-"
STEPS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One machine, or the sum of those on a node. `note` tells why there are no figures."""

    namespace: str = ""
    name: str
    node: str = ""
    cpus: int = 0
    """Processors of the guest; of a node, what it can give, 0 where the user may not know."""
    cpu: float | None = None
    """Processors in use, emulation included."""
    memory_used_bytes: int | None = None
    memory_bytes: int | None = None
    disk_read_bytes_per_second: float | None = None
    disk_write_bytes_per_second: float | None = None
    network_receive_bytes_per_second: float | None = None
    network_transmit_bytes_per_second: float | None = None
    machines: int = 1
    note: str = ""


ORDERS: Mapping[str, Callable[[Row], tuple[float, str, str]]] = {
    "name": lambda r: (0, r.namespace, r.name),
    "cpu": lambda r: (-(r.cpu or 0), r.namespace, r.name),
    "memory": lambda r: (-(r.memory_used_bytes or 0), r.namespace, r.name),
    "disk": lambda r: (-(r.disk_read_bytes_per_second or 0) - (r.disk_write_bytes_per_second or 0),
                       r.namespace, r.name),
    "network": lambda r: (-(r.network_receive_bytes_per_second or 0) - (r.network_transmit_bytes_per_second or 0),
                          r.namespace, r.name),
}


def row(vmi: VirtualMachineInstance, before: DomainStats | None, after: DomainStats | None, *, note: str = "") -> Row:
    """The figures of one machine. Without two readings there is no rate, without any there is only its size."""
    meta = vmi.metadata
    known = Row(namespace=meta.namespace, name=meta.name, node=vmi.status.node_name, cpus=processors(vmi),
                memory_bytes=guest_memory(vmi), note=note)
    if after is None:
        return known
    found = asdict(known) | {"cpus": known.cpus or len(after.vcpus), "memory_used_bytes": memory_used(after),
                             "memory_bytes": known.memory_bytes or after.memory.domain_bytes}
    if before is not None:
        found |= {
            "cpu": rate(before, after, lambda s: s.cpu.usage_seconds),
            "disk_read_bytes_per_second": rate(before, after, lambda s: total(d.read_bytes for d in s.disks)),
            "disk_write_bytes_per_second": rate(before, after, lambda s: total(d.write_bytes for d in s.disks)),
            "network_receive_bytes_per_second":
                rate(before, after, lambda s: total(n.receive_bytes for n in s.interfaces)),
            "network_transmit_bytes_per_second":
                rate(before, after, lambda s: total(n.transmit_bytes for n in s.interfaces)),
        }
    return Row(**found)


def processors(vmi: VirtualMachineInstance) -> int:
    """How many processors the guest has."""
    cpu = vmi.spec.domain.cpu
    if cpu is None:
        return 1
    return (cpu.cores or 1) * (cpu.sockets or 1) * (cpu.threads or 1)


def guest_memory(vmi: VirtualMachineInstance) -> int | None:
    """How much memory the guest has."""
    told = vmi.status.memory.guest_current if vmi.status.memory is not None else None
    memory = vmi.spec.domain.memory
    wanted = memory.guest if memory is not None else None
    requested = vmi.spec.domain.resources.requests.get("memory") if vmi.spec.domain.resources is not None else None
    found = told or wanted or requested
    return found.bytes if isinstance(found, Quantity) else None


def memory_used(stats: DomainStats) -> int | None:
    """What the guest itself says it uses; else what its QEMU holds."""
    memory = stats.memory
    if memory.available_bytes is not None and memory.usable_bytes is not None:
        return memory.available_bytes - memory.usable_bytes
    return memory.resident_bytes


def rate(before: DomainStats, after: DomainStats, counter: Callable[[DomainStats], float | None]) -> float | None:
    """How much a counter grows per second."""
    first, second, span = counter(before), counter(after), after.timestamp - before.timestamp
    if first is None or second is None or span <= 0 or second < first:
        return None
    return (second - first) / span


def total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; of nothing at all, 0."""
    return sum(v for v in values if v is not None)


def per_node(rows: Iterable[Row], nodes: Mapping[str, Node]) -> list[Row]:
    """The sums of the machines of each node. `nodes`: those that the user may look at."""
    groups: dict[str, list[Row]] = {name: [] for name in nodes}
    for each in rows:
        if each.node:
            groups.setdefault(each.node, []).append(each)
    return [node_row(name, members, nodes.get(name)) for name, members in groups.items()]


def node_row(name: str, members: list[Row], node: Node | None) -> Row:
    """One node."""
    def summed(figure: Callable[[Row], float | None]) -> float | None:
        known = [v for m in members if (v := figure(m)) is not None]
        return sum(known) if known or not members else None

    used, offered = summed(lambda r: r.memory_used_bytes), node.status.allocatable if node is not None else {}
    return Row(
        name=name, node=name, machines=len(members),
        cpus=offered["cpu"].milli // 1000 if "cpu" in offered else 0,
        cpu=summed(lambda r: r.cpu), memory_used_bytes=None if used is None else int(used),
        memory_bytes=offered["memory"].bytes if "memory" in offered else None,
        disk_read_bytes_per_second=summed(lambda r: r.disk_read_bytes_per_second),
        disk_write_bytes_per_second=summed(lambda r: r.disk_write_bytes_per_second),
        network_receive_bytes_per_second=summed(lambda r: r.network_receive_bytes_per_second),
        network_transmit_bytes_per_second=summed(lambda r: r.network_transmit_bytes_per_second),
    )


def as_data(each: Row) -> JsonObject:
    """A row as JSON: only what is known."""
    return {_camel(key): value for key, value in asdict(each).items() if value not in (None, "")}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


# How figures are written


def size(value: float | None) -> str:
    """Bytes for people: three digits at most."""
    if value is None:
        return NO_FIGURE
    step = 0
    while value >= 1000 and step < len(STEPS) - 1:
        value, step = value / 1024, step + 1
    return f"{value:.0f} {STEPS[step]}" if value >= 10 or step == 0 else f"{value:.1f} {STEPS[step]}"


def share(used: float | None, whole: float | None) -> str:
    """How much of a whole is used, both for people."""
    return size(used) if not whole else f"{size(used)} / {size(whole)}"


def cores(each: Row) -> str:
    """Processors in use, of how many."""
    used = NO_FIGURE if each.cpu is None else f"{each.cpu:.2f}"
    return f"{used} / {each.cpus}" if each.cpus else used


def flow(first: float | None, second: float | None) -> str:
    """Two rates of opposite directions."""
    return f"{size(first)}/s  {size(second)}/s" if first is not None or second is not None else NO_FIGURE
