"""More, or less, memory for a running guest.

The instance's spec is told the new size; the guest gets it when it is next migrated, and the VMI's condition
`HotMemoryChange` tells of the wait. What was not prepared at the start needs a restart.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.compute import ResourceRequirements
from kubevirt.api.defaults.hotplug import memory_hotplug_obstacle
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.kit.quantity import Quantity
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.conditions import is_false, is_true
from kubevirt.virt_controller.vm.live.change import Change, held_up, is_migrating

FAILED = FailureWords(
    reason="HotPlugMemoryError",
    condition="error encountered while handling memory hotplug requests: ",
)
HAS_FAILED = "memory updated in template spec. Memory-hotplug failed and is not available for this VM configuration"
NOT_MIGRATABLE = "memory updated in template spec. Memory-hotplug is only available for migratable VMs"
NOT_PREPARED = "memory updated in template spec. Memory-hotplug is not available for this VM configuration"
BELOW_START = "memory updated in template spec to a value lower than what the VM started with"
TOO_MUCH = "memory updated in template spec to a value higher than what's available"


def change(wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> Change:
    """The memory of the template for the instance."""
    asked, memory, told = wanted.domain.memory, vmi.spec.domain.memory, vmi.status.memory
    if asked is None or memory is None or told is None:
        return Change(vmi=vmi)
    guest, current = asked.guest, told.guest_current
    if guest is None or current is None or memory.guest is None or guest == memory.guest:
        return Change(vmi=vmi)
    if is_false(vmi.status.conditions, "HotMemoryChange"):
        return Change(vmi=vmi, restart=HAS_FAILED)
    if not is_true(vmi.status.conditions, "LiveMigratable"):
        return Change(vmi=vmi, restart=NOT_MIGRATABLE)
    if memory.max_guest is None:
        return Change(vmi=vmi, restart=NOT_PREPARED)
    if is_true(vmi.status.conditions, "HotMemoryChange"):
        return held_up(vmi, FAILED, "another memory hotplug is in progress")
    if is_migrating(vmi):
        return held_up(vmi, FAILED, "memory hotplug is not allowed while VMI is migrating")
    # A size above the limit has words of its own below, so it is no obstacle here.
    if obstacle := memory_hotplug_obstacle(wanted, max(memory.max_guest, guest)):
        return Change(vmi=vmi, restart=f"memory hotplug not supported, {obstacle}")
    if told.guest_at_boot is not None and guest < told.guest_at_boot:
        return Change(vmi=vmi, restart=BELOW_START)
    if guest > memory.max_guest:
        return Change(vmi=vmi, restart=TOO_MUCH)
    domain = vmi.spec.domain
    domain = replace(domain, memory=replace(memory, guest=guest),
                     resources=moved(domain.resources, guest=guest, by=guest - current))
    return Change(vmi=replace(vmi, spec=replace(vmi.spec, domain=domain)))


def moved(has: ResourceRequirements, *, guest: Quantity, by: Quantity) -> ResourceRequirements:
    """Requests and limits that follow the guest; memory given back is not always let go of, so never below the guest.
    """
    requests, limits = dict(has.requests), dict(has.limits)
    requests["memory"] = max(requests.get("memory", Quantity("0")) + by, guest)
    if "memory" in limits:
        limits["memory"] = limits["memory"] + by
    return replace(has, requests=requests, limits=limits)
