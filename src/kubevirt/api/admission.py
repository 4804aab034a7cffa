"""The way of an object through admission on its creation, as the API server takes it: defaults, then rules.

The cluster's webhooks see the two halves separately; this is for whoever wants to know the outcome without a cluster.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm, default_vmi
from kubevirt.api.validation import Cause, validate_vm, validate_vmi_create
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
    vmi: VirtualMachineInstance, config: ClusterConfig, *, own_account: bool = False
) -> Admission[VirtualMachineInstance]:
    """What becomes of a VirtualMachineInstance. `own_account`: the control plane creates it."""
    try:
        defaulted = default_vmi(vmi, config)
    except Refused as e:
        return Admission(vmi, plain_refusal(e))
    return Admission(defaulted, refusal(validate_vmi_create(defaulted, config, own_account=own_account)))


def admit_vm(vm: VirtualMachine, config: ClusterConfig) -> Admission[VirtualMachine]:
    """What becomes of a VirtualMachine."""
    try:
        defaulted = default_vm(vm, config, create=True)
    except Refused as e:
        return Admission(vm, plain_refusal(e))
    return Admission(defaulted, refusal(validate_vm(defaulted, config)))


def refusal(causes: list[Cause]) -> Verdict:
    """The verdict that causes amount to; none means admitted."""
    return Verdict(allowed=not causes, message=", ".join(cause.message for cause in causes), causes=causes)


def plain_refusal(error: Refused) -> Verdict:
    """The verdict on an object whose defaults cannot be set: one reason, and no list of causes."""
    return Verdict(allowed=False, message=str(error))
