"""Devices of the host that are handed to the guest: PCI, mediated, USB, GPUs, SR-IOV network functions.

Which device it is, a device plugin decided when the pod was placed; the launcher finds the addresses in its
environment, in the order in which they are to be used up. Without them (`virtctl render`) no such device can be
shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from kubevirt.api.devices import GPU
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.machine.domain import pci
from kubevirt.machine.domain.context import DomainContext, HostDevices
from kubevirt.machine.domain.xml import Element, el, on_off


class _Addresses(msgspec.Struct):
    """Addresses not yet used up."""

    devices: HostDevices
    used: dict[str, Iterator[str]] = msgspec.field(default_factory=dict)

    def next(self, kind: str, pool: Mapping[str, tuple[str, ...]], resource: str) -> str | None:
        left = self.used.setdefault(f"{kind}/{resource}", iter(pool.get(resource, ())))
        return next(left, None)

    def take(self, kind: str, pool: Mapping[str, tuple[str, ...]], resource: str, name: str) -> str:
        """Raises Refused when all are used up."""
        if (found := self.next(kind, pool, resource)) is None:
            raise _too_few(name, resource, self.devices)
        return found


def host_devices(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    """Raises Refused when fewer devices were allotted than the VMI names."""
    if context.host_devices is None:
        return []
    addresses = _Addresses(context.host_devices)
    devices = vmi.spec.domain.devices
    found = [_gpu(gpu, addresses) for gpu in devices.gpus if gpu.device_name]
    _show_one_display(devices.gpus, found)
    named = Counter(device.device_name for device in devices.host_devices)
    for device in devices.host_devices:
        if resource := device.device_name:
            found += _generic(device.name, resource, addresses, among=named[resource])
    return [*found, *_sriov(vmi, context.host_devices)]


def _generic(name: str, resource: str, addresses: _Addresses, *, among: int) -> list[Element]:
    """Several USB devices may have been permitted as one; `among` so many are those that the pod has divided up."""
    given = addresses.devices.usb.get(resource, ())
    if not given:
        return [_pci_or_mediated(name, resource, addresses, alias=f"ua-hostdevice-{name}")]
    found = []
    for index in range(max(len(given) // among, 1)):
        alias = f"ua-usb-host-{name}" + (f"-{index + 1}" if index else "")
        bus, _, number = addresses.take("usb", addresses.devices.usb, resource, name).partition(":")
        source = el("source", el("address", bus=bus, device=number))
        found.append(el("hostdev", source, el("alias", name=alias), type="usb", mode="subsystem"))
    return found


def _pci_or_mediated(name: str, resource: str, addresses: _Addresses, *, alias: str) -> Element:
    if (at := addresses.next("pci", addresses.devices.pci, resource)) is not None:
        source = el("source", pci.address(at, field=resource, with_type=False))
        return el("hostdev", source, el("alias", name=alias), type="pci", mode="subsystem", managed="no")
    if (uuid := addresses.next("mdev", addresses.devices.mediated, resource)) is not None:
        return el("hostdev", el("source", el("address", uuid=uuid)), el("alias", name=alias), type="mdev",
                  mode="subsystem", model="vfio-pci")
    raise _too_few(name, resource, addresses.devices)


def _too_few(name: str, resource: str, devices: HostDevices) -> Refused:
    return Refused(
        field="spec.domain.devices",
        cause=f"no device {resource!r} was allotted for {name!r}: the pod was given {_inventory(devices)}",
        remedy="permit the device in the KubeVirt object and make sure that a node offers it",
    )


def _inventory(devices: HostDevices) -> str:
    known = {**devices.pci, **devices.mediated, **devices.usb}
    return ", ".join(f"{resource}: {len(addresses)}" for resource, addresses in sorted(known.items())) or "none"


def _gpu(gpu: GPU, addresses: _Addresses) -> Element:
    element = _pci_or_mediated(gpu.name, gpu.device_name or "", addresses, alias=f"ua-gpu-{gpu.name}")
    display = gpu.virtual_gpu_options.display if gpu.virtual_gpu_options is not None else None
    if display is not None:
        shown = display.enabled is not False
        ram_fb = shown and (display.ram_fb is None or display.ram_fb.enabled is not False)
        if shown or element.get("type") == "mdev":
            element.set("display", on_off(shown))
            if ram_fb:
                element.set("ramfb", "on")
    return element


def _show_one_display(gpus: list[GPU], elements: list[Element]) -> None:
    """The first mediated GPU becomes the screen when none was chosen."""
    if any(gpu.virtual_gpu_options is not None and gpu.virtual_gpu_options.display is not None for gpu in gpus):
        return
    for element in elements:
        if element.get("type") == "mdev":
            element.set("display", "on")
            element.set("ramfb", "on")
            return


def _sriov(vmi: VirtualMachineInstance, devices: HostDevices) -> list[Element]:
    found = []
    for interface in vmi.spec.domain.devices.interfaces:
        if interface.sriov is None or interface.state == "absent" or interface.name not in devices.sriov:
            continue
        source = el("source", pci.address(devices.sriov[interface.name], field=interface.name, with_type=False))
        element = el("hostdev", source, el("alias", name=f"ua-sriov-{interface.name}"), type="pci",
                     mode="subsystem", managed="no")
        if interface.pci_address:
            element.append(pci.address(interface.pci_address, field=f"interfaces[{interface.name}]"))
        if interface.boot_order is not None:
            element.append(el("boot", order=interface.boot_order))
        found.append(element)
    return found
