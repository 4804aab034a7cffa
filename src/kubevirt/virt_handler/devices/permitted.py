"""Host devices that guests may have whole: PCI functions, mediated devices and USB devices of this node.

Which kinds there are, and the names of their resources, the KubeVirt object says (`permittedHostDevices`); what the
node has of them is read from sysfs each time. A PCI function counts once the driver `vfio-pci` has it, since taking it
away from another driver is the administrator's decision. Devices of one IOMMU group can only be given away together,
so the group is what the kubelet counts. Another device plugin's resources (`externalResourceProvider`) are not ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubevirt.api.kubevirt_devices import PermittedHostDevices, USBSelector
from kubevirt.kit.errors import Problem
from kubevirt.machine.host_device_names import MEDIATED, PCI, USB, variable
from kubevirt.virt_handler.devices.offer import Allocation

SYSFS = Path("/sys")
PASSED_ON_BY = "vfio-pci"
_CONTROL = "/dev/vfio/vfio"
_LONGEST_NAME = 48
"""The path of a Unix socket has 107 characters, and the kubelet's directory needs some."""


@dataclass(frozen=True)
class Found:
    """What is given away as one: how libvirt knows it, and its files."""

    addresses: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HostDevices:
    """All devices of one resource. `selectors` are vendor and product in hexadecimal, or the type of mediated ones."""

    kind: str
    resource: str
    selectors: tuple[tuple[str, ...], ...]
    sysfs: Path = SYSFS

    @property
    def name(self) -> str:
        plain = self.resource.replace("/", "-")
        if len(plain) <= _LONGEST_NAME:
            return plain
        return f"{plain[:_LONGEST_NAME - 9]}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"

    @property
    def socket_name(self) -> str:
        return f"kubevirt-{self.name}.sock"

    def ids(self) -> list[str]:
        """IOMMU groups, or sets of USB devices, that are there now."""
        return list(self.found())

    def allocate(self, ids: list[str]) -> Allocation:
        """The files of the devices, and their addresses for the launcher. Raises Problem."""
        there = self.found()
        if missing := [one for one in ids if one not in there]:
            raise Problem(
                cause=f"{self.resource} {', '.join(missing)} is not usable on this node any more",
                remedy=f"see whether the device is there and its driver is {PASSED_ON_BY}",
            )
        chosen = [there[one] for one in ids]
        addresses = ",".join(address for found in chosen for address in found.addresses)
        files = list(dict.fromkeys(file for found in chosen for file in found.files))
        return Allocation(files=files, environment={variable(self.kind, self.resource): addresses})

    def found(self) -> dict[str, Found]:
        """By id, in the order of their addresses."""
        if self.kind == USB:
            return dict(self._usb())
        by_group: dict[str, list[str]] = {}
        for address, group in self._pci() if self.kind == PCI else self._mediated():
            by_group.setdefault(group, []).append(address)
        return {group: Found(tuple(addresses), (_CONTROL, f"/dev/vfio/{group}"))
                for group, addresses in by_group.items()}

    def _pci(self) -> Iterator[tuple[str, str]]:
        wanted = {f"{vendor}:{product}" for vendor, product in self.selectors}
        for device in _entries(self.sysfs / "bus/pci/devices"):
            if _link(device / "driver") != PASSED_ON_BY:
                continue  # so are nearly all, and this is looked at every second
            kind = f"{_number(device / 'vendor')}:{_number(device / 'device')}"
            if kind in wanted and (group := _link(device / "iommu_group")):
                yield device.name, group

    def _mediated(self) -> Iterator[tuple[str, str]]:
        wanted = {selector[0] for selector in self.selectors}
        for device in _entries(self.sysfs / "bus/mdev/devices"):
            type_ = device / "mdev_type"
            kind = _words(_read(type_ / "name")) or _link(type_)
            if kind in wanted and (group := _link(device / "iommu_group")):
                yield device.name, group

    def _usb(self) -> Iterator[tuple[str, Found]]:
        """Sets with a device for each selector, as many as can be made."""
        left = [(device, f"{_number(device / 'idVendor')}:{_number(device / 'idProduct')}")
                for device in _entries(self.sysfs / "bus/usb/devices") if (device / "devnum").exists()]
        while self.selectors:
            chosen = []
            for vendor, product in self.selectors:
                match = next((one for one in left if one[1] == f"{vendor}:{product}"), None)
                if match is None:
                    return
                left.remove(match)
                chosen.append(match[0])
            places = [(int(_read(d / "busnum") or 0), int(_read(d / "devnum") or 0)) for d in chosen]
            yield "_".join(f"{bus}-{number}" for bus, number in places), Found(
                tuple(f"{bus}:{number}" for bus, number in places),
                tuple(f"/dev/bus/usb/{bus:03}/{number:03}" for bus, number in places))


def host_devices(permitted: PermittedHostDevices | None, *, sysfs: Path = SYSFS) -> list[HostDevices]:
    """The resources that this node agent hands out. Several entries of one resource make one resource."""
    if permitted is None:
        return []
    found: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}
    for pci in permitted.pci_host_devices:
        vendor, _, product = pci.pci_vendor_selector.partition(":")
        if not pci.external_resource_provider:
            key = (PCI, pci.resource_name)
            found[key] = (*found.get(key, ()), (_hexadecimal(vendor), _hexadecimal(product)))
    for mediated in permitted.mediated_devices:
        if not mediated.external_resource_provider:
            key = (MEDIATED, mediated.resource_name)
            found[key] = (*found.get(key, ()), (_words(mediated.mdev_name_selector),))
    for usb in permitted.usb:
        if not usb.external_resource_provider:
            found[(USB, usb.resource_name)] = tuple(_numbers(selector) for selector in usb.selectors)
    return [HostDevices(kind=kind, resource=resource, selectors=selectors, sysfs=sysfs)
            for (kind, resource), selectors in found.items()]


def _numbers(selector: USBSelector) -> tuple[str, str]:
    return _hexadecimal(selector.vendor), _hexadecimal(selector.product)


def _hexadecimal(text: str) -> str:
    return text.strip().lower().removeprefix("0x")


def _words(text: str) -> str:
    """Names of mediated types are compared without the spaces that some have."""
    return text.strip().replace(" ", "_")


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []  # a node without such a bus


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""  # a device that has just gone


def _number(file: Path) -> str:
    return _hexadecimal(_read(file))


def _link(path: Path) -> str:
    """Name of what a link leads to."""
    try:
        return path.readlink().name
    except OSError:
        return ""
