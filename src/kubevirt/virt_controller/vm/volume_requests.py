"""Volumes that were asked to be plugged in or pulled out (`status.volumeRequests`).

The requests end up in the VM's template. A guest that runs already is not changed by this release; as long as it lacks
a volume of the template, the VM says so.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine, VirtualMachineSpec, VirtualMachineVolumeRequest
from kubevirt.api.vm_status import AddVolumeOptions
from kubevirt.api.volumes import Volume
from kubevirt.virt_controller.actions import FailureWords, Patch, SyncProblem
from kubevirt.virt_controller.vm.observed import Decision, Observed
from kubevirt.virt_controller.vm.run_strategy import is_final
from kubevirt.virt_controller.volumes import is_hotpluggable

FAILED = FailureWords(
    reason="HotPlugVolumeError",
    condition="Error encountered while handling volume hotplug requests: ",
)
NOT_PLUGGED = (
    "volume {} is hotpluggable and not in the running guest; this version of KubeVirt plugs no volumes: take "
    "'hotpluggable' from the volume and restart the VirtualMachine"
)


def step(o: Observed) -> Decision:
    """Put what is asked for into the template, in one write; then say what the running guest lacks of it."""
    if asked := pending(o.vm):
        return Decision(actions=(Patch(resource=VMS, old=o.vm, new=applied(o.vm, asked), failed=FAILED),))
    if o.vmi is None or is_final(o.vmi):
        return Decision()
    has = {v.name for v in o.vmi.spec.volumes}
    lacking = [v.name for v in o.vm.spec.template.spec.volumes
               if v.memory_dump is None and is_hotpluggable(v) and v.name not in has]
    if not lacking:
        return Decision()
    return Decision(problem=SyncProblem(
        reason=FAILED.reason, message=FAILED.condition + NOT_PLUGGED.format(lacking[0]), retry=False))


def pending(vm: VirtualMachine) -> list[VirtualMachineVolumeRequest]:
    """The requests that the template does not reflect yet; of several about one volume the last one counts."""
    last = {name_of(r): r for r in vm.status.volume_requests}
    return [r for r in last.values() if not is_reflected(r, vm.spec)]


def name_of(request: VirtualMachineVolumeRequest) -> str:
    """The volume that a request is about."""
    options = request.add_volume_options or request.remove_volume_options
    return options.name if options is not None else ""


def is_reflected(request: VirtualMachineVolumeRequest, spec: VirtualMachineSpec) -> bool:
    """The template has volume and disk of what was to be added, and neither of what was to be removed."""
    template = spec.template.spec
    volumes, disks = {v.name for v in template.volumes}, {d.name for d in template.domain.devices.disks}
    if (add := request.add_volume_options) is not None and not (add.name in volumes and add.name in disks):
        return False
    remove = request.remove_volume_options
    return remove is None or not (remove.name in volumes or remove.name in disks)


def applied(vm: VirtualMachine, asked: list[VirtualMachineVolumeRequest]) -> VirtualMachine:
    """The VM whose template reflects all the requests, taken in their order."""
    template = vm.spec.template
    devices = template.spec.domain.devices
    volumes, disks = {v.name: v for v in template.spec.volumes}, {d.name: d for d in devices.disks}
    for request in asked:
        if (add := request.add_volume_options) is not None:
            volumes.setdefault(add.name, pluggable(add))
            disks.setdefault(add.name, replace(add.disk, name=add.name))
        if (remove := request.remove_volume_options) is not None:
            volumes.pop(remove.name, None)
            disks.pop(remove.name, None)
    devices = replace(devices, disks=list(disks.values()))
    spec = replace(template.spec, volumes=list(volumes.values()), domain=replace(template.spec.domain, devices=devices))
    return replace(vm, spec=replace(vm.spec, template=replace(template, spec=spec)))


def pluggable(add: AddVolumeOptions) -> Volume:
    """The volume of a request."""
    source = add.volume_source
    claim, data_volume = source.persistent_volume_claim, source.data_volume
    return Volume(
        name=add.name,
        persistent_volume_claim=None if claim is None else replace(claim, hotpluggable=True),
        data_volume=None if data_volume is None else replace(data_volume, hotpluggable=True),
    )
