"""What a running VMI takes over from its VM without a restart: annotations that are kept in step, and the
generation.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api.resources import VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import Action, FailureWords, Patch
from kubevirt.virt_controller.vm import revisions
from kubevirt.virt_controller.vm.observed import Observed

IN_STEP = ("descheduler.alpha.kubernetes.io/evict", "descheduler.alpha.kubernetes.io/prefer-no-eviction")

FAILED = FailureWords(reason="AnnotationsLabelsChangeError")


def updates(o: Observed) -> tuple[Action, ...]:
    """One patch of the live VMI, or none."""
    vmi = o.vmi
    if vmi is None or vmi.metadata.deletion_timestamp is not None:
        return ()
    new = with_annotations(o, revisions.with_generation(o, vmi))
    return () if new is vmi else (Patch(resource=VMIS, old=vmi, new=new, failed=FAILED),)


def with_annotations(o: Observed, vmi: VirtualMachineInstance) -> VirtualMachineInstance:
    """The VMI with the annotations that follow the VM's template."""
    wanted = o.vm.spec.template.metadata.annotations
    annotations = dict(vmi.metadata.annotations)
    for key in IN_STEP:
        if key in wanted:
            annotations[key] = wanted[key]
        else:
            annotations.pop(key, None)
    if annotations == vmi.metadata.annotations:
        return vmi
    return replace(vmi, metadata=replace(vmi.metadata, annotations=annotations))
