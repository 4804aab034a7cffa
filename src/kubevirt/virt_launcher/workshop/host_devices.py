"""Host devices that the pod was given: their addresses, from the environment that device plugins have set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import HostDevices
from kubevirt.machine.host_device_names import MEDIATED, PCI, USB, variable


def host_devices(vmi: VirtualMachineInstance, environment: Mapping[str, str]) -> HostDevices | None:
    """By the resources that the VMI names; None for one that names none."""
    devices = vmi.spec.domain.devices
    named = [*(gpu.device_name for gpu in devices.gpus), *(device.device_name for device in devices.host_devices)]
    resources = {name for name in named if name}
    if not resources:
        return None
    return HostDevices(
        pci=_addresses(PCI, resources, environment),
        mediated=_addresses(MEDIATED, resources, environment),
        usb=_addresses(USB, resources, environment),
    )


def _addresses(kind: str, resources: Iterable[str], environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = {name: tuple(a for a in environment.get(variable(kind, name), "").split(",") if a) for name in resources}
    return {name: addresses for name, addresses in found.items() if addresses}
