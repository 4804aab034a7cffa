"""A dump of the guest's memory into a claim (`status.memoryDumpRequest`), phase by phase.

The claim is associated with the VM as a volume, the node writes the dump and reports it in the VMI's volume status, and
the volume is taken out again. Each phase is what the next one starts from after a restart of the controller.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.resources import PVCS, VMIS, VMS
from kubevirt.api.vm import VirtualMachine, VirtualMachineMemoryDumpRequest
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.api.vmi_status import VolumeStatus
from kubevirt.api.volumes import MemoryDumpVolumeSource, Volume
from kubevirt.virt_controller.actions import Action, FailureWords, Patch
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.run_strategy import is_final

FAILED = FailureWords(reason="MemoryDumpError")
ANNOTATION = "kubevirt.io/memory-dump"
DUMP_FAILED = "Memory dump failed"
UNDER_WAY = frozenset({"Associating", "InProgress"})


def request_after(o: Observed) -> VirtualMachineMemoryDumpRequest | None:
    """The request once its phase is brought up to date; None when it is over and forgotten."""
    request = o.vm.status.memory_dump_request
    if request is None:
        return None
    told = status_of(request, o.vmi)
    match request.phase:
        case "Associating" if has_volume(request, o.vm.spec.template.spec):
            return replace(request, phase="InProgress")
        case "InProgress" if told is not None and told.phase == "MemoryDumpCompleted":
            info = told.memory_dump_volume
            return replace(request, phase="Unmounting", **({} if info is None else {
                "start_timestamp": info.start_timestamp, "end_timestamp": info.end_timestamp,
                "file_name": info.target_file_name}))
        case "InProgress" if told is not None and told.phase == "MemoryDumpFailed":
            info = told.memory_dump_volume
            return replace(request, phase="Failed", message=told.message, **({} if info is None else {
                "start_timestamp": info.start_timestamp, "end_timestamp": info.end_timestamp}))
        case "Unmounting" if told is None:
            return replace(request, phase="Completed")
        case "Dissociating" if not has_volume(request, o.vm.spec.template.spec) and told is None and (
                o.vmi is None or not has_volume(request, o.vmi.spec)):
            return None
        case _:
            return request


def actions(o: Observed) -> tuple[Action, ...]:
    """What the phase asks for; at most one write of each object."""
    request = o.vm.status.memory_dump_request
    if request is None:
        return ()
    vmi = o.vmi if o.vmi is not None and o.vmi.metadata.deletion_timestamp is None and not is_final(o.vmi) else None
    match request.phase:
        case "Associating" if vmi is not None and vmi.status.phase == "Running":
            return (*in_template(o.vm, request), *in_instance(vmi, request))
        case "InProgress" if vmi is not None:
            return in_instance(vmi, request)
        case "Unmounting":
            return (*annotated(o, request, request.file_name), *out_of_instance(vmi, request))
        case "Failed":
            return (*annotated(o, request, DUMP_FAILED), *out_of_instance(vmi, request))
        case "Dissociating":
            return (*out_of_instance(vmi, request), *out_of_template(o.vm, request))
        case _:
            return ()


def for_start(vm: VirtualMachine) -> VirtualMachine:
    """The VM as it is started: without the volume of a dump that is over."""
    request = vm.status.memory_dump_request
    if request is None or request.phase in UNDER_WAY or not has_volume(request, vm.spec.template.spec):
        return vm
    return with_template_spec(vm, without(vm.spec.template.spec, request))


def status_of(request: VirtualMachineMemoryDumpRequest, vmi: VirtualMachineInstance | None) -> VolumeStatus | None:
    """What the node says of the claim's volume."""
    return next((v for v in vmi.status.volume_status if v.name == request.claim_name), None) if vmi else None


def has_volume(request: VirtualMachineMemoryDumpRequest, spec: VirtualMachineInstanceSpec) -> bool:
    """The claim is a volume there."""
    return any(v.name == request.claim_name for v in spec.volumes)


def with_volume(spec: VirtualMachineInstanceSpec, request: VirtualMachineMemoryDumpRequest
                ) -> VirtualMachineInstanceSpec:
    """The spec with the claim as volume of a dump."""
    source = MemoryDumpVolumeSource(claim_name=request.claim_name, hotpluggable=True)
    return replace(spec, volumes=[*spec.volumes, Volume(name=request.claim_name, memory_dump=source)])


def without(spec: VirtualMachineInstanceSpec, request: VirtualMachineMemoryDumpRequest) -> VirtualMachineInstanceSpec:
    """The spec without it."""
    return replace(spec, volumes=[v for v in spec.volumes if v.name != request.claim_name])


def with_template_spec(vm: VirtualMachine, spec: VirtualMachineInstanceSpec) -> VirtualMachine:
    """The VM with another spec in its template."""
    return replace(vm, spec=replace(vm.spec, template=replace(vm.spec.template, spec=spec)))


def in_template(vm: VirtualMachine, request: VirtualMachineMemoryDumpRequest) -> tuple[Action, ...]:
    """The claim becomes a volume of the VM."""
    spec = vm.spec.template.spec
    if has_volume(request, spec):
        return ()
    return (Patch(resource=VMS, old=vm, new=with_template_spec(vm, with_volume(spec, request)), failed=FAILED),)


def out_of_template(vm: VirtualMachine, request: VirtualMachineMemoryDumpRequest) -> tuple[Action, ...]:
    """The claim is no longer a volume of the VM."""
    spec = vm.spec.template.spec
    if not has_volume(request, spec):
        return ()
    return (Patch(resource=VMS, old=vm, new=with_template_spec(vm, without(spec, request)), failed=FAILED),)


def in_instance(vmi: VirtualMachineInstance, request: VirtualMachineMemoryDumpRequest) -> tuple[Action, ...]:
    """The claim becomes a volume of the VMI."""
    if has_volume(request, vmi.spec):
        return ()
    return (Patch(resource=VMIS, old=vmi, new=replace(vmi, spec=with_volume(vmi.spec, request)), failed=FAILED),)


def out_of_instance(vmi: VirtualMachineInstance | None, request: VirtualMachineMemoryDumpRequest
                    ) -> tuple[Action, ...]:
    """The claim is no longer a volume of the VMI."""
    if vmi is None or not has_volume(request, vmi.spec):
        return ()
    return (Patch(resource=VMIS, old=vmi, new=replace(vmi, spec=without(vmi.spec, request)), failed=FAILED),)


def annotated(o: Observed, request: VirtualMachineMemoryDumpRequest, text: str) -> tuple[Action, ...]:
    """The claim tells what is in it."""
    claim = o.claims.get(request.claim_name)
    if claim is None or claim.metadata.annotations.get(ANNOTATION) == text:
        return ()
    metadata = replace(claim.metadata, annotations={**claim.metadata.annotations, ANNOTATION: text})
    return (Patch(resource=PVCS, old=claim, new=replace(claim, metadata=metadata), failed=FAILED),)
