"""VirtualMachinePool: a number of like virtual machines, numbered, each with disks of its own."""

from typing import Annotated

from kubevirt.api.base import (
    Api,
    Atomic,
    Int32,
    IntOrString,
    Nullable,
    Preserve,
    constant,
    marks,
    one_of,
    present,
    required,
)
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.api.scheduling import NodeSelectorRequirement
from kubevirt.api.vm import VirtualMachineSpec

StatePreservation = Annotated[str | None, one_of("Disabled", "Offline", "Online")]


class VirtualMachinePoolCondition(Condition):
    """One aspect of the pool's state."""


class VirtualMachinePoolStatus(Api):
    """How many machines there are."""

    conditions: Annotated[list[VirtualMachinePoolCondition], Atomic] = []
    """Aspects of the pool's state: ReplicaPaused, ReplicaFailure."""
    label_selector: str = ""
    """The selector as text, for autoscalers."""
    ready_replicas: Int32 | None = None
    """How many machines have a running guest that is ready."""
    replicas: Int32 | None = None
    """How many machines there are, those being deleted included."""


class VirtualMachineTemplateSpec(Api):
    """From which machines are made."""

    metadata: Annotated[ObjectMeta, Nullable, Preserve] = present(ObjectMeta)
    """Labels and annotations of the machines."""
    spec: VirtualMachineSpec = present(VirtualMachineSpec)
    """The machines' spec. Names of data volumes get the machine's number appended."""


class NoMachineTemplate(VirtualMachineTemplateSpec):
    """Stands where no template was given. Does not survive encoding."""


class VirtualMachinePoolNameGeneration(Api):
    """Which names in the template get the machine's number appended (-0, -1, ...)."""

    append_index_to_config_map_refs: bool | None = None
    """Names of ConfigMaps, so that each machine has its own."""
    append_index_to_secret_refs: bool | None = None
    """Names of Secrets, so that each machine has its own."""


class VirtualMachinePoolSelectors(Api):
    """Machines that come first; all conditions must hold."""

    label_selector: LabelSelector | None = None
    """Labels of the machine's template."""
    node_selector_requirement_matcher: list[NodeSelectorRequirement] = []
    """Conditions on the node selector of the machine's template."""


class VirtualMachinePoolSelectionPolicy(Api):
    """Which machines are taken first."""

    selectors: VirtualMachinePoolSelectors | None = None
    """Only these machines are taken."""
    sort_policy: Annotated[
        str | None, one_of("AscendingOrder", "DescendingOrder", "Newest", "Oldest", "Random")
    ] = None
    """The order in which they are taken: by number, by age, or Random, which is the default."""


class VirtualMachinePoolUnmanagedStrategy(Api):
    """Leaves the machines alone."""


class VirtualMachineOpportunisticUpdateStrategy(Api):
    """Changes the machines; running guests see it at their next restart."""


class VirtualMachinePoolProactiveUpdateStrategy(Api):
    """Changes the machines and restarts guests that need it."""

    selection_policy: VirtualMachinePoolSelectionPolicy | None = None
    """Which are restarted first."""


class VirtualMachinePoolUpdateStrategy(Api):
    """What a change of the template does; one is set. The default is proactive."""

    opportunistic: VirtualMachineOpportunisticUpdateStrategy | None = None
    """Changes machines without restarting guests."""
    proactive: VirtualMachinePoolProactiveUpdateStrategy | None = None
    """Changes machines and restarts guests."""
    unmanaged: VirtualMachinePoolUnmanagedStrategy | None = None
    """Changes nothing that exists."""


class VirtualMachineOpportunisticScaleInStrategy(Api):
    """Waits until machines are deleted by someone else."""

    state_preservation: StatePreservation = None
    """Whether disks outlive their machine: Disabled (the default), Offline or Online."""


class VirtualMachinePoolProactiveScaleInStrategy(Api):
    """Deletes machines as soon as there are too many."""

    selection_policy: VirtualMachinePoolSelectionPolicy | None = None
    """Which are deleted first."""
    state_preservation: StatePreservation = None
    """Whether disks outlive their machine: Disabled (the default), Offline or Online."""


class VirtualMachinePoolScaleInStrategy(Api):
    """How the pool becomes smaller; one is set. The default is proactive."""

    opportunistic: VirtualMachineOpportunisticScaleInStrategy | None = None
    """Waits until machines are deleted by someone else."""
    proactive: VirtualMachinePoolProactiveScaleInStrategy | None = None
    """Deletes machines."""
    unmanaged: VirtualMachinePoolUnmanagedStrategy | None = None
    """Leaves it to someone else, clean-up included."""


class VirtualMachinePoolAutohealingStrategy(Api):
    """Replaces machines that do not start."""

    min_failing_to_start_duration: str | None = None
    """How long a machine must have failed before it is replaced, such as 10m. The default is 5m."""
    start_up_failure_threshold: Annotated[Int32 | None, marks(minimum=1)] = None
    """How many starts in a row must have failed. The default is 3."""


class VirtualMachinePoolSpec(Api):
    """How many machines, made from what."""

    autohealing: VirtualMachinePoolAutohealingStrategy | None = None
    """Replaces machines that do not start; unset leaves them."""
    max_unavailable: IntOrString | None = None
    """How many machines, or what share of them (25%), may be down while a change is rolled out. The default is 100%."""
    name_generation: VirtualMachinePoolNameGeneration | None = None
    """Which names in the template get the machine's number appended."""
    paused: bool | None = None
    """Whether the pool is left as it is."""
    replicas: Annotated[Int32 | None, marks(minimum=0)] = None
    """How many machines are wanted. The default is 1."""
    scale_in_strategy: VirtualMachinePoolScaleInStrategy | None = None
    """How the pool becomes smaller."""
    selector: LabelSelector = required(LabelSelector)
    """Labels of the machines that belong to the pool; those of the template must fit. Cannot be changed."""
    update_strategy: VirtualMachinePoolUpdateStrategy | None = None
    """What a change of the template does."""
    virtual_machine_template: VirtualMachineTemplateSpec = required(NoMachineTemplate)
    """What machines are made from."""


class VirtualMachinePool(Api):
    """Keeps a number of like virtual machines, named by the pool and a number from 0."""

    api_version: str = constant("pool.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachinePool")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachinePoolSpec = required(VirtualMachinePoolSpec)
    """The pool as it should be."""
    status: VirtualMachinePoolStatus = present(VirtualMachinePoolStatus)
    """The pool as it is."""
