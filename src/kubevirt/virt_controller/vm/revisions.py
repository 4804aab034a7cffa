"""Start revisions: the VM's spec as it was at the last start, kept as a ControllerRevision.

They answer two later questions: did the template change since (RestartRequired), and which generation of the VM is
running.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from kubevirt.api import codec, names
from kubevirt.api.base import Api
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.vm import VirtualMachine, VirtualMachineSpec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import Action, Create, Delete, FailureWords
from kubevirt.virt_controller.revision import START_PREFIX, START_REVISIONS
from kubevirt.virt_controller.vm.observed import Observed


class _Data(Api):
    """What a start revision holds."""

    spec: VirtualMachineSpec | None = None


FAILED = FailureWords(
    reason="FailedCreate",
    condition="Failure while starting VMI: ",
    event="Error creating virtual machine instance: ",
)


def prefix(vm: VirtualMachine) -> str:
    """What the names of all start revisions of this VM begin with."""
    return f"{START_PREFIX}{vm.metadata.uid}-"


def name(vm: VirtualMachine) -> str:
    """The name of the start revision of the VM as it is now."""
    return f"{prefix(vm)}{vm.metadata.generation}"


def store(o: Observed, vm: VirtualMachine) -> tuple[Action, ...]:
    """What makes the VM's present spec its only start revision."""
    wanted = name(vm)
    stale = [Delete(resource=START_REVISIONS, target=r, failed=FAILED)
             for r in o.revisions if r.metadata.name != wanted]
    if any(r.metadata.name == wanted for r in o.revisions):
        return tuple(stale)
    metadata = ObjectMeta(name=wanted, namespace=vm.metadata.namespace, owner_references=[owner_reference(vm)])
    revision = {
        "metadata": codec.to_builtins(metadata),
        "data": stored_form({"spec": codec.to_builtins(vm.spec)}),
        "revision": vm.metadata.generation,
    }
    return (*stale, Create(resource=START_REVISIONS, body=revision, failed=FAILED))


def stored_form(data: JsonObject) -> msgspec.Raw:
    """The data as text that survives a patch of the revision's metadata.

    The API server keeps the text as it was sent, but compares it, when something else in the revision is patched, with
    what its own JSON library makes of it: members sorted, and some characters escaped. Any other text counts as a
    change of the unchangeable data, and then not even the garbage collector can orphan the revision (`kubectl delete
    --cascade=orphan`).
    """
    text = msgspec.json.encode(data, order="sorted")
    for character in "<>&\u2028\u2029":
        text = text.replace(character.encode(), f"\\u{ord(character):04x}".encode())
    return msgspec.Raw(text)


def last_started_spec(o: Observed) -> VirtualMachineSpec | None:
    """The VM's spec at its last start; None when no (readable) revision is there."""
    if not o.revisions:
        return None
    newest = max(o.revisions, key=lambda r: r.revision)
    try:
        return codec.decode(_Data, bytes(newest.data)).spec
    except Problem:  # written by a version whose spec this one cannot read
        return None


def running_generation(vm: VirtualMachine, vmi: VirtualMachineInstance) -> int | None:
    """The VM generation a VMI was made from: its annotation, else the end of its revision's name. None is told of the
    generation of another VM, from which this one has taken the VMI over.
    """
    started = vmi.status.virtual_machine_revision_name
    for text in (
        vmi.metadata.annotations.get(names.ANNOTATION_VM_GENERATION, ""),
        started.removeprefix(prefix(vm)) if started.startswith(prefix(vm)) else "",
    ):
        if text.isdecimal():
            return int(text)
    return None


def is_of_another(vm: VirtualMachine, vmi: VirtualMachineInstance) -> bool:
    """The VMI was started by another VM, so that the generation it tells is not one of this VM's."""
    started = vmi.status.virtual_machine_revision_name
    return bool(started) and not started.startswith(prefix(vm))


def with_generation(o: Observed, vmi: VirtualMachineInstance) -> VirtualMachineInstance:
    """The VMI told of the VM's new generation, when the template it was made from is still the VM's template."""
    generation = o.vm.metadata.generation
    if running_generation(o.vm, vmi) == generation:
        return vmi
    started = last_started_spec(o)
    if started is None or started.template != o.vm.spec.template:
        return vmi
    annotations = {**vmi.metadata.annotations, names.ANNOTATION_VM_GENERATION: str(generation)}
    return replace(vmi, metadata=replace(vmi.metadata, annotations=annotations))
