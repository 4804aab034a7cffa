"""Whether the running guest still is what the VM's template asks for (condition `RestartRequired`).

Nothing of a running guest is changed live yet, so every difference of the template's spec counts, but one: a firmware
UUID that was filled in after the start and says what the guest already has.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.virt_controller.vm import revisions
from kubevirt.virt_controller.vm.observed import Observed

MESSAGE = "a non-live-updatable field was changed in the template spec"


def is_required(o: Observed) -> bool:
    """The template has changed since the VMI was started, in a way that only a restart brings to the guest."""
    vmi = o.vmi
    if vmi is None or vmi.metadata.deletion_timestamp is not None:
        return False
    if revisions.running_generation(vmi) == o.vm.metadata.generation:
        return False
    started = revisions.last_started_spec(o)
    return started is not None and neutral(started.template.spec, vmi) != neutral(o.vm.spec.template.spec, vmi)


def neutral(spec: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> VirtualMachineInstanceSpec:
    """The spec without what makes no difference to this VMI."""
    firmware = spec.domain.firmware
    running = vmi.spec.domain.firmware
    if firmware is None or running is None or firmware.uuid != running.uuid:
        return spec
    rest = replace(firmware, uuid=None)
    # A firmware that held nothing but the UUID is the same as none.
    return replace(spec, domain=replace(spec.domain, firmware=None if rest == type(rest)() else rest))
