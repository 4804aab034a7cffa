"""Virtual machines as series, one function a family, each over all machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric

from kubevirt.api.compute import CPU
from kubevirt.api.config import ClusterConfig
from kubevirt.api.domain import DomainSpec
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.volumes import Volume
from kubevirt.kit.quantity import Quantity
from kubevirt.kube.metrics.families import as_label, counter, gauge
from kubevirt.virt_controller.metrics.nics import LABELS as NIC_LABELS
from kubevirt.virt_controller.metrics.nics import vnics
from kubevirt.virt_controller.metrics.offers import Look, of_machine, with_offers
from kubevirt.virt_controller.metrics.shown_labels import ALL, ShownLabels

GROUPS = ("starting", "running", "migrating", "non_running", "error")
GROUP_OF: Mapping[str, str] = {
    **dict.fromkeys(("Provisioning", "Starting", "WaitingForVolumeBinding"), "starting"),
    "Running": "running",
    "Migrating": "migrating",
    **dict.fromkeys(("Stopped", "Paused", "Stopping", "Terminating"), "non_running"),
    **dict.fromkeys(("CrashLoopBackOff", "Unknown", "ErrorUnschedulable", "ErrImagePull", "ImagePullBackOff",
                     "ErrorPvcNotFound", "DataVolumeError"), "error"),
}
TURNS = ("Ready", "Failure", "Paused")
INFO = ("name", "namespace", "os", "workload", "flavor", "machine_type", "instance_type", "preference", "status",
        "status_group")
WHO = ("name", "namespace")

Machines = Sequence[VirtualMachine]
FindClaim = Callable[[str, str], PersistentVolumeClaim | None]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known beside the machines: claims, what machines are offered, and which labels are to be told."""

    claim: FindClaim
    look: Look
    config: ClusterConfig
    labels: ShownLabels = ALL


def families(vms: Machines, known: Known) -> Iterator[Metric]:
    """All families about machines."""
    yield gauge("kubevirt_vm_info", "A virtual machine.", INFO, [(info(vm, known.look), 1.0) for vm in vms])
    yield labels_of(vms, known.labels)
    yield gauge("kubevirt_vm_create_date_timestamp_seconds", "When a machine was created.", WHO, [
        (who(vm), vm.metadata.creation_timestamp.timestamp()) for vm in vms
        if vm.metadata.creation_timestamp is not None])
    turns = [(who(vm), group_for_turns(vm), last_turn(vm)) for vm in vms]
    for group in GROUPS:
        yield counter(f"kubevirt_vm_{group}_status_last_transition_timestamp_seconds",
                      "When a machine entered a status of this group; 0 while it is in another.", WHO,
                      [(name, at if group == its else 0.0) for name, its, at in turns])
    yield gauge("kubevirt_vm_vnic_info", "An interface of a machine.", NIC_LABELS, [
        series for vm in vms for series in vnics(*who(vm), vm.spec.template.spec)])
    yield gauge("kubevirt_vm_disk_allocated_size_bytes", "Storage that a machine's disk has asked for.",
                (*WHO, "persistentvolumeclaim", "volume_mode", "device"),
                [series for vm in vms for series in disks(vm, known.claim)])
    domains = [(vm, with_offers(vm, known.look, known.config).domain) for vm in vms]
    yield gauge("kubevirt_vm_resource_requests", "What a machine asks for.", (*WHO, "resource", "unit", "source"),
                [((*who(vm), *what), value) for vm, domain in domains for what, value in requests(domain)])
    yield gauge("kubevirt_vm_resource_limits", "What a machine cannot exceed.", (*WHO, "resource", "unit"),
                [((*who(vm), *what), value) for vm, domain in domains for what, value in limits(domain)])


def who(vm: VirtualMachine) -> tuple[str, str]:
    """Name and namespace."""
    return vm.metadata.name, vm.metadata.namespace


def info(vm: VirtualMachine, look: Look) -> tuple[str, ...]:
    """The labels of a machine."""
    annotations = vm.spec.template.metadata.annotations
    told = (annotations.get(f"vm.kubevirt.io/{word}", "") for word in ("os", "workload", "flavor"))
    machine = vm.spec.template.spec.domain.machine
    status = vm.status.printable_status
    return (*who(vm), *told, (machine.type if machine is not None else "") or "",
            *of_machine(vm, look), status.lower(), GROUP_OF.get(status, "<unknown>"))


