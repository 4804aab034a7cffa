"""A machine of the pool, made from its template: everything that is its own carries its number.

Names of data volumes always do; names of ConfigMaps and Secrets where `nameGeneration` asks for it. What identifies an
existing machine to its guest, and was filled in when it was created, is kept when the template changes.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.domain import Firmware, Machine
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.pool import VirtualMachinePool, VirtualMachinePoolNameGeneration
from kubevirt.api.references import LocalObjectReference
from kubevirt.api.vm import VirtualMachine, VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.api.volumes import CloudInitConfigDriveSource, CloudInitNoCloudSource, Volume
from kubevirt.virt_controller.crowd import controlled_by
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.vm.marks import VERSIONS

CloudInit = TypeVar("CloudInit", CloudInitNoCloudSource, CloudInitConfigDriveSource)

_ADDRESSES = (names.ANNOTATION_PCI_TOPOLOGY_VERSION, names.ANNOTATION_PCI_SLOT_COUNT)
"""Annotations of the template that fix where a guest finds its devices."""


def name_of(pool: VirtualMachinePool, index: int) -> str:
    """The name of the machine with this number."""
    return f"{pool.metadata.name}-{index}"


def new_machine(pool: VirtualMachinePool, index: int, *, revision: str) -> VirtualMachine:
    """The machine with this number. It is born with the marks that the VM controller would else write at once."""
    template = pool.spec.virtual_machine_template
    return VirtualMachine(
        metadata=ObjectMeta(
            name=name_of(pool, index),
            namespace=pool.metadata.namespace,
            labels={**template.metadata.labels, names.LABEL_POOL_REVISION: revision},
            annotations={**template.metadata.annotations, **VERSIONS},
            owner_references=[controlled_by(POOLS, pool.metadata)],
            finalizers=[names.FINALIZER_POOL, names.FINALIZER_VM_CONTROLLER],
        ),
        spec=numbered_spec(pool, index, revision=revision),
    )


def brought_up_to_date(vm: VirtualMachine, pool: VirtualMachinePool, index: int, *, revision: str) -> VirtualMachine:
    """The machine as the present template wants it, with the identity it had."""
    template = pool.spec.virtual_machine_template
    kept = {key: value for key, value in vm.metadata.annotations.items() if key in VERSIONS}
    metadata = replace(
        vm.metadata,
        labels={**template.metadata.labels, names.LABEL_POOL_REVISION: revision},
        annotations={**template.metadata.annotations, **kept},
    )
    spec = numbered_spec(pool, index, revision=revision)
    old = vm.spec.template
    addresses = {key: old.metadata.annotations[key] for key in _ADDRESSES if key in old.metadata.annotations}
    inner = replace(
        spec.template,
        metadata=replace(spec.template.metadata, annotations={**addresses, **spec.template.metadata.annotations}),
        spec=with_identity_of(old.spec, spec.template.spec),
    )
    return replace(vm, metadata=metadata, spec=replace(spec, template=inner))


def with_identity_of(old: VirtualMachineInstanceSpec, new: VirtualMachineInstanceSpec) -> VirtualMachineInstanceSpec:
    """`new` with the firmware's identity of `old`, and with its board where `new` names none."""
    domain = new.domain
    if (firmware := old.domain.firmware) is not None and (firmware.uuid or firmware.serial):
        identity = Firmware() if domain.firmware is None else domain.firmware
        identity = replace(identity, uuid=firmware.uuid or identity.uuid, serial=firmware.serial or identity.serial)
        domain = replace(domain, firmware=identity)
    if old.domain.machine is not None and (domain.machine is None or not domain.machine.type):
        domain = replace(domain, machine=Machine(type=old.domain.machine.type))
    return replace(new, domain=domain, architecture=new.architecture or old.architecture)


def numbered_spec(pool: VirtualMachinePool, index: int, *, revision: str) -> VirtualMachineSpec:
    """The template's spec with this number in the names of what is the machine's own."""
    spec = pool.spec.virtual_machine_template.spec
    own = {t.metadata.name for t in spec.data_volume_templates if t.metadata is not None}
    templates = [
        replace(t, metadata=replace(t.metadata, name=f"{t.metadata.name}-{index}")) if t.metadata is not None else t
        for t in spec.data_volume_templates
    ]
    rules = pool.spec.name_generation or VirtualMachinePoolNameGeneration()
    inner = spec.template
    volumes = [numbered_volume(v, index, own=own, rules=rules) for v in inner.spec.volumes]
    labels = {**inner.metadata.labels, names.LABEL_POOL_REVISION: revision}
    inner = replace(inner, metadata=replace(inner.metadata, labels=labels),
                    spec=replace(inner.spec, volumes=volumes))
    return replace(spec, data_volume_templates=templates, template=inner)


def numbered_volume(volume: Volume, index: int, *, own: set[str], rules: VirtualMachinePoolNameGeneration) -> Volume:
    """The volume with this number in the name of its source, where that is one of the machine's own."""
    if (dv := volume.data_volume) is not None and dv.name in own:
        volume = replace(volume, data_volume=replace(dv, name=f"{dv.name}-{index}"))
    if (claim := volume.persistent_volume_claim) is not None and claim.claim_name in own:
        volume = replace(volume, persistent_volume_claim=replace(claim, claim_name=f"{claim.claim_name}-{index}"))
    if rules.append_index_to_config_map_refs and (config_map := volume.config_map) is not None and config_map.name:
        volume = replace(volume, config_map=replace(config_map, name=f"{config_map.name}-{index}"))
    if rules.append_index_to_secret_refs:
        volume = _with_numbered_secrets(volume, index)
    return volume


def _with_numbered_secrets(volume: Volume, index: int) -> Volume:
    if (secret := volume.secret) is not None and secret.secret_name:
        volume = replace(volume, secret=replace(secret, secret_name=f"{secret.secret_name}-{index}"))
    if (no_cloud := volume.cloud_init_no_cloud) is not None:
        volume = replace(volume, cloud_init_no_cloud=_numbered_cloud_init(no_cloud, index))
    if (drive := volume.cloud_init_config_drive) is not None:
        volume = replace(volume, cloud_init_config_drive=_numbered_cloud_init(drive, index))
    return volume


def _numbered_cloud_init(source: CloudInit, index: int) -> CloudInit:
    return replace(source, secret_ref=_numbered(source.secret_ref, index),
                   network_data_secret_ref=_numbered(source.network_data_secret_ref, index))


def _numbered(ref: LocalObjectReference | None, index: int) -> LocalObjectReference | None:
    return replace(ref, name=f"{ref.name}-{index}") if ref is not None and ref.name else ref
