"""The way of an object through admission on its creation, as the API server takes it: defaults, then rules.

The cluster's webhooks see the two halves separately; this is for whoever wants to know the outcome without a cluster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vmi
from kubevirt.api.defaults.presets import apply_presets
from kubevirt.api.instancetypes.admission import check, set_defaults
from kubevirt.api.instancetypes.lookups import Look, answered, nothing
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.validation import Cause, validate_vmi_create
from kubevirt.api.validation.deprecations import vm_warnings, vmi_warnings
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused

T = TypeVar("T", VirtualMachine, VirtualMachineInstance)


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether an object is admitted, and why not. Members are those of the API server's answer."""

    allowed: bool
    message: str = ""
    causes: list[Cause] = []
    warnings: list[str] = []


@dataclass(frozen=True)
class Admission(Generic[T]):
    """The object with its defaults (as it came, where none could be set), and the verdict on it."""

    object: T
    verdict: Verdict


def admit_vmi(
    vmi: VirtualMachineInstance,
    config: ClusterConfig,
    *,
    own_account: bool = False,
    presets: Iterable[VirtualMachineInstancePreset] = (),
) -> Admission[VirtualMachineInstance]:
    """What becomes of a VirtualMachineInstance.

    own_account: the control plane creates it. presets: those of its namespace.
    """
    try:
        preset = apply_presets(vmi, presets)
        defaulted = default_vmi(preset.vmi, config)
    except Refused as e:
        return Admission(vmi, plain_refusal(e))
    causes = validate_vmi_create(defaulted, config, own_account=own_account)
    return Admission(defaulted, refusal(causes, [*preset.warnings, *vmi_warnings(vmi)]))


def admit_vm(vm: VirtualMachine, config: ClusterConfig, look: Look = nothing) -> Admission[VirtualMachine]:
    """What becomes of a VirtualMachine. `look` finds the instance type, the preference and the volumes it names."""
    try:
        defaulted = answered(set_defaults(vm, config, create=True), look)
    except Refused as e:
        return Admission(vm, Verdict(allowed=False, message=e.cause))
    causes = defaulted.causes or answered(check(defaulted.vm, config), look)
    return Admission(defaulted.vm, refusal(causes, vm_warnings(vm)))


def refusal(causes: list[Cause], warnings: Sequence[str] = ()) -> Verdict:
    """The verdict that causes amount to; none means admitted."""
    message = ", ".join(cause.message for cause in causes)
    return Verdict(allowed=not causes, message=message, causes=causes, warnings=list(warnings))


def plain_refusal(error: Refused) -> Verdict:
    """The verdict on an object whose defaults cannot be set: one reason, and no list of causes."""
    return Verdict(allowed=False, message=str(error))
