"""Where a guest may run: node selector, affinity and tolerations of the template are copied to the instance.

The launcher pod stays where it is; the new rules count for whatever places the guest next.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.virt_controller.actions import FailureWords
from kubevirt.virt_controller.vm.live.change import Change, held_up, is_migrating

FAILED_AFFINITY = FailureWords(reason="AffinityChangeError")
FAILED_TOLERATIONS = FailureWords(reason="TolerationsChangeError")


def change_affinity(wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> Change:
    """Node selector and affinity of the template for the instance."""
    spec = replace(vmi.spec, node_selector=wanted.node_selector, affinity=wanted.affinity)
    if spec == vmi.spec:
        return Change(vmi=vmi)
    if is_migrating(vmi):
        return held_up(vmi, FAILED_AFFINITY, "Node affinity should not be changed during VMI migration")
    return Change(vmi=replace(vmi, spec=spec))


def change_tolerations(wanted: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance) -> Change:
    """Tolerations of the template for the instance."""
    if wanted.tolerations == vmi.spec.tolerations:
        return Change(vmi=vmi)
    if is_migrating(vmi):
        return held_up(vmi, FAILED_TOLERATIONS, "tolerations should not be changed during VMI migration")
    return Change(vmi=replace(vmi, spec=replace(vmi.spec, tolerations=wanted.tolerations)))
