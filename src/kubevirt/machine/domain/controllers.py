"""Controllers that other devices hang on. libvirt adds those for PCI and SATA by itself."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import guest_cpu
from kubevirt.machine.domain import consoles, disks, iothreads, models
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el

NO_PCI_HOLE64_ANNOTATION = "kubevirt.io/disablePCIHole64"


def controllers(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    found = [el("controller", type="usb", index=0, model="qemu-xhci" if needs_usb(vmi, context) else "none")]
    if (scsi := _scsi(vmi, context)) is not None:
        found.append(scsi)
    if consoles.has_serial(vmi):
        found.append(_virtio_controller(vmi, context, "virtio-serial"))
    if context.arch == "amd64" and models.is_annotated(vmi, NO_PCI_HOLE64_ANNOTATION):
        found.append(el("controller", el("pcihole64", text="0", unit="KiB"), type="pci", index=0, model="pcie-root"))
    return found


def needs_usb(vmi: VirtualMachineInstance, context: DomainContext) -> bool:
    devices = vmi.spec.domain.devices
    if context.arch == "arm64":
        return True
    if context.arch == "s390x":
        return False
    usb_host_devices = context.host_devices is not None and any(
        device.device_name in context.host_devices.usb for device in devices.host_devices
    )
    return (
        devices.client_passthrough is not None
        or usb_host_devices
        or any(given.bus in (None, "", "usb") for given in devices.inputs)
        or any(target.bus == "usb" for target in disks.targets(vmi).values())
    )


def _scsi(vmi: VirtualMachineInstance, context: DomainContext) -> Element | None:
    """There from the start unless hot-plugging is off: hot-plugged disks are SCSI disks."""
    devices = vmi.spec.domain.devices
    on_scsi = {name for name, target in disks.targets(vmi).items() if target.bus == "scsi"}
    if devices.disable_hotplug and not on_scsi:
        return None
    root = _virtio_controller(vmi, context, "scsi")
    if context.arch == "s390x":
        root.set("model", "virtio-scsi")
    dedicated = {disk.name for disk in devices.disks if disk.name in on_scsi and iothreads.is_dedicated(disk)}
    if dedicated:
        thread = max(iothreads.assignments(vmi, dedicated).values(), default=None)
        driver = root.find("driver")
        if driver is None:
            driver = el("driver")
            root.append(driver)
        driver.set("iothread", str(thread))
        driver.set("queues", str(guest_cpu.count_vcpus(vmi.spec.domain)))
    return root


def _virtio_controller(vmi: VirtualMachineInstance, context: DomainContext, kind: str) -> Element:
    iommu = models.iommu(vmi.spec.domain)
    driver = el("driver", iommu=iommu) if iommu is not None else None
    return el("controller", driver, type=kind, index=0, model=models.virtio_model(vmi, context))
