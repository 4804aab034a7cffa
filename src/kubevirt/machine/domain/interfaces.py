"""Network interfaces, as the guest sees them, on the taps that the node agent made."""

from __future__ import annotations

from kubevirt.api.network import Interface
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import models, pci
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el
from kubevirt.machine.network import names
from kubevirt.machine.network.nat import ISTIO_PROXY_PORTS
from kubevirt.machine.network.plan import tap_queues

PASST_LOG = "/var/run/kubevirt/passt.log"


def is_virtio(interface: Interface) -> bool:
    return interface.model in (None, "", "virtio")


def interfaces(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    """In the order of the spec. SR-IOV interfaces are host devices, absent ones are not there."""
    return [
        _interface(vmi, interface, context)
        for interface in vmi.spec.domain.devices.interfaces
        if interface.state != "absent" and interface.sriov is None
    ]


def _interface(vmi: VirtualMachineInstance, interface: Interface, context: DomainContext) -> Element:
    nic = context.nics.get(interface.name)
    root = el("interface")
    if interface.passt_binding is not None:
        root.set("type", "vhostuser")
        root.extend(_passt(vmi, interface))
    else:
        root.set("type", "ethernet")
        if nic is not None:
            root.append(el("target", dev=nic.tap, managed="no"))
            root.append(el("mtu", size=nic.mtu) if nic.mtu else el("mtu", size=1500))
    root.append(el("model", type=models.virtio_model(vmi, context) if is_virtio(interface) else interface.model))
    mac = interface.mac_address or (nic.mac if nic is not None else "")
    if mac:
        root.append(el("mac", address=mac))
    root.append(el("alias", name=f"ua-{interface.name}"))
    if interface.pci_address:
        root.append(pci.address(interface.pci_address, field=f"spec.domain.devices.interfaces[{interface.name}]"))
    if interface.acpi_index:
        root.append(el("acpi", index=interface.acpi_index))
    if interface.boot_order is not None:
        root.append(el("boot", order=interface.boot_order))
    if interface.boot_order is None or (models.protects_memory(vmi.spec.domain) and context.arch != "s390x"):
        # A boot ROM costs the firmware seconds and is of use only to those who boot from the network.
        root.append(el("rom", enabled="no"))
    if interface.state == "down":
        root.append(el("link", state="down"))
    if (driver := _driver(vmi, interface, context)) is not None:
        root.append(driver)
    return root


def _driver(vmi: VirtualMachineInstance, interface: Interface, context: DomainContext) -> Element | None:
    if not is_virtio(interface):
        return None
    multiqueue = bool(vmi.spec.domain.devices.network_interface_multiqueue)
    iommu = models.iommu(vmi.spec.domain)
    if not multiqueue and iommu is None:
        return None
    # Pods of emulated guests have no /dev/vhost-net; naming vhost would make its absence an error.
    name = ("vhost" if context.kvm else "qemu") if multiqueue else None
    return el("driver", name=name, queues=tap_queues(vmi, interface) if multiqueue else None, iommu=iommu)


def _passt(vmi: VirtualMachineInstance, interface: Interface) -> list[Element]:
    network = next(network for network in vmi.spec.networks if network.name == interface.name)
    return [
        el("source", dev=names.pod_link(network)),
        el("backend", type="passt", logFile=PASST_LOG),
        *_passt_ports(interface),
    ]


def _passt_ports(interface: Interface) -> list[Element]:
    by_protocol: dict[str, list[int]] = {"tcp": [], "udp": []}
    for port in interface.ports:
        by_protocol[(port.protocol or "TCP").lower()].append(port.port)
    if not interface.ports:
        kept_off = [el("range", start=port, exclude="yes") for port in sorted(ISTIO_PROXY_PORTS)]
        return [el("portForward", *kept_off, proto="tcp"), el("portForward", proto="udp")]
    return [
        el("portForward", *(el("range", start=port) for port in ports), proto=protocol)
        for protocol, ports in by_protocol.items() if ports
    ]
