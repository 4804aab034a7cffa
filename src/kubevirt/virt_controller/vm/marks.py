"""What the controller puts on every VM before anything else: finalizer, version annotations, a lasting firmware UUID.

All of it goes into one patch. The firmware UUID of a VM that has none (stored before the webhook gave every new VM a
random one) is derived from its name alone, so that a guest licensed against it sees the same one at every start.
"""

from __future__ import annotations

import uuid

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.firmware import Firmware
from kubevirt.api.vm import VirtualMachine
from kubevirt.virt_controller.vm.observed import Observed

LEGACY_UUID_NAMESPACE = uuid.UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")

VERSIONS = {
    names.ANNOTATION_LATEST_API_VERSION: "v1",
    names.ANNOTATION_STORAGE_API_VERSION: "v1",
}


def legacy_firmware_uuid(vm_name: str) -> str:
    """The UUID of VMs that were never given one."""
    return str(uuid.uuid5(LEGACY_UUID_NAMESPACE, vm_name))


def marked(o: Observed) -> VirtualMachine:
    """The VM with all marks; the very same object when it has them."""
    metadata = o.vm.metadata
    if names.FINALIZER_VM_CONTROLLER not in metadata.finalizers:
        metadata = replace(metadata, finalizers=[*metadata.finalizers, names.FINALIZER_VM_CONTROLLER])
    if any(metadata.annotations.get(key) != value for key, value in VERSIONS.items()):
        metadata = replace(metadata, annotations={**metadata.annotations, **VERSIONS})
    vm = o.vm if metadata is o.vm.metadata else replace(o.vm, metadata=metadata)
    return with_firmware_uuid(vm)


def with_firmware_uuid(vm: VirtualMachine) -> VirtualMachine:
    """The VM with a firmware UUID in its template."""
    template = vm.spec.template
    firmware = template.spec.domain.firmware
    if firmware is not None and firmware.uuid:
        return vm
    value = legacy_firmware_uuid(vm.metadata.name)
    firmware = Firmware(uuid=value) if firmware is None else replace(firmware, uuid=value)
    domain = replace(template.spec.domain, firmware=firmware)
    template = replace(template, spec=replace(template.spec, domain=domain))
    return replace(vm, spec=replace(vm.spec, template=template))
