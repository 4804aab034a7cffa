"""Defaults of a VirtualMachine: only what must not change between its runs. All else is decided for each run anew."""

import uuid
from collections.abc import Callable

from kubevirt.api import codec, names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.domain import Firmware, Machine
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstanceSpec

PCI_TOPOLOGY_VERSION = "v3"
"""The rules by which devices get their PCI addresses; kept with a machine, so that they never move in its guest."""


def has_pcie(spec: VirtualMachineInstanceSpec) -> bool:
    """Whether the board has PCI Express, so that devices keep their addresses by rules."""
    machine = (spec.domain.machine.type if spec.domain.machine is not None else "") or ""
    return (spec.architecture == "amd64" and "q35" in machine) or (spec.architecture == "arm64" and "virt" in machine)


def new_uuid() -> str:
    """A random identity."""
    return str(uuid.uuid4())


def default_vm(
    vm: VirtualMachine,
    config: ClusterConfig,
    *,
    create: bool,
    preference: VirtualMachinePreferenceSpec | None = None,
    make_uuid: Callable[[], str] = new_uuid,
) -> VirtualMachine:
    """The machine with its defaults; identities are only made when it is created.

    Of a preference only that is taken which a machine keeps whatever becomes of the preference: board, architecture
    and storage class.
    """
    if not vm.spec.has_template:
        return vm  # refused by validation, in better words than anything filled in here could get
    vm = codec.clone(vm)
    template = vm.spec.template
    spec = template.spec
    if create:
        firmware = spec.domain.firmware = spec.domain.firmware or Firmware()
        firmware.uuid = firmware.uuid or make_uuid()
        firmware.serial = firmware.serial or make_uuid()
    if preference is not None:
        _keep_preferred(vm, preference)
    spec.architecture = spec.architecture or config.default_architecture
    if spec.domain.machine is None or not spec.domain.machine.type:
        spec.domain.machine = Machine(type=config.machine_type(spec.architecture))
    if create and has_pcie(spec):
        template.metadata.annotations.setdefault(names.ANNOTATION_PCI_TOPOLOGY_VERSION, PCI_TOPOLOGY_VERSION)
    return vm


def _keep_preferred(vm: VirtualMachine, preference: VirtualMachinePreferenceSpec) -> None:
    spec = vm.spec.template.spec
    spec.architecture = spec.architecture or preference.preferred_architecture
    kind = preference.machine.preferred_machine_type if preference.machine is not None else None
    if kind and (spec.domain.machine is None or not spec.domain.machine.type):
        spec.domain.machine = Machine(type=kind)
    storage_class = preference.volumes.preferred_storage_class_name if preference.volumes is not None else None
    if not storage_class:
        return
    for template in vm.spec.data_volume_templates:
        for claim in (template.spec.pvc, template.spec.storage):
            if claim is not None and claim.storage_class_name is None:
                claim.storage_class_name = storage_class
