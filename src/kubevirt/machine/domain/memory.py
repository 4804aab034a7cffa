"""How much memory a guest has and what it is made of."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import models
from kubevirt.machine.domain.placement import Pinning
from kubevirt.machine.domain.xml import Element, el

MEMFD_ANNOTATION = "kubevirt.io/memfd"


def sizes(vmi: VirtualMachineInstance) -> list[Element]:
    """`<memory>`, and `<maxMemory>` when more may be plugged in while the guest runs."""
    guest = models.guest_memory(vmi.spec.domain)
    found = [el("memory", unit="b", text=str(models.whole_bytes(guest)))]
    memory = vmi.spec.domain.memory
    if memory is not None and memory.max_guest is not None and memory.max_guest != guest:
        found.append(el("maxMemory", unit="b", slots=0, text=str(models.whole_bytes(memory.max_guest))))
    return found


def needs_shared_memory(vmi: VirtualMachineInstance) -> bool:
    """Another process works on the guest's memory: a file system server, or the passt network back end."""
    devices = vmi.spec.domain.devices
    return bool(devices.filesystems) or any(
        interface.passt_binding is not None for interface in devices.interfaces
    )


def needs_memfd(vmi: VirtualMachineInstance) -> bool:
    memory = vmi.spec.domain.memory
    hugepages = memory is not None and memory.hugepages is not None
    return needs_shared_memory(vmi) or (hugepages and not models.is_annotated(vmi, MEMFD_ANNOTATION, "false"))


def backing(vmi: VirtualMachineInstance, pinned: Pinning | None) -> Element | None:
    """`<memoryBacking>`, only when it would say something."""
    domain = vmi.spec.domain
    root = el("memoryBacking")
    if domain.memory is not None and domain.memory.hugepages is not None:
        cells = pinned.cells if pinned is not None else []
        pages = [el("page", size=pinned.page_bytes, unit="b", nodeset=cell.id) for cell in cells] if pinned else []
        root.append(el("hugepages", *pages))
    if needs_memfd(vmi):
        root.append(el("source", type="memfd"))
    if needs_shared_memory(vmi):
        root.append(el("access", mode="shared"))
    if models.has_numa_passthrough(domain):
        root.append(el("allocation", mode="immediate"))
        if domain.cpu is not None and domain.cpu.realtime is not None:
            root.append(el("nosharepages"))
    return root if len(root) else None
