"""The whole way of a manifest through admission, as the API server takes it: read, defaults, rules.

The cluster's webhooks see the two halves separately; this is for whoever wants to know the outcome without a cluster.
"""

import msgspec

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm, default_vmi
from kubevirt.api.validation import Cause, validate_vm, validate_vmi_create
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether an object is admitted, and why not."""

    allowed: bool
    message: str = ""
    causes: list[Cause] = []
    warnings: list[str] = []


def admit_vmi(manifest: Json, config: ClusterConfig) -> Verdict:
    """What becomes of a VirtualMachineInstance."""
    try:
        vmi = default_vmi(codec.convert(manifest, VirtualMachineInstance), config)
    except Refused as e:
        return refused([Cause("", str(e), e.field)])
    return refused(validate_vmi_create(vmi, config))


def admit_vm(manifest: Json, config: ClusterConfig) -> Verdict:
    """What becomes of a VirtualMachine."""
    try:
        vm = default_vm(codec.convert(manifest, VirtualMachine), config, create=True)
    except Refused as e:
        return refused([Cause("", str(e), e.field)])
    return refused(validate_vm(vm, config))


def refused(causes: list[Cause]) -> Verdict:
    """The verdict that causes amount to; none means admitted."""
    return Verdict(allowed=not causes, message=", ".join(cause.message for cause in causes), causes=causes)
