"""Conditions of a running VMI whose spec asks for other CPUs or memory than its guest has.

The node agent brings about what can be had without a migration, and tells of it in the status; what is left waits.
"""

from __future__ import annotations

from datetime import datetime

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition as Condition
from kubevirt.machine import guest_cpu
from kubevirt.virt_controller.conditions import drop, find, put

CPUS, MEMORY = "HotVCPUChange", "HotMemoryChange"


def with_live_changes(vmi: VirtualMachineInstance, found: list[Condition], *, now: datetime) -> list[Condition]:
    """The conditions with those two in or out."""
    found = put(found, Condition(type=CPUS, status="True"), now=now) if cpus_differ(vmi) else drop(found, CPUS)
    told = find(found, MEMORY)
    if memory_differs(vmi):
        if told is None or told.status == "True":  # a change that has failed is not tried again
            found = put(found, Condition(type=MEMORY, status="True"), now=now)
    elif told is not None and told.status == "True":
        found = drop(found, MEMORY)
    return found


def cpus_differ(vmi: VirtualMachineInstance) -> bool:
    """The guest has another number of CPUs than the spec says."""
    has = vmi.status.current_cpu_topology
    if has is None:
        return False
    return (has.sockets or 1) * (has.cores or 1) * (has.threads or 1) != guest_cpu.count_vcpus(vmi.spec.domain)


def memory_differs(vmi: VirtualMachineInstance) -> bool:
    """The spec says another size than the guest was last given."""
    memory, told = vmi.spec.domain.memory, vmi.status.memory
    if memory is None or memory.guest is None or told is None or told.guest_requested is None:
        return False
    return memory.guest != told.guest_requested
