"""The guest's processors: how many, how they are grouped, and which model they claim to be."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import guest_cpu
from kubevirt.machine.domain import memory, models
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.placement import Pinning
from kubevirt.machine.domain.xml import Element, el, yes_no

HOST_MODEL, HOST_PASSTHROUGH = "host-model", "host-passthrough"


def sockets_to_define(vmi: VirtualMachineInstance, context: DomainContext) -> int:
    """Sockets including those that are empty at the start and may be filled while the guest runs."""
    cpu = vmi.spec.domain.cpu
    wanted = guest_cpu.topology(vmi.spec.domain).sockets
    if cpu is not None and cpu.max_sockets and context.arch != "arm64":
        return max(cpu.max_sockets, wanted)
    return wanted


def vcpus(vmi: VirtualMachineInstance, context: DomainContext) -> list[Element]:
    """`<vcpu>`, and `<vcpus>` where there is something to plug in later: the first socket always stays."""
    topology = guest_cpu.topology(vmi.spec.domain)
    cpu = vmi.spec.domain.cpu
    total = sockets_to_define(vmi, context) * topology.vcpus_per_socket
    found = [el("vcpu", placement="static", text=str(total))]
    if cpu is not None and cpu.max_sockets and context.arch != "arm64":
        found.append(el("vcpus", *(
            el("vcpu", id=i, enabled=yes_no(i < topology.vcpus), hotpluggable=yes_no(i >= topology.vcpus_per_socket))
            for i in range(total)
        )))
    return found


def cpu(vmi: VirtualMachineInstance, context: DomainContext, pinned: Pinning | None) -> Element:
    """`<cpu>`.

    Without KVM there is no host processor to hand through: libvirt refuses host-passthrough for emulated guests, and
    what comes closest is `maximum`, all that QEMU's emulation can do. host-model works there too (libvirt takes the
    model from what QEMU can emulate), and a named model keeps its name.
    """
    spec = vmi.spec.domain.cpu
    model = (spec.model if spec is not None else "") or HOST_MODEL
    root = el("cpu", mode=_mode(model, context))
    if root.get("mode") == "custom":
        root.append(el("model", text=model))
    given = spec.features if spec is not None else []
    root.extend(el("feature", name=feature.name, policy=feature.policy or None) for feature in given)
    named = model not in (HOST_MODEL, HOST_PASSTHROUGH)
    if named and context.arch == "amd64" and all(feature.name != "mpx" for feature in given):
        # Named models of Intel contain MPX, which processors and kernels have dropped since.
        root.append(el("feature", name="mpx", policy="disable"))
    topology = guest_cpu.topology(vmi.spec.domain)
    sockets = sockets_to_define(vmi, context)
    root.append(el("topology", sockets=sockets, cores=topology.cores, threads=topology.threads))
    root.extend(_numa(vmi, sockets * topology.vcpus_per_socket, pinned))
    return root


def _mode(model: str, context: DomainContext) -> str:
    if model == HOST_PASSTHROUGH and not context.kvm:
        return "maximum"
    return model if model in (HOST_MODEL, HOST_PASSTHROUGH) else "custom"


def _numa(vmi: VirtualMachineInstance, count: int, pinned: Pinning | None) -> list[Element]:
    """Cells of the host's topology, or the single one without which QEMU accepts no memfd."""
    if pinned is not None and pinned.cells:
        return [el("numa", *(
            el("cell", el("distances", *(el("sibling", id=i, value=d) for i, d in cell.distances)), id=cell.id,
               cpus=",".join(map(str, cell.vcpus)), memory=cell.memory_bytes, unit="b")
            for cell in pinned.cells
        ))]
    if not memory.needs_memfd(vmi):
        return []
    kib = models.whole_bytes(models.guest_memory(vmi.spec.domain)) // 1024
    return [el("numa", el("cell", id=0, cpus=f"0-{count - 1}", memory=kib, unit="KiB"))]
