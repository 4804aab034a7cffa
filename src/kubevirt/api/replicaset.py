"""VirtualMachineInstanceReplicaSet: a number of like, interchangeable instances."""

from typing import Annotated

from kubevirt.api.base import Api, Int32, Nullable, constant, present, required
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.api.vmi import VirtualMachineInstanceTemplateSpec


class VirtualMachineInstanceReplicaSetCondition(Condition):
    """One aspect of the set's state."""


class VirtualMachineInstanceReplicaSetSpec(Api):
    """How many instances, made from what."""

    paused: bool | None = None
    replicas: Int32 | None = None
    selector: LabelSelector = required(LabelSelector)
    template: VirtualMachineInstanceTemplateSpec = required(VirtualMachineInstanceTemplateSpec)


class VirtualMachineInstanceReplicaSetStatus(Api):
    """How many instances there are."""

    conditions: list[VirtualMachineInstanceReplicaSetCondition] = []
    label_selector: str = ""
    ready_replicas: Int32 | None = None
    replicas: Int32 | None = None


class VirtualMachineInstanceReplicaSet(Api):
    """Keeps a number of like instances running."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstanceReplicaSet")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstanceReplicaSetSpec = required(VirtualMachineInstanceReplicaSetSpec)
    status: Annotated[
        VirtualMachineInstanceReplicaSetStatus, Nullable
    ] = present(VirtualMachineInstanceReplicaSetStatus)
