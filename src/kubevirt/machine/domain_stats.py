"""What a guest has used so far: counters of its processors, memory, disks and interfaces.

One shape for all who read it: the launcher answers with it, `usage` of the API shows it, metrics and `virtctl top` are
made from it. Counters grow from the start of the guest's QEMU; a rate needs two readings. A figure that libvirt does
not give is absent, never 0.
"""

from __future__ import annotations

import msgspec


class CpuStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Processor time of the whole machine, emulation included."""

    usage_seconds: float | None = None
    user_seconds: float | None = None
    system_seconds: float | None = None
    affinity: int | None = None
    """Pairs of a processor of the guest and one of the host that it may run on."""


class LoadStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Mean numbers of processes of the guest that run or want to, as its agent tells."""

    one_minute: float | None = None
    five_minutes: float | None = None
    fifteen_minutes: float | None = None


class VcpuStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One processor of the guest."""

    id: str
    state: str = "unknown"
    """offline, running, blocked or unknown."""
    usage_seconds: float | None = None
    wait_seconds: float | None = None
    """Ready to run, but waiting for input or output of the host."""
    delay_seconds: float | None = None
    """Ready to run, but waiting for a processor of the host."""


class MemoryStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Memory. What only the guest can know is there when its balloon driver tells it."""

    resident_bytes: int | None = None
    """Held by QEMU on the node."""
    domain_bytes: int | None = None
    actual_balloon_bytes: int | None = None
    available_bytes: int | None = None
    """All that the guest's system can use."""
    unused_bytes: int | None = None
    cached_bytes: int | None = None
    usable_bytes: int | None = None
    """What the guest could give to programs without swapping."""
    swap_in_bytes: int | None = None
    swap_out_bytes: int | None = None
    dirty_bytes_per_second: int | None = None
    """How fast the guest changed its memory when that was last measured."""
    major_faults: int | None = None
    minor_faults: int | None = None


class DiskStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One disk; its name is the one in the VMI."""

    name: str
    read_requests: int | None = None
    read_bytes: int | None = None
    read_seconds: float | None = None
    write_requests: int | None = None
    write_bytes: int | None = None
    write_seconds: float | None = None
    flush_requests: int | None = None
    flush_seconds: float | None = None


class InterfaceStats(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One interface; its name is the one in the VMI. Directions are the guest's."""

    name: str
    receive_bytes: int | None = None
    receive_packets: int | None = None
    receive_errors: int | None = None
    receive_drops: int | None = None
    transmit_bytes: int | None = None
    transmit_packets: int | None = None
    transmit_errors: int | None = None
    transmit_drops: int | None = None


class DomainStats(msgspec.Struct, kw_only=True, rename="camel"):
    """All counters at one moment."""

    kind: str = "VirtualMachineInstanceUsage"
    api_version: str = "subresources.kubevirt.io/v1"
    timestamp: float = 0.0
    """When they were read, in seconds since 1970, by the node's clock."""
    cpu: CpuStats = msgspec.field(default_factory=CpuStats)
    load: LoadStats = msgspec.field(default_factory=LoadStats)
    vcpus: list[VcpuStats] = []
    memory: MemoryStats = msgspec.field(default_factory=MemoryStats)
    disks: list[DiskStats] = []
    interfaces: list[InterfaceStats] = []