def labels_of(vms: Machines, shown_labels: ShownLabels) -> Metric:
    """The labels that users gave machines and their templates, as far as they are to be told."""
    family = Metric("kubevirt_vm_labels", "Labels of a machine.", "gauge")
    for vm in vms:
        found = shown_labels.of({**vm.metadata.labels, **vm.spec.template.metadata.labels})
        if found:
            shown = {f"label_{as_label(key)}": value for key, value in found.items()}
            family.add_sample("kubevirt_vm_labels", {**dict(zip(WHO, who(vm), strict=True)), **shown}, 1.0)
    return family


def group_for_turns(vm: VirtualMachine) -> str:
    """The group of a machine's status; one of no group counts as an error."""
    return GROUP_OF.get(vm.status.printable_status, "error")


def last_turn(vm: VirtualMachine) -> float:
    """When the machine's condition last changed."""
    times = [c.last_transition_time.timestamp() for c in vm.status.conditions
             if c.type in TURNS and c.last_transition_time is not None]
    return max(times, default=-1.0)


def disks(vm: VirtualMachine, claim: FindClaim) -> Iterator[tuple[Sequence[str], float]]:
    """Disks with storage behind them whose size is known."""
    templates = {t.metadata.name: t for t in vm.spec.data_volume_templates if t.metadata is not None}
    for volume in vm.spec.template.spec.volumes:
        name = claim_of(volume)
        if not name:
            continue
        found, template = claim(vm.metadata.namespace, name), templates.get(name)
        asked = template.spec.pvc.resources if template is not None and template.spec.pvc is not None else None
        size = asked.requests.get("storage") if asked is not None else None
        if size is None and found is not None:
            size = found.spec.resources.requests.get("storage")
        if size is not None:
            mode = found.spec.volume_mode if found is not None else None
            yield (*who(vm), name, mode or "Filesystem", volume.name), float(size.bytes)


def claim_of(volume: Volume) -> str:
    """The claim behind a volume."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    return volume.data_volume.name if volume.data_volume is not None else ""


Figures = Iterator[tuple[tuple[str, ...], float]]


def requests(domain: DomainSpec) -> Figures:
    """What the machine asks for, by where it says so."""
    resources = domain.resources
    asked: Mapping[str, Quantity] = resources.requests if resources is not None else {}
    capped: Mapping[str, Quantity] = resources.limits if resources is not None else {}
    guest = domain.memory.guest if domain.memory is not None else None
    if "memory" in asked:
        yield ("memory", "bytes", "domain"), float(asked["memory"].bytes)
    if guest is not None:
        yield ("memory", "bytes", "guest"), float(guest.bytes)
    pages = domain.memory.hugepages if domain.memory is not None else None
    if pages is not None and pages.page_size:
        yield ("memory", "bytes", "hugepages"), float(Quantity(pages.page_size).bytes)
    effective = guest or asked.get("memory") or capped.get("memory")
    if effective is not None:
        yield ("memory", "bytes", "guest_effective"), float(effective.bytes)
    yield from _processors(domain.cpu, asked)


def _processors(cpu: CPU | None, asked: Mapping[str, Quantity]) -> Figures:
    parts = ("cores", "threads", "sockets")
    for part in parts:
        number = getattr(cpu, part, None)
        if number:
            yield ("cpu", part, "domain"), float(number)
        if cpu is None and "cpu" not in asked:
            yield ("cpu", part, "default"), 1.0
    if "cpu" in asked:
        yield ("cpu", "cores", "requests"), asked["cpu"].milli / 1000
    vcpus = 1
    for part in parts:
        vcpus *= getattr(cpu, part, None) or 1
    yield ("cpu", "cores", "guest_effective"), float(vcpus)


def limits(domain: DomainSpec) -> Figures:
    """What the machine does not exceed."""
    resources = domain.resources
    capped: Mapping[str, Quantity] = resources.limits if resources is not None else {}
    if "cpu" in capped:
        yield ("cpu", "cores"), capped["cpu"].milli / 1000
    if "memory" in capped:
        yield ("memory", "bytes"), float(capped["memory"].bytes)
