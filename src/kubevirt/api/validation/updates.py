"""Rules for changes of instances: their spec belongs to the control plane."""

from kubevirt.api import names
from kubevirt.api.validation.causes import Cause, Causes, not_supported
from kubevirt.api.vmi import VirtualMachineInstance


def validate_vmi_update(
    old: VirtualMachineInstance, new: VirtualMachineInstance, *, own_account: bool
) -> list[Cause]:
    """What is wrong with changing `old` to `new`. `own_account`: the control plane does it."""
    return list(_rules(old, new, own_account=own_account))


def _rules(old: VirtualMachineInstance, new: VirtualMachineInstance, *, own_account: bool) -> Causes:
    if own_account:
        return
    if old.spec != new.spec:
        yield not_supported("spec", "update of VMI object is restricted")
    if any(old.metadata.labels.get(label) != new.metadata.labels.get(label) for label in names.RESERVED_VMI_LABELS):
        yield not_supported(
            "metadata.labels",
            "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        )
