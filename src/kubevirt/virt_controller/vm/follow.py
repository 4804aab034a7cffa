"""What a running VMI takes over from its VM without a restart: live changes of the template, annotations and labels
that are kept in step, and the generation; and the little that the template takes over from the VMI.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.resources import VMIS, VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.instance import SKIP_BACKUP_HOOKS
from kubevirt.virt_controller.actions import FailureWords, Patch
from kubevirt.virt_controller.vm import live_update, revisions
from kubevirt.virt_controller.vm.in_step import in_step
from kubevirt.virt_controller.vm.live import network
from kubevirt.virt_controller.vm.observed import Decision, Observed
from kubevirt.virt_controller.vm.run_strategy import is_final

IN_STEP = ("descheduler.alpha.kubernetes.io/evict", "descheduler.alpha.kubernetes.io/prefer-no-eviction")
PCI_ADDRESSES = (names.ANNOTATION_PCI_TOPOLOGY_VERSION, names.ANNOTATION_PCI_SLOT_COUNT)
"""How the guest's devices are laid out: what the first VMI found out holds for all later ones of the VM."""

FAILED = FailureWords(reason="AnnotationsLabelsChangeError")
FAILED_TEMPLATE = FailureWords(reason="FailedUpdateError")


def updates(o: Observed) -> Decision:
    """One patch of the live VMI, or one of the template; and what keeps a change of the template from the VMI."""
    vmi = o.vmi
    if vmi is None or vmi.metadata.deletion_timestamp is not None or is_final(vmi):
        return Decision()
    live = live_update.outcome(o, vmi)
    new = with_annotations_and_labels(o, live.vmi)
    if not live.restart and live.problem is None:
        new = revisions.with_generation(o, new)
    if new is not vmi:
        patch = Patch(resource=VMIS, old=vmi, new=new, failed=live.failed or FAILED)
        return Decision(actions=(patch,), problem=live.problem)
    template = network.without_detached(with_pci_addresses(o.vm, vmi), vmi)
    if template is not o.vm:
        return Decision(actions=(Patch(resource=VMS, old=o.vm, new=template, failed=FAILED_TEMPLATE),))
    return Decision(problem=live.problem)


def with_annotations_and_labels(o: Observed, vmi: VirtualMachineInstance) -> VirtualMachineInstance:
    """The VMI with the annotations and labels that follow the VM's template, and the one that follows the VM's own."""
    template, has = o.vm.spec.template.metadata, vmi.metadata
    annotations = in_step(has.annotations, template.annotations, (*IN_STEP, *o.patterns.annotations))
    annotations = in_step(annotations, o.vm.metadata.annotations, (SKIP_BACKUP_HOOKS,))
    labels = in_step(has.labels, template.labels, o.patterns.labels)
    if annotations == has.annotations and labels == has.labels:
        return vmi
    return replace(vmi, metadata=replace(has, annotations=annotations, labels=labels))


def with_pci_addresses(vm: VirtualMachine, vmi: VirtualMachineInstance) -> VirtualMachine:
    """The VM whose template says how its devices are laid out, once a VMI has told."""
    template = vm.spec.template
    told = {k: vmi.metadata.annotations[k] for k in PCI_ADDRESSES
            if k in vmi.metadata.annotations and k not in template.metadata.annotations}
    if not told:
        return vm
    metadata = replace(template.metadata, annotations={**template.metadata.annotations, **told})
    return replace(vm, spec=replace(vm.spec, template=replace(template, metadata=metadata)))
