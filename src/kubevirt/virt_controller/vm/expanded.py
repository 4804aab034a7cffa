"""A VM's template as its guest gets it: with everything that instancetype and preference add.

What changed between the last start and now is judged on this form, for the spec of both times.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.meta import ObjectMeta
from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.errors import Refused
from kubevirt.machine.instance import started_spec
from kubevirt.virt_controller.vm import offers
from kubevirt.virt_controller.vm.observed import Observed


def expanded(o: Observed, spec: VirtualMachineSpec) -> VirtualMachineInstanceSpec:
    """What instances made from this spec look like. Raises Refused where its instance type or preference is gone."""
    if spec.instancetype is None and spec.preference is None:
        return spec.template.spec
    held = offers.held_offers(o, replace(o.vm, spec=spec))
    return started_spec(spec.template.spec, held, o.config, ObjectMeta())


def can_be_expanded(o: Observed, spec: VirtualMachineSpec) -> bool:
    """Whether it can be told what instances made from this spec look like."""
    try:
        expanded(o, spec)
    except Refused:
        return False
    return True
