"""VirtualMachineClone: makes a new machine that is like another one."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, Time, constant, one_of, present, required
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference


class VirtualMachineCloneTemplateFilters(Api):
    """Which labels and annotations of the template the copy gets."""

    annotation_filters: Annotated[list[str], Atomic] = []
    """As the clone's annotationFilters."""
    label_filters: Annotated[list[str], Atomic] = []
    """As the clone's labelFilters."""


class VirtualMachineCloneSpec(Api):
    """What is copied, and what is different about the copy."""

    annotation_filters: Annotated[list[str], Atomic] = []
    """Which annotations the copy gets: keys, with * at the end for all that begin so, and ! in front for those it
    does not get. All where unset.
    """
    label_filters: Annotated[list[str], Atomic] = []
    """Which labels the copy gets, written as annotationFilters are."""
    new_mac_addresses: dict[str, str] = {}
    """MAC addresses of the copy, by name of the interface; the others are left to the cluster."""
    new_smbios_serial: str | None = None
    """SMBIOS serial number of the copy."""
    patches: Annotated[list[str], Atomic] = []
    """JSON patch operations, one a string, that are applied to the copy last."""
    source: TypedLocalObjectReference = required(TypedLocalObjectReference)
    """A VirtualMachine (apiGroup kubevirt.io) or VirtualMachineSnapshot (snapshot.kubevirt.io)."""
    target: TypedLocalObjectReference | None = None
    """The copy: a VirtualMachine that does not exist. Its name is made up where unset."""
    template: VirtualMachineCloneTemplateFilters | None = None
    """Which labels and annotations of the template the copy gets."""
    volume_name_policy: Annotated[str | None, one_of("RandomizeNames", "PrefixTargetName")] = None
    """Names of the copied claims: made up (the default), or the copy's and the volume's name."""


class VirtualMachineCloneCondition(Condition):
    """One aspect of the clone's state."""


class VirtualMachineCloneStatus(Api):
    """How far the copy is."""

    conditions: Annotated[list[VirtualMachineCloneCondition], Atomic] = []
    """Aspects of its state: Ready, Progressing."""
    creation_time: Annotated[Time | None, Nullable] = None
    """When it was complete."""
    phase: str = ""
    """SnapshotInProgress, RestoreInProgress, CreatingTargetVM, Succeeded, Failed or Unknown."""
    restore_name: Annotated[str | None, Nullable] = None
    """The restore that makes the copy."""
    snapshot_name: Annotated[str | None, Nullable] = None
    """The snapshot that it is made from."""
    target_name: Annotated[str | None, Nullable] = None
    """The copy."""


class VirtualMachineClone(Api):
    """Makes a new machine, with disks of its own, that is like another machine or like a snapshot of one."""

    api_version: str = constant("clone.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineClone")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineCloneSpec = required(VirtualMachineCloneSpec)
    """What is copied."""
    status: VirtualMachineCloneStatus = present(VirtualMachineCloneStatus)
    """How far it is."""
