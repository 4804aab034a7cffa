"""The VMI that a VM starts: the template with instance type and preference put in, plus what ties it to the VM.

Defaults that need the cluster's configuration are the webhook's work when the VMI is created, not done here again; but
for the pod network of machines with a preference, which has something to say about it.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import codec, names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults.instance import connect_to_pod_network
from kubevirt.api.devices import Input
from kubevirt.api.disks import Disk
from kubevirt.api.instancetypes.conflicts import paths
from kubevirt.api.instancetypes.expansion import (
    NO_OFFERS,
    Offers,
    apply_autoattach_preferences,
    apply_offers,
)
from kubevirt.api.instancetypes.matchers import INSTANCETYPE_KINDS, PREFERENCE_KINDS
from kubevirt.api.meta import ObjectMeta, OwnerReference
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import (
    VirtualMachineInstance,
    VirtualMachineInstanceSpec,
    VirtualMachineInstanceStatus,
)
from kubevirt.kit.errors import Refused

RECEIVER = "kubevirt.io/create-migration-target"
RESTORE_RUN_STRATEGY = "kubevirt.io/restore-run-strategy"
SKIP_BACKUP_HOOKS = names.ANNOTATION_SKIP_BACKUP_HOOKS


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


def build(
    vm: VirtualMachine,
    *,
    revision: str,
    paused: bool,
    strategy: RunStrategy,
    offers: Offers = NO_OFFERS,
    config: ClusterConfig | None = None,
) -> VirtualMachineInstance:
    """The VMI for this start. Its status begins with what only the VM controller knows: the revision.

    Raises Refused for a template that has fields which are its instance type's.
    """
    template = vm.spec.template
    annotations = {**template.metadata.annotations, names.ANNOTATION_VM_GENERATION: str(vm.metadata.generation)}
    annotations |= names_of_offers(vm)
    if skip := vm.metadata.annotations.get(SKIP_BACKUP_HOOKS):
        annotations[SKIP_BACKUP_HOOKS] = skip
    if strategy is RunStrategy.WAIT_AS_RECEIVER:
        annotations[RECEIVER] = "true"
    metadata = ObjectMeta(
        name=vm.metadata.name,
        namespace=vm.metadata.namespace,
        labels=dict(template.metadata.labels),
        annotations=annotations,
        owner_references=[owner_reference(vm)],
        finalizers=[names.FINALIZER_VMI_FOREGROUND, names.FINALIZER_VM_CONTROLLER],
    )
    spec = started_spec(template.spec, offers, config or ClusterConfig(), metadata)
    if paused:
        spec = replace(spec, start_strategy="Paused")
    return VirtualMachineInstance(
        metadata=metadata,
        spec=spec,
        status=VirtualMachineInstanceStatus(virtual_machine_revision_name=revision),
    )


def started_spec(
    spec: VirtualMachineInstanceSpec, offers: Offers, config: ClusterConfig, metadata: ObjectMeta
) -> VirtualMachineInstanceSpec:
    """The spec that an instance of this template has; annotations of what is offered are put into `metadata`.

    Raises Refused.
    """
    spec = with_disks_for_all_volumes(spec)
    if not offers:
        return with_default_input(spec)
    spec = codec.clone(spec)
    apply_autoattach_preferences(offers, spec)
    spec = with_default_input(spec)
    connect_to_pod_network(spec, config)
    if conflicts := apply_offers(offers, spec, metadata, at="spec"):
        raise Refused(
            cause=f"VMI conflicts with instancetype spec in fields: [{paths(conflicts)}]",
            remedy="leave these fields out of spec.template, or choose another instance type",
        )
    return spec


def names_of_offers(vm: VirtualMachine) -> dict[str, str]:
    """Annotations that tell on the instance which instance type and preference it was made with."""
    found = {}
    if (chosen := vm.spec.instancetype) is not None and chosen.name:
        kind = INSTANCETYPE_KINDS.get((chosen.kind or "").lower())
        own = kind is not None and kind.namespaced
        found[names.ANNOTATION_INSTANCETYPE if own else names.ANNOTATION_CLUSTER_INSTANCETYPE] = chosen.name
    if (liked := vm.spec.preference) is not None and liked.name:
        of = PREFERENCE_KINDS.get((liked.kind or "").lower())
        own = of is not None and of.namespaced
        found[names.ANNOTATION_PREFERENCE if own else names.ANNOTATION_CLUSTER_PREFERENCE] = liked.name
    return found


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
