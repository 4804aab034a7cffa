"""The VMI that a VM starts: the template, plus what ties it to the VM.

Defaults that need the cluster's configuration are the webhook's work when the VMI is created, not done here again.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.devices import Input
from kubevirt.api.disks import Disk
from kubevirt.api.meta import ObjectMeta, OwnerReference
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import (
    VirtualMachineInstance,
    VirtualMachineInstanceSpec,
    VirtualMachineInstanceStatus,
)

RECEIVER = "kubevirt.io/create-migration-target"
RESTORE_RUN_STRATEGY = "kubevirt.io/restore-run-strategy"
SKIP_BACKUP_HOOKS = "kubevirt.io/skip-backup-hooks"


def owner_reference(vm: VirtualMachine) -> OwnerReference:
    """What makes the VM the controller of an object."""
    return OwnerReference(
        api_version="kubevirt.io/v1",
        kind="VirtualMachine",
        name=vm.metadata.name,
        uid=vm.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


def build(vm: VirtualMachine, *, revision: str, paused: bool, strategy: RunStrategy) -> VirtualMachineInstance:
    """The VMI for this start. Its status begins with what only the VM controller knows: the revision."""
    template = vm.spec.template
    annotations = {**template.metadata.annotations, names.ANNOTATION_VM_GENERATION: str(vm.metadata.generation)}
    if skip := vm.metadata.annotations.get(SKIP_BACKUP_HOOKS):
        annotations[SKIP_BACKUP_HOOKS] = skip
    if strategy is RunStrategy.WAIT_AS_RECEIVER:
        annotations[RECEIVER] = "true"
    spec = with_default_input(with_disks_for_all_volumes(template.spec))
    if paused:
        spec = replace(spec, start_strategy="Paused")
    return VirtualMachineInstance(
        metadata=ObjectMeta(
            name=vm.metadata.name,
            namespace=vm.metadata.namespace,
            labels=dict(template.metadata.labels),
            annotations=annotations,
            owner_references=[owner_reference(vm)],
            finalizers=[names.FINALIZER_VMI_FOREGROUND, names.FINALIZER_VM_CONTROLLER],
        ),
        spec=spec,
        status=VirtualMachineInstanceStatus(virtual_machine_revision_name=revision),
    )


def with_disks_for_all_volumes(spec: VirtualMachineInstanceSpec) -> VirtualMachineInstanceSpec:
    """Volumes that neither a disk nor a file system uses get a disk with everything by default."""
    devices = spec.domain.devices
    used = {d.name for d in devices.disks} | {f.name for f in devices.filesystems}
    missing = [Disk(name=v.name) for v in spec.volumes if v.name not in used]
    if not missing:
        return spec
    devices = replace(devices, disks=[*devices.disks, *missing])
    return replace(spec, domain=replace(spec.domain, devices=devices))


def with_default_input(spec: VirtualMachineInstanceSpec) -> VirtualMachineInstanceSpec:
    """`autoattachInputDevice` gives one input device where the template names none."""
    devices = spec.domain.devices
    if not devices.autoattach_input_device or devices.inputs:
        return spec
    devices = replace(devices, inputs=[Input(name="default-0")])
    return replace(spec, domain=replace(spec.domain, devices=devices))
