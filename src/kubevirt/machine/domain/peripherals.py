"""The small devices: balloon, inputs, watchdog, random numbers, TPM, vsock, sound, panic."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import consoles, models
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el

NO_FREE_PAGE_REPORTING_ANNOTATION = "kubevirt.io/free-page-reporting-disabled"
VSOCK_LOCAL_CID = 3


def balloon(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    """Takes memory back from the guest, and tells how much it uses.

    Free page reporting gives pages that the guest freed back to the host at once, which guests with resources of their
    own would pay for with latency.
    """
    if vmi.spec.domain.devices.autoattach_mem_balloon is False:
        return el("memballoon", model="none")
    root = el("memballoon", model=models.virtio_model(vmi, context))
    if (
        context.free_page_reporting
        and not models.is_high_performance(vmi.spec.domain)
        and not models.is_annotated(vmi, NO_FREE_PAGE_REPORTING_ANNOTATION)
    ):
        root.set("freePageReporting", "on")
    if context.balloon_period_s:
        root.append(el("stats", period=context.balloon_period_s))
    return _with_iommu(root, vmi)


def inputs(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    found = []
    for given in vmi.spec.domain.devices.inputs:
        bus = given.bus or "usb"
        found.append(el("input", el("alias", name=f"ua-{given.name}"), type=given.type, bus=bus,
                        model="virtio" if bus == "virtio" else None))
    if consoles.has_graphics(vmi):
        if context.arch == "arm64":
            if all(given.type != "tablet" for given in vmi.spec.domain.devices.inputs):
                found.append(el("input", type="tablet", bus="usb"))
            found.append(el("input", type="keyboard", bus="usb"))
        elif context.arch == "s390x":
            found.append(el("input", type="keyboard", bus="virtio"))
    return found


def watchdog(vmi: VirtualMachineInstance, context: DomainContext) -> Element | None:
    given = vmi.spec.domain.devices.watchdog
    if given is None:
        return None
    alias = el("alias", name=f"ua-{given.name}")
    if given.diag288 is not None and context.arch == "s390x":
        return el("watchdog", alias, model="diag288", action=given.diag288.action or "reset")
    action = given.i6300esb.action if given.i6300esb is not None else ""
    return el("watchdog", alias, model="i6300esb", action=action or "reset")


def rng(vmi: VirtualMachineInstance, context: DomainContext) -> Element | None:
    if vmi.spec.domain.devices.rng is None:
        return None
    root = el("rng", el("backend", model="random", text="/dev/urandom"), model=models.virtio_model(vmi, context))
    return _with_iommu(root, vmi)


def tpm(vmi: VirtualMachineInstance) -> Element | None:
    given = vmi.spec.domain.devices.tpm
    if given is None or given.enabled is False:
        return None
    persistent = bool(given.persistent)
    backend = el("backend", type="emulator", version="2.0", persistent_state="yes" if persistent else None)
    return el("tpm", backend, model="tpm-crb" if persistent else "tpm-tis")


def vsock(vmi: VirtualMachineInstance, context: DomainContext) -> Element | None:
    """Its address is allotted per cluster, unless the kernel keeps the addresses of pods apart."""
    if not vmi.spec.domain.devices.autoattach_vsock:
        return None
    address = VSOCK_LOCAL_CID if context.virtio_vsock_local else vmi.status.vsock_cid
    if address is None:
        return None
    return _with_iommu(el("vsock", el("cid", auto="no", address=address), model="virtio-non-transitional"), vmi)


def sound(vmi: VirtualMachineInstance) -> Element | None:
    given = vmi.spec.domain.devices.sound
    if given is None:
        return None
    return el("sound", el("alias", name=f"ua-{given.name}"), model=given.model or "ich9")


def panic(vmi: VirtualMachineInstance) -> list[Element]:
    return [el("panic", model=given.model or None) for given in vmi.spec.domain.devices.panic_devices]


def _with_iommu(root: Element, vmi: VirtualMachineInstance) -> Element:
    iommu = models.iommu(vmi.spec.domain)
    if iommu is not None:
        root.append(el("driver", iommu=iommu))
    return root
