"""`virtctl top`: figures from two readings, sums of a node, and how they are written."""

from __future__ import annotations

from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.pods import Node
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain_stats import CpuStats, DiskStats, DomainStats, InterfaceStats, MemoryStats, VcpuStats
from kubevirt.virtctl import usage
from kubevirt.virtctl.commands.top import Choice, table
from kubevirt.virtctl.usage import Row

MIB = 1024 * 1024


def vmi(name: str = "web", node: str = "node01", **domain: Any) -> VirtualMachineInstance:
    spec = {"domain": {"devices": {}, "memory": {"guest": "64Mi"}, **domain}}
    return codec.convert({"metadata": {"name": name, "namespace": "shop"}, "spec": spec,
                          "status": {"phase": "Running", "nodeName": node}}, VirtualMachineInstance)


def reading(at: float, *, cpu: float | None = 0, disk: int | None = 0, net: int = 0, **memory: int) -> DomainStats:
    return DomainStats(
        timestamp=at, cpu=CpuStats(usage_seconds=cpu), vcpus=[VcpuStats(id="0")], memory=MemoryStats(**memory),
        disks=[DiskStats(name="a", read_bytes=disk, write_bytes=0), DiskStats(name="b", read_bytes=disk)],
        interfaces=[InterfaceStats(name="default", receive_bytes=net, transmit_bytes=2 * net)],
    )


def test_two_readings_make_rates() -> None:
    row = usage.row(vmi(cpu={"cores": 2, "sockets": 2}), reading(10, cpu=5, disk=100, net=0),
                    reading(12, cpu=8, disk=300, net=50, available_bytes=60 * MIB, usable_bytes=20 * MIB))
    assert (row.namespace, row.name, row.node, row.cpus) == ("shop", "web", "node01", 4)
    assert (row.cpu, row.memory_used_bytes, row.memory_bytes) == (1.5, 40 * MIB, 64 * MIB)
    assert (row.disk_read_bytes_per_second, row.disk_write_bytes_per_second) == (200, 0)
    assert (row.network_receive_bytes_per_second, row.network_transmit_bytes_per_second) == (25, 50)


@pytest.mark.parametrize(("before", "after", "cpu"), [
    pytest.param(None, reading(2, cpu=1), None, id="one reading"),
    pytest.param(reading(1, cpu=9), reading(2, cpu=1), None, id="the guest was started anew"),
    pytest.param(reading(2, cpu=1), reading(2, cpu=1), None, id="the same reading"),
    pytest.param(reading(1, cpu=None), reading(2, cpu=1), None, id="it was not told"),
    pytest.param(reading(1, cpu=1), reading(2, cpu=1), 0, id="at rest"),
])
def test_what_is_not_known_is_not_zero(before: DomainStats | None, after: DomainStats, cpu: float | None) -> None:
    assert usage.row(vmi(), before, after).cpu == cpu


def test_memory_without_the_guests_word() -> None:
    assert usage.memory_used(reading(1, resident_bytes=7)) == 7
    assert usage.memory_used(reading(1)) is None


def test_a_machine_that_cannot_be_read() -> None:
    row = usage.row(vmi(), None, None, note="no virt-handler")
    assert usage.as_data(row) == {"namespace": "shop", "name": "web", "node": "node01", "cpus": 1,
                                  "memoryBytes": 64 * MIB, "machines": 1, "note": "no virt-handler"}


def test_sums_of_nodes() -> None:
    node = codec.convert({"metadata": {"name": "big"}, "status": {"allocatable": {"cpu": "4", "memory": "1Gi"}}}, Node)
    rows = [usage.row(vmi("a", "big"), reading(1, cpu=1), reading(2, cpu=2, resident_bytes=10)),
            usage.row(vmi("b", "big"), reading(1, cpu=1), reading(2, cpu=1.5, resident_bytes=20)),
            usage.row(vmi("c", "other"), None, None)]
    big, other = usage.per_node(rows, {"big": node})
    assert (big.name, big.machines, big.cpu, big.cpus) == ("big", 2, 1.5, 4)
    assert (big.memory_used_bytes, big.memory_bytes) == (30, 1024 * MIB)
    assert (other.name, other.machines, other.cpu, other.cpus, other.memory_bytes) == ("other", 1, None, 0, None)


@pytest.mark.parametrize(("value", "text"), [
    (None, "-"), (0, "0 B"), (999, "999 B"), (1024, "1.0 KiB"), (20 * 1024, "20 KiB"), (64 * MIB, "64 MiB"),
    (1023 * MIB, "1.0 GiB"),
])
def test_sizes(value: float | None, text: str) -> None:
    assert usage.size(value) == text


def test_how_a_row_reads() -> None:
    row = Row(name="web", cpus=2, cpu=0.256, memory_used_bytes=32 * MIB, memory_bytes=64 * MIB,
              disk_read_bytes_per_second=2048, network_receive_bytes_per_second=None)
    assert usage.cores(row) == "0.26 / 2"
    assert usage.share(row.memory_used_bytes, row.memory_bytes) == "32 MiB / 64 MiB"
    assert usage.flow(row.disk_read_bytes_per_second, row.disk_write_bytes_per_second) == "2.0 KiB/s  -/s"
    assert usage.flow(None, None) == usage.cores(Row(name="web")) == "-"


@pytest.mark.parametrize(("order", "first"), [
    ("name", "a"), ("cpu", "b"), ("memory", "a"), ("disk", "b"), ("network", "a"),
])
def test_orders(order: str, first: str) -> None:
    rows = [Row(name="b", cpu=2, disk_read_bytes_per_second=9), Row(name="a", cpu=1, memory_used_bytes=5,
                                                                  network_transmit_bytes_per_second=1)]
    assert sorted(rows, key=usage.ORDERS[order])[0].name == first


@pytest.mark.parametrize(("kind", "everywhere", "titles"), [
    ("vm", False, ["NAME", "NODE"]), ("vmi", True, ["NAMESPACE", "NAME", "NODE"]), ("node", True, ["NAME", "MACHINES"]),
])
def test_columns(kind: str, everywhere: bool, titles: list[str]) -> None:
    choice = Choice(kind=kind, names=frozenset(), everywhere=everywhere, selector="", order="name")
    shown = table([Row(namespace="shop", name="web", node="n1", note="no answer")], choice)
    assert [c.header for c in shown.columns] == [*titles, "CPU", "MEMORY", "DISK READ  WRITE", "NETWORK IN  OUT"]
    assert shown.row_count == 1
