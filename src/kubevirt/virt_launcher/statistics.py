"""Counters of the guest, read from libvirt when somebody asks.

libvirt gives them flat (`block.0.rd.bytes`), by device names of the host; the names of the VMI stand in the domain's
aliases, which are looked up once for each set of devices. Loaded with the first question, so that a launcher whose
guest nobody measures does not carry it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_stats import (
    CpuStats,
    DiskStats,
    DomainStats,
    InterfaceStats,
    MemoryStats,
    VcpuStats,
)

if TYPE_CHECKING:
    from kubevirt.virt_launcher.libvirt_host import LibvirtHost
    from kubevirt.virt_launcher.machine import Machine
    from kubevirt.virt_launcher.slow_figures import SlowFigures

Flat = Mapping[str, object]
KIB, MIB = 1024, 1024 * 1024
MEASURED = 2
"""State of libvirt's measurement of changed memory: there is a result."""
VCPU_STATES = {0: "offline", 1: "running", 2: "blocked"}
_DEVICE = re.compile(r"<(disk|interface)\b.*?</\1>", re.DOTALL)
_TARGET = re.compile(r"<target dev=['\"]([^'\"]+)['\"]")
_ALIAS = re.compile(r"<alias name=['\"](?:ua-)?([^'\"]+)['\"]")


class Statistics:
    """Answers the link's question for counters. Raises Problem."""

    def __init__(self, machine: Machine, host: LibvirtHost, slow: SlowFigures) -> None:
        self._machine = machine
        self._host = host
        self._slow = slow
        self._names: dict[str, str] = {}

    async def answer(self, _body: bytes) -> msgspec.Struct:
        """The counters as they are now."""
        if not self._machine.now.is_alive:
            raise Problem(cause="Domain not found.", remedy="the guest is not running; start the machine first")
        flat = await self._host.stats()
        if not device_targets(flat) <= self._names.keys():
            self._names = names_in(await self._host.xml())
        stats = domain_stats(flat, self._names, now=time.time())
        self._slow.set_off()
        stats.load = self._slow.load
        return stats


def domain_stats(flat: Flat, names: Mapping[str, str], *, now: float) -> DomainStats:
    """libvirt's flat answer in its shape. `names`: names of the VMI by device names of the host."""
    return DomainStats(
        timestamp=now,
        cpu=CpuStats(usage_seconds=seconds(flat, "cpu.time"), user_seconds=seconds(flat, "cpu.user"),
                     system_seconds=seconds(flat, "cpu.system"), affinity=whole(flat, "affinity")),
        vcpus=[vcpu(flat, n) for n in range(whole(flat, "vcpu.maximum") or 0) if f"vcpu.{n}.state" in flat],
        memory=memory(flat),
        disks=[disk(flat, f"block.{n}.", names) for n in range(whole(flat, "block.count") or 0)],
        interfaces=[interface(flat, f"net.{n}.", names) for n in range(whole(flat, "net.count") or 0)],
    )


def vcpu(flat: Flat, n: int) -> VcpuStats:
    """Processor n."""
    at = f"vcpu.{n}."
    return VcpuStats(
        id=str(n), state=VCPU_STATES.get(whole(flat, at + "state") or 0, "unknown"),
        usage_seconds=seconds(flat, at + "time"), wait_seconds=seconds(flat, at + "wait"),
        delay_seconds=seconds(flat, at + "delay"),
    )


def memory(flat: Flat) -> MemoryStats:
    """libvirt counts memory in KiB, faults in pieces."""
    measured = whole(flat, "dirtyrate.calc_status") == MEASURED
    rate = whole(flat, "dirtyrate.megabytes_per_second") if measured else None

    def size(name: str) -> int | None:
        found = whole(flat, f"balloon.{name}")
        return None if found is None else found * KIB

    return MemoryStats(
        resident_bytes=size("rss"), domain_bytes=size("current"), actual_balloon_bytes=size("current"),
        available_bytes=size("available"), unused_bytes=size("unused"), cached_bytes=size("disk_caches"),
        usable_bytes=size("usable"), swap_in_bytes=size("swap_in"), swap_out_bytes=size("swap_out"),
        dirty_bytes_per_second=None if rate is None else rate * MIB,
        major_faults=whole(flat, "balloon.major_fault"), minor_faults=whole(flat, "balloon.minor_fault"),
    )


def disk(flat: Flat, at: str, names: Mapping[str, str]) -> DiskStats:
    """The disk whose keys begin with `at`."""
    return DiskStats(
        name=named(flat, at, names),
        read_requests=whole(flat, at + "rd.reqs"), read_bytes=whole(flat, at + "rd.bytes"),
        read_seconds=seconds(flat, at + "rd.times"),
        write_requests=whole(flat, at + "wr.reqs"), write_bytes=whole(flat, at + "wr.bytes"),
        write_seconds=seconds(flat, at + "wr.times"),
        flush_requests=whole(flat, at + "fl.reqs"), flush_seconds=seconds(flat, at + "fl.times"),
    )


def interface(flat: Flat, at: str, names: Mapping[str, str]) -> InterfaceStats:
    """The interface whose keys begin with `at`. libvirt has the directions turned to the guest already."""
    return InterfaceStats(
        name=named(flat, at, names),
        receive_bytes=whole(flat, at + "rx.bytes"), receive_packets=whole(flat, at + "rx.pkts"),
        receive_errors=whole(flat, at + "rx.errs"), receive_drops=whole(flat, at + "rx.drop"),
        transmit_bytes=whole(flat, at + "tx.bytes"), transmit_packets=whole(flat, at + "tx.pkts"),
        transmit_errors=whole(flat, at + "tx.errs"), transmit_drops=whole(flat, at + "tx.drop"),
    )


def named(flat: Flat, at: str, names: Mapping[str, str]) -> str:
    """The VMI's name of a device, else the host's."""
    target = str(flat.get(at + "name", ""))
    return names.get(target, target)


def device_targets(flat: Flat) -> set[str]:
    """The host's names of all disks and interfaces."""
    return {str(value) for key, value in flat.items()
            if key.endswith(".name") and key.startswith(("block.", "net."))}


def names_in(xml: str) -> dict[str, str]:
    """The host's names of disks and interfaces in a domain, and the aliases that belong to them."""
    found: dict[str, str] = {}
    for device in _DEVICE.finditer(xml):
        target, alias = _TARGET.search(device[0]), _ALIAS.search(device[0])
        if target is not None and alias is not None:
            found[target[1]] = alias[1]
    return found


def whole(flat: Flat, key: str) -> int | None:
    """A counter, if it is there."""
    value = flat.get(key)
    return value if isinstance(value, int) else None


def seconds(flat: Flat, key: str) -> float | None:
    """A time that libvirt counts in nanoseconds."""
    value = whole(flat, key)
    return None if value is None else value / 1e9
