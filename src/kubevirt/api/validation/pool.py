"""Rules for pools of machines."""

import re

from kubevirt.api.base import Api, IntOrString
from kubevirt.api.config import ClusterConfig
from kubevirt.api.pool import NoMachineTemplate, VirtualMachinePool
from kubevirt.api.selectors import matches
from kubevirt.api.validation.causes import Cause, Causes, invalid, required
from kubevirt.api.validation.machine import validate_vm
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused

SELECTOR = "spec.selector"
TEMPLATE = "spec.virtualMachineTemplate"


def validate_pool(
    new: VirtualMachinePool, config: ClusterConfig, old: VirtualMachinePool | None = None
) -> list[Cause]:
    """What is wrong with a pool; `old` is the stored one where it is changed."""
    if isinstance(new.spec.virtual_machine_template, NoMachineTemplate):
        return [required("spec.template", "missing virtual machine template.")]
    return list(_rules(new, config, old))


def _rules(pool: VirtualMachinePool, config: ClusterConfig, old: VirtualMachinePool | None) -> Causes:
    spec, template = pool.spec, pool.spec.virtual_machine_template
    for cause in validate_vm(VirtualMachine(metadata=template.metadata, spec=template.spec), config):
        field = re.sub(r"^spec\b", f"{TEMPLATE}.spec", cause.field)
        yield Cause(cause.reason, cause.message, field)
    if old is not None and old.spec.selector != spec.selector:
        yield invalid(SELECTOR, "selector is immutable after creation.")
    try:
        if not matches(spec.selector, template.metadata.labels):
            yield invalid(SELECTOR, "selector does not match labels.")
    except Refused as e:
        yield invalid(SELECTOR, e.cause)
    if spec.max_unavailable is not None:
        yield from _max_unavailable(spec.max_unavailable)
    yield from _one_of("spec.updateStrategy", spec.update_strategy)
    yield from _one_of("spec.scaleInStrategy", spec.scale_in_strategy)


def _max_unavailable(value: IntOrString) -> Causes:
    at = "spec.maxUnavailable"
    if isinstance(value, int):
        if value <= 0:
            yield invalid(at, "maxUnavailable must be greater than 0")
        return
    if not value.endswith("%"):
        yield invalid(at, "maxUnavailable percentage must end with %")
        return
    digits = value.removesuffix("%")
    try:
        percentage = int(digits)
    except ValueError:
        yield invalid(at, f'maxUnavailable percentage value "{digits}" is invalid: {digits!r} is not a number')
        return
    if not 1 <= percentage <= 100:
        yield invalid(at, f"maxUnavailable percentage value {percentage} must be between 1 and 100")


def _one_of(field: str, strategies: Api | None) -> Causes:
    if strategies is None:
        return
    given = [name for name in strategies.__struct_fields__ if getattr(strategies, name) is not None]
    if len(given) > 1:
        yield invalid(
            field, f"only one strategy can be configured at a time: but found {', '.join(given)} strategies"
        )
