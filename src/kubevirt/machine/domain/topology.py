"""Where devices sit on the PCI bus, and which slots stay free for those that are plugged in later.

Each PCIe device has a root port of its own, and libvirt hands the ports out in the order of device families. So that
interfaces plugged in later come to sit beside the first ones, and all other devices keep their addresses whatever
becomes of the interfaces, libvirt is shown some more interfaces than there are (`with_placeholders`); it allots their
ports; then they are taken out again and the ports stay (`settled`). Ports for other devices to come are added at
the end. A guest may instead have everything on the root bus, without ports (`on_root_bus`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import msgspec

from kubevirt.api import names
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import models
from kubevirt.machine.domain.xml import Element, el

VERSION = "v3"
ROOT_BUS_ANNOTATION = "kubevirt.io/placePCIDevicesOnRootComplex"
ROOT_PORT = "pcie-root-port"
INTERFACE_SLOTS = 4
LARGE_BYTES = 2 << 30
HIGHEST_PORT = 31
FIRST_SLOT, END_OF_SLOTS = 0x02, 0x20
CHIPSET_SLOTS = (0x1B, 0x1F)
PLACEHOLDER = "placeholder-"


class Spare(msgspec.Struct, frozen=True, kw_only=True):
    """Ports to keep free: for interfaces, and for anything: up to `total` with those in use, never below `minimum`."""

    placeholders: int
    total: int
    minimum: int


def spare(vmi: VirtualMachineInstance) -> Spare | None:
    """None for machines whose topology is another one: older than the version, without PCIe, all on the root bus."""
    version = vmi.metadata.annotations.get(names.ANNOTATION_PCI_TOPOLOGY_VERSION)
    if version != VERSION or models.is_annotated(vmi, ROOT_BUS_ANNOTATION):
        return None
    large = models.guest_memory(vmi.spec.domain).bytes > LARGE_BYTES
    total, minimum = (16, 6) if large else (8, 3)
    return Spare(placeholders=_placeholders(vmi), total=total, minimum=minimum)


def _placeholders(vmi: VirtualMachineInstance) -> int:
    interfaces = len(vmi.spec.domain.devices.interfaces)
    if not interfaces:
        return 0
    given = vmi.metadata.annotations.get(names.ANNOTATION_PCI_SLOT_COUNT, "")
    return max(0, (int(given) if given.isdecimal() else INTERFACE_SLOTS) - interfaces)


def with_placeholders(root: Element, wanted: int) -> None:
    """Puts interfaces into a domain that only libvirt shall see, behind those that are there."""
    devices = _devices(root)
    at = len(devices.findall("interface"))
    for i in range(wanted):
        target = el("target", dev=f"{PLACEHOLDER}{i}", managed="no")
        devices.insert(at + i, el("interface", target, el("model", type="virtio"), type="ethernet"))


def settled(root: Element, kept: Spare) -> None:
    """Changes a domain that libvirt has completed: without placeholders, with the ports that were theirs and more."""
    devices = _devices(root)
    for interface in devices.findall("interface"):
        target = interface.find("target")
        if target is not None and target.get("dev", "").startswith(PLACEHOLDER):
            devices.remove(interface)
    taken = {bus: device for device, bus in _on_ports(devices)}
    ports = {int(port.get("index", "0")): port for port in devices.findall("controller") if _is_port(port)}
    for index, port in ports.items():
        target = port.find("target")
        if target is not None and index in taken and taken[index].tag != "interface":
            # Nobody may pull out, say, the disk controller; and the guest need not watch its port.
            target.set("hotplug", "off")
    free = max(kept.total - len(taken), kept.minimum)
    last = max((int(c.get("index", "0")) for c in devices.findall("controller[@type='pci']")), default=0)
    more = min(max(0, free - kept.placeholders), HIGHEST_PORT - last)
    for index in range(last + 1, last + 1 + more):
        devices.append(el("controller", type="pci", index=index, model=ROOT_PORT))


def _devices(root: Element) -> Element:
    found = root.find("devices")
    return root if found is None else found


def _is_port(controller: Element) -> bool:
    return controller.get("type") == "pci" and controller.get("model") == ROOT_PORT


def _on_ports(devices: Element) -> Iterator[tuple[Element, int]]:
    """Devices on other buses than the root bus, and the number of the bus, which is the index of its port."""
    for device in devices:
        address = device.find("address[@type='pci']")
        if address is not None and (bus := int(address.get("bus", "0"), 16)):
            yield device, bus


def on_root_bus(root: Element) -> None:
    """Gives every PCI device without an address the next free slot of bus 0."""
    devices = _devices(root)
    addresses = devices.findall("./*/address[@type='pci']")
    taken = {int(a.get("slot", "0"), 16) for a in addresses if int(a.get("bus", "0"), 16) == 0}
    free = (slot for slot in count(FIRST_SLOT) if slot not in CHIPSET_SLOTS and slot not in taken)
    for device in _pci_devices(devices):
        if device.find("address") is not None:
            continue
        slot = next(free)
        if slot >= END_OF_SLOTS:
            return  # libvirt finds places for the rest
        device.append(el("address", type="pci", domain="0x0000", bus="0x00", slot=f"0x{slot:02x}", function="0x0"))


def _pci_devices(devices: Element) -> Iterator[Element]:
    """In the order in which they get their slots."""
    yield from devices.findall("interface")
    yield from devices.findall("hostdev[@type='pci']")
    for controller in devices.findall("controller"):
        if controller.get("type") in ("scsi", "virtio-serial") or controller.get("model") == "qemu-xhci":
            yield controller
    for disk in devices.findall("disk"):
        if disk.find("target[@bus='virtio']") is not None:
            yield disk
    yield from devices.findall("input[@bus='virtio']")
    yield from devices.findall("watchdog")
    yield from devices.findall("rng")
    for balloon in devices.findall("memballoon"):
        if balloon.get("model") != "none":
            yield balloon
