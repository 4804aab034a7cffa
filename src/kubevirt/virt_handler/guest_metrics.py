"""The figures of guests as Prometheus' families: a table of names and where their values come from.

Each series carries the node, the instance, and all labels of the instance. A figure that is not known makes no series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from prometheus_client.core import Metric

from kubevirt.kube.metrics.families import labelled
from kubevirt.machine.domain_stats import DiskStats, DomainStats, InterfaceStats, VcpuStats

if TYPE_CHECKING:
    from kubevirt.virt_handler.metrics import Measured

Part = TypeVar("Part")
Values = Iterable[tuple[dict[str, str], float | None]]
"""Further labels of a series, and its value."""

COUNTER, GAUGE = "counter", "gauge"
LABEL_PREFIX = "kubernetes_vmi_label_"

WHOLE: Sequence[tuple[str, str, Callable[[DomainStats], float | None]]] = (
    ("cpu_usage_seconds_total", COUNTER, lambda s: s.cpu.usage_seconds),
    ("cpu_user_usage_seconds_total", COUNTER, lambda s: s.cpu.user_seconds),
    ("cpu_system_usage_seconds_total", COUNTER, lambda s: s.cpu.system_seconds),
    ("node_cpu_affinity", GAUGE, lambda s: s.cpu.affinity),
    ("guest_load_1m", GAUGE, lambda s: s.load.one_minute),
    ("guest_load_5m", GAUGE, lambda s: s.load.five_minutes),
    ("guest_load_15m", GAUGE, lambda s: s.load.fifteen_minutes),
    ("dirty_rate_bytes_per_second", GAUGE, lambda s: s.memory.dirty_bytes_per_second),
    ("memory_resident_bytes", GAUGE, lambda s: s.memory.resident_bytes),
    ("memory_available_bytes", GAUGE, lambda s: s.memory.available_bytes),
    ("memory_unused_bytes", GAUGE, lambda s: s.memory.unused_bytes),
    ("memory_cached_bytes", GAUGE, lambda s: s.memory.cached_bytes),
    ("memory_usable_bytes", GAUGE, lambda s: s.memory.usable_bytes),
    ("memory_actual_balloon_bytes", GAUGE, lambda s: s.memory.actual_balloon_bytes),
    ("memory_domain_bytes", GAUGE, lambda s: s.memory.domain_bytes),
    ("memory_swap_in_traffic_bytes", GAUGE, lambda s: s.memory.swap_in_bytes),
    ("memory_swap_out_traffic_bytes", GAUGE, lambda s: s.memory.swap_out_bytes),
    ("memory_pgmajfault_total", COUNTER, lambda s: s.memory.major_faults),
    ("memory_pgminfault_total", COUNTER, lambda s: s.memory.minor_faults),
)
DISKS: Sequence[tuple[str, Callable[[DiskStats], float | None]]] = (
    ("storage_iops_read_total", lambda d: d.read_requests),
    ("storage_iops_write_total", lambda d: d.write_requests),
    ("storage_read_traffic_bytes_total", lambda d: d.read_bytes),
    ("storage_write_traffic_bytes_total", lambda d: d.write_bytes),
    ("storage_read_times_seconds_total", lambda d: d.read_seconds),
    ("storage_write_times_seconds_total", lambda d: d.write_seconds),
    ("storage_flush_requests_total", lambda d: d.flush_requests),
    ("storage_flush_times_seconds_total", lambda d: d.flush_seconds),
)
INTERFACES: Sequence[tuple[str, Callable[[InterfaceStats], float | None]]] = (
    ("network_receive_bytes_total", lambda n: n.receive_bytes),
    ("network_transmit_bytes_total", lambda n: n.transmit_bytes),
    ("network_receive_packets_total", lambda n: n.receive_packets),
    ("network_transmit_packets_total", lambda n: n.transmit_packets),
    ("network_receive_errors_total", lambda n: n.receive_errors),
    ("network_transmit_errors_total", lambda n: n.transmit_errors),
    ("network_receive_packets_dropped_total", lambda n: n.receive_drops),
    ("network_transmit_packets_dropped_total", lambda n: n.transmit_drops),
)
VCPUS: Sequence[tuple[str, Callable[[VcpuStats], float | None]]] = (
    ("vcpu_wait_seconds_total", lambda v: v.wait_seconds),
    ("vcpu_delay_seconds_total", lambda v: v.delay_seconds),
)


def families(guests: Sequence[Measured], node: str) -> Iterator[Metric]:
    """All families, each over all guests."""
    whose = [labels_of(guest, node) for guest in guests]

    def family(name: str, kind: str, text: str, values: Callable[[Measured], Values]) -> Metric:
        full = f"kubevirt_vmi_{name}"
        metric = Metric(full.removesuffix("_total") if kind == COUNTER else full, text, kind)
        for guest, labels in zip(guests, whose, strict=True):
            for more, value in values(guest):
                if value is not None:
                    metric.add_sample(full, {**labels, **more}, value)
        return metric

    for name, kind, figure in WHOLE:
        yield family(name, kind, "Of the whole guest.", _of_parts(lambda s: [s], lambda _: {}, figure))
    yield family("vcpu_seconds_total", COUNTER, "Time of a processor of the guest.", _of_parts(
        lambda s: s.vcpus, lambda v: {"id": v.id, "state": v.state}, lambda v: v.usage_seconds))
    for name, of_vcpu in VCPUS:
        yield family(name, COUNTER, "Of a processor of the guest.", _of_parts(
            lambda s: s.vcpus, lambda v: {"id": v.id}, of_vcpu))
    for name, of_disk in DISKS:
        yield family(name, COUNTER, "Of a disk.", _of_parts(lambda s: s.disks, lambda d: {"drive": d.name}, of_disk))
    for name, of_nic in INTERFACES:
        yield family(name, COUNTER, "Of an interface, as the guest sees it.", _of_parts(
            lambda s: s.interfaces, lambda n: {"interface": n.name}, of_nic))
    yield family("network_traffic_bytes_total", COUNTER, "Deprecated: both directions in one.", traffic)
    yield family("filesystem_capacity_bytes", GAUGE, "Size of a file system in the guest.", lambda g: [
        (labels, total) for labels, total, _ in filesystems(g)])
    yield family("filesystem_used_bytes", GAUGE, "Used of a file system in the guest.", lambda g: [
        (labels, used) for labels, _, used in filesystems(g)])


def _of_parts(parts: Callable[[DomainStats], Iterable[Part]], labels: Callable[[Part], dict[str, str]],
              figure: Callable[[Part], float | None]) -> Callable[[Measured], Values]:
    """A figure of each part of a guest."""
    return lambda guest: [(labels(part), figure(part)) for part in parts(guest.stats)]


def labels_of(guest: Measured, node: str) -> dict[str, str]:
    """What tells a guest's series from others'."""
    meta = guest.vmi.metadata
    return labelled({"node": node, "namespace": meta.namespace, "name": meta.name}, meta.labels, LABEL_PREFIX)


def traffic(guest: Measured) -> Values:
    """Received and sent bytes, told apart by a label."""
    for nic in guest.stats.interfaces:
        yield {"interface": nic.name, "type": "rx"}, nic.receive_bytes
        yield {"interface": nic.name, "type": "tx"}, nic.transmit_bytes


def filesystems(guest: Measured) -> Iterator[tuple[dict[str, str], int, int]]:
    """Labels, size and use of each file system that the guest's agent tells of."""
    for each in guest.filesystems:
        labels = {"disk_name": each.disk_name, "mount_point": each.mount_point,
                  "file_system_type": each.file_system_type}
        yield labels, each.total_bytes, each.used_bytes
