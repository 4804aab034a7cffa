"""More CPU sockets for a running guest.

The instance's spec is told the new number, and the node plugs the CPUs in; until the guest has them the VMI's condition
`HotVCPUChange` tells of the wait. Fewer sockets, or more than were prepared at the start, need a restart.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.compute import CPU
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.kit.quantity import Quantity
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.vm.live.change import Change, held_up, is_migrating

FAILED = FailureWords(
    reason="HotPlugCPUError",
    condition="Error encountered while handling CPU change request: ",
)
TOO_MANY = "CPU sockets updated in template spec to a value higher than what's available"
FEWER = "Reduction of CPU socket count requires a restart"
ARM = "ARM doesn't support CPU hotplug"


def change(wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance, config: ClusterConfig) -> Change:
    """The sockets of the template for the instance."""
    new, now = wanted.domain.cpu, vmi.spec.domain.cpu
    if new is None or now is None or sockets(new) == sockets(now):
        return Change(vmi=vmi)
    if is_true(vmi.status.conditions, "HotVCPUChange"):
        return held_up(vmi, FAILED, "another CPU hotplug is in progress")
    if is_migrating(vmi):
        return held_up(vmi, FAILED, "CPU hotplug is not allowed while VMI is migrating")
    if sockets(new) < sockets(now):
        return Change(vmi=vmi, restart=FEWER)
    if vmi.spec.architecture == "arm64":
        return Change(vmi=vmi, restart=ARM)
    if now.max_sockets and sockets(new) > now.max_sockets:
        return Change(vmi=vmi, restart=TOO_MANY)
    more = Quantity.of_milli((vcpus(new) - vcpus(now)) * (1000 // config.cpu_allocation_ratio))
    domain = vmi.spec.domain
    resources = replace(
        domain.resources,
        requests=raised(domain.resources.requests, wanted.domain.resources.requests, more),
        limits=raised(domain.resources.limits, wanted.domain.resources.limits, more),
    )
    domain = replace(domain, cpu=replace(now, sockets=sockets(new)), resources=resources)
    return Change(vmi=replace(vmi, spec=replace(vmi.spec, domain=domain)))


def sockets(cpu: CPU) -> int:
    """Sockets, where none are named one."""
    return cpu.sockets or 1


def vcpus(cpu: CPU) -> int:
    """Virtual CPUs of a topology."""
    return sockets(cpu) * (cpu.cores or 1) * (cpu.threads or 1)


def raised(has: dict[str, Quantity], wanted: dict[str, Quantity], more: Quantity) -> dict[str, Quantity]:
    """The CPU amount of the instance and what the further CPUs add, where the VM's template names one itself."""
    if not wanted.get("cpu"):
        return has
    return {**has, "cpu": has.get("cpu", Quantity("0")) + more}
