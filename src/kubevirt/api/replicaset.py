"""VirtualMachineInstanceReplicaSet: a number of like, interchangeable instances."""

from typing import Annotated

from kubevirt.api.base import Api, Int32, Nullable, constant, present, required
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.api.vmi import NoTemplate, VirtualMachineInstanceTemplateSpec


class VirtualMachineInstanceReplicaSetCondition(Condition):
    """One aspect of the set's state."""


class VirtualMachineInstanceReplicaSetSpec(Api):
    """How many instances, made from what."""

    paused: bool | None = None
    """Whether the number of instances is left as it is."""
    replicas: Int32 | None = None
    """How many instances are wanted. The default is 1."""
    selector: LabelSelector = required(LabelSelector)
    """Labels of the instances that belong to the set; those of the template must fit."""
    template: VirtualMachineInstanceTemplateSpec = required(NoTemplate)
    """What instances are made from."""


class VirtualMachineInstanceReplicaSetStatus(Api):
    """How many instances there are."""

    conditions: list[VirtualMachineInstanceReplicaSetCondition] = []
    """Aspects of the set's state: ReplicaPaused, ReplicaFailure."""
    label_selector: str = ""
    """The selector as text, for autoscalers."""
    ready_replicas: Int32 | None = None
    """How many instances are ready."""
    replicas: Int32 | None = None
    """How many instances there are."""


class VirtualMachineInstanceReplicaSet(Api):
    """Keeps a number of like instances running."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceReplicaSet")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstanceReplicaSetSpec = required(VirtualMachineInstanceReplicaSetSpec)
    """The set as it should be."""
    status: Annotated[
        VirtualMachineInstanceReplicaSetStatus, Nullable
    ] = present(VirtualMachineInstanceReplicaSetStatus)
    """The set as it is."""
