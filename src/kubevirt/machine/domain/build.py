"""A VMI becomes a libvirt domain: the sections in order, each made by the module that knows its device family.

The order of elements means nothing to libvirt except among disks, and among devices that get the next free PCI slot;
it is kept as it is so that a guest finds its devices at the same addresses after an upgrade.
"""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine.domain import (
    boot,
    command_line,
    consoles,
    controllers,
    cpu,
    disks,
    features,
    filesystems,
    host_devices,
    interfaces,
    iothreads,
    memory,
    models,
    peripherals,
    placement,
    security,
    topology,
)
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import QEMU_NAMESPACE, Element, el, to_text


def domain_name(namespace: str, name: str) -> str:
    """The name of a VMI's domain, unique on a node."""
    return f"{namespace}_{name}"


def domain_type(context: DomainContext) -> str:
    """"kvm" or "qemu". Raises Refused where neither is possible."""
    if context.kvm:
        return "kvm"
    if context.allow_emulation:
        return "qemu"
    raise Refused(
        cause="kvm not present and emulation is not allowed",
        remedy="use a node with hardware virtualization, or set useEmulation in the KubeVirt object",
    )


def build_domain(vmi: VirtualMachineInstance, context: DomainContext) -> str:
    """The libvirt XML of a VMI whose defaults are set. Raises Refused for what no domain can be made from."""
    return to_text(domain_element(vmi, context))


def domain_element(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    pinned = placement.place(vmi, context)
    root = el("domain", type=domain_type(context))
    root.set("xmlns:qemu", QEMU_NAMESPACE)
    root.append(el("name", text=domain_name(vmi.metadata.namespace, vmi.metadata.name)))
    root.extend(memory.sizes(vmi))
    parts = [
        memory.backing(vmi, pinned),
        boot.os(vmi, context),
        boot.sysinfo(vmi, context),
        _devices(vmi, context),
        features.features(vmi, context),
        features.clock(vmi),
        cpu.cpu(vmi, context, pinned),
        *cpu.vcpus(vmi, context),
        *placement.elements(pinned),
        *iothreads.elements(vmi),
        security.launch_security(vmi),
        el("iommufd", enabled="yes", fdgroup="iommu") if context.iommufd else None,
        _on_reboot(vmi),
        command_line.command_line(vmi, context),
    ]
    root.extend(part for part in parts if part is not None)
    if models.is_annotated(vmi, topology.ROOT_BUS_ANNOTATION) and context.arch != "s390x":
        topology.on_root_bus(root)
    return root


def _devices(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    return el(
        "devices",
        *interfaces.interfaces(vmi, context),
        *consoles.channels(vmi),
        *controllers.controllers(vmi, context),
        *consoles.graphics(vmi, context),
        *host_devices.host_devices(vmi, context),
        peripherals.balloon(vmi, context),
        *disks.disks(vmi, context),
        *filesystems.filesystems(vmi),
        *peripherals.inputs(vmi, context),
        *consoles.serial(vmi, context),
        peripherals.watchdog(vmi, context),
        peripherals.rng(vmi, context),
        peripherals.tpm(vmi),
        peripherals.vsock(vmi, context),
        peripherals.sound(vmi),
        *peripherals.panic(vmi),
        *consoles.usb_redirection(vmi),
    )


def _on_reboot(vmi: VirtualMachineInstance) -> Element | None:
    policy = {"Terminate": "destroy", "Reboot": "restart"}.get(vmi.spec.domain.reboot_policy or "")
    return el("on_reboot", text=policy) if policy else None
