"""Threads of QEMU that do disk I/O beside the main loop: how many, and which disk uses which.

A disk may have one of its own; the rest share what the policy gives. Shared threads are numbered from 1, dedicated ones
after them. Only virtio disks can use one, yet every disk counts when the pool is sized.
"""

from __future__ import annotations

import msgspec

from kubevirt.api.disks import Disk
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain.xml import Element, el

SHARED, AUTO, POOL = "shared", "auto", "supplementalPool"
THREADS_PER_CPU = 2


class Threads(msgspec.Struct, frozen=True):
    """The outcome: total number, and how many of them are shared (the first ones)."""

    total: int = 0
    shared: int = 0
    pool: bool = False  # every disk uses all of them


def is_dedicated(disk: Disk) -> bool:
    return bool(disk.dedicated_io_thread)


def threads(vmi: VirtualMachineInstance) -> Threads:
    domain = vmi.spec.domain
    policy = domain.io_threads_policy or ""
    if policy == POOL:
        count = domain.io_threads.supplemental_pool_thread_count if domain.io_threads is not None else None
        return Threads(total=count or 0, pool=True)
    disks = domain.devices.disks
    dedicated = sum(is_dedicated(disk) for disk in disks)
    if not policy and not dedicated:
        return Threads()
    shared = len(disks) - dedicated
    limit = _auto_limit(vmi) if policy == AUTO else 1
    if shared + dedicated > limit:
        shared = max(limit - dedicated, 1)
    return Threads(total=shared + dedicated, shared=shared)


def _auto_limit(vmi: VirtualMachineInstance) -> int:
    cpu, resources = vmi.spec.domain.cpu, vmi.spec.domain.resources
    if cpu is not None and cpu.isolate_emulator_thread:
        return 1  # it shares the processor set aside for the emulator
    amount = resources.requests.get("cpu") or resources.limits.get("cpu")
    return (amount.value if amount is not None else 1) * THREADS_PER_CPU


def assignments(vmi: VirtualMachineInstance, on_threads: set[str]) -> dict[str, int]:
    """Thread of each disk named in `on_threads` (those with a bus that can use one), in the order of the spec."""
    found = threads(vmi)
    if not found.total or found.pool:
        return {}
    result = {}
    next_shared, next_dedicated = 1, found.shared + 1
    for disk in vmi.spec.domain.devices.disks:
        if disk.name not in on_threads:
            continue
        if is_dedicated(disk):
            result[disk.name] = next_dedicated
            next_dedicated += 1
        else:
            result[disk.name] = next_shared
            next_shared = next_shared % max(found.shared, 1) + 1
    return result


def elements(vmi: VirtualMachineInstance) -> list[Element]:
    """`<iothreads>`."""
    total = threads(vmi).total
    return [el("iothreads", text=str(total))] if total else []
