"""Which VMI is a VM's own: taking over one without a controller, letting go of a misnamed one, and the end of the VM
itself.

Adoption is confirmed against the live VM: a cache may still show a VM that has been deleted, or deleted and made anew.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.resources import VMIS, VMS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import Action, Delete, Event, FailureWords, Patch
from kubevirt.virt_controller.revision import START_REVISIONS
from kubevirt.virt_controller.vm.observed import Decision, Observed, is_controlled_by
from kubevirt.virt_controller.vm.revisions import is_of_another
from kubevirt.virt_controller.vm.run_strategy import is_final

FAILED_UPDATE = FailureWords(reason="FailedUpdateError")
ORPHAN_DEPENDENTS = "orphan"


def release(o: Observed) -> tuple[Action, ...]:
    """VMIs that the VM controls under another name are let go."""
    return tuple(
        Patch(resource=VMIS, old=v, new=replace(v, metadata=replace(v.metadata, owner_references=[])),
              failed=FAILED_UPDATE)
        for v in o.misnamed
    )


def adopt(o: Observed) -> tuple[Action, ...]:
    """A VMI of the VM's name that nothing controls becomes the VM's. What it was started from follows (`strays`)."""
    vmi = o.named
    if vmi is None or vmi.metadata.deletion_timestamp is not None or vmi.metadata.controller is not None:
        return ()
    finalizers = vmi.metadata.finalizers
    if names.FINALIZER_VM_CONTROLLER not in finalizers:
        finalizers = [*finalizers, names.FINALIZER_VM_CONTROLLER]
    annotations = vmi.metadata.annotations
    if is_of_another(o.vm, vmi):
        annotations = {k: v for k, v in annotations.items() if k != names.ANNOTATION_VM_GENERATION}
    metadata = replace(vmi.metadata, owner_references=[owner_reference(o.vm)], finalizers=finalizers,
                       annotations=annotations)
    return (Patch(resource=VMIS, old=vmi, new=replace(vmi, metadata=metadata), only_while_alive=(VMS, o.vm),
                  failed=FAILED_UPDATE),)


def stop(vmi: VirtualMachineInstance, *, unchanged: bool = False) -> Action:
    """Delete the VM's VMI; the guest's own grace period governs how it ends."""
    return Delete(
        resource=VMIS,
        target=vmi,
        unchanged=unchanged,
        done=Event(
            reason="SuccessfulDelete",
            message=f"Stopped the virtual machine by deleting the virtual machine instance {vmi.metadata.uid}",
        ),
        failed=FailureWords(
            reason="FailedDelete",
            condition="Failure attempting to delete VMI: ",
            event=f"Error deleting virtual machine instance {vmi.metadata.name}: ",
        ),
    )


def let_go(o: Observed) -> Decision:
    """What a VM that is being deleted still has to do: end its VMI, unless that is to be orphaned, then go.

    The VMI is ended only as it is known here: one that the garbage collector has just parted from the VM, as was asked
    for, must not be ended because the news of it are late.
    """
    metadata = o.vm.metadata
    vmi = o.named if o.named is not None and is_controlled_by(o.named.metadata, metadata.uid) else None
    if vmi is not None and ORPHAN_DEPENDENTS not in metadata.finalizers:
        is_ending = vmi.metadata.deletion_timestamp is not None
        return Decision() if is_ending else Decision(actions=(stop(vmi, unchanged=True),))
    if names.FINALIZER_VM_CONTROLLER not in metadata.finalizers:
        return Decision()
    kept = [f for f in metadata.finalizers if f != names.FINALIZER_VM_CONTROLLER]
    gone = replace(o.vm, metadata=replace(metadata, finalizers=kept))
    # Copies made for the VM would stay for ever. The garbage collector may have parted them from it already; what it
    # was last started from is looked after elsewhere (`strays`).
    orphaning = ORPHAN_DEPENDENTS in metadata.finalizers
    copies = (Delete(resource=START_REVISIONS, target=copy, failed=FAILED_UPDATE)
              for copy in o.offered.copies if orphaning or copy.metadata.controller is None)
    return Decision(actions=(*copies, Patch(resource=VMS, old=o.vm, new=gone, failed=FAILED_UPDATE)))


def after_status(o: Observed) -> tuple[Action, ...]:
    """Once the VM's status tells how its VMI ended, the VM no longer keeps a VMI from vanishing."""
    vmi = o.vmi
    if vmi is None or vmi.metadata.deletion_timestamp is None or not may_vanish(vmi):
        return ()
    finalizers = vmi.metadata.finalizers
    if names.FINALIZER_VM_CONTROLLER not in finalizers or not is_controlled_by(vmi.metadata, o.vm.metadata.uid):
        return ()
    kept = [f for f in finalizers if f != names.FINALIZER_VM_CONTROLLER]
    return (Patch(resource=VMIS, old=vmi, new=replace(vmi, metadata=replace(vmi.metadata, finalizers=kept)),
                  failed=FAILED_UPDATE),)


def may_vanish(vmi: VirtualMachineInstance) -> bool:
    """Nothing of this VMI runs any more, or nothing ever did."""
    return is_final(vmi) or vmi.status.phase == "WaitingForSync"
