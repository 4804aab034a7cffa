"""Questions about a VMI that several device families ask alike."""

from __future__ import annotations

from kubevirt.api.domain import DomainSpec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity
from kubevirt.machine.domain.context import DomainContext

LIBVIRT_ARCH = {"amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x"}


def libvirt_arch(context: DomainContext) -> str:
    arch = LIBVIRT_ARCH.get(context.arch)
    if arch is None:
        raise Refused(
            field="spec.architecture",
            cause=f"there are no machines of architecture {context.arch!r}",
            remedy=f"use one of {', '.join(LIBVIRT_ARCH)}",
        )
    return arch


def virtio_model(vmi: VirtualMachineInstance, context: DomainContext) -> str:
    """Transitional devices work with guests whose drivers are older than virtio 1.0."""
    if context.arch == "s390x":
        return "virtio"
    transitional = vmi.spec.domain.devices.use_virtio_transitional
    return "virtio-transitional" if transitional else "virtio-non-transitional"


def protects_memory(domain: DomainSpec) -> bool:
    """The host cannot read the guest's memory, so devices must go through the guest's IOMMU bounce buffers."""
    return domain.launch_security is not None


def iommu(domain: DomainSpec) -> str | None:
    """Value of the driver attribute `iommu`."""
    return "on" if protects_memory(domain) else None


def guest_memory(domain: DomainSpec) -> Quantity:
    """Memory the guest starts with: what it asks for, else the request, else the limit."""
    if domain.memory is not None and domain.memory.guest is not None:
        return domain.memory.guest
    for amounts in (domain.resources.requests, domain.resources.limits):
        if "memory" in amounts:
            return amounts["memory"]
    return Quantity("0")


def is_high_performance(domain: DomainSpec) -> bool:
    """The guest was given resources of its own, so nothing may be taken back from it behind its back."""
    cpu, memory = domain.cpu, domain.memory
    dedicated = cpu is not None and (bool(cpu.dedicated_cpu_placement) or cpu.realtime is not None)
    return dedicated or (memory is not None and memory.hugepages is not None)


def has_numa_passthrough(domain: DomainSpec) -> bool:
    cpu = domain.cpu
    return cpu is not None and cpu.numa is not None and cpu.numa.guest_mapping_passthrough is not None


def is_annotated(vmi: VirtualMachineInstance, annotation: str, value: str = "true") -> bool:
    return vmi.metadata.annotations.get(annotation) == value


def whole_bytes(amount: Quantity) -> int:
    """Bytes, rounded down: a guest never gets more than was asked for."""
    return amount.value if amount.is_whole else amount.value - 1
