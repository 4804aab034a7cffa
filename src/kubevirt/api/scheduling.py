"""Kubernetes' scheduling constraints, as virtual machines and the KubeVirt object embed them.

They are handed on to pods as they are; nothing here interprets them.
"""

from typing import Annotated, ClassVar

from kubevirt.api.base import MAP_ATOMIC, Api, Atomic, Int32, Int64, Marks, required
from kubevirt.api.meta import LabelSelector


class Toleration(Api):
    """Lets a pod run on nodes that carry a matching taint."""

    effect: str | None = None
    """NoSchedule, PreferNoSchedule or NoExecute; all where unset."""
    key: str | None = None
    """Key of the taint; every taint where unset, with operator Exists."""
    operator: str | None = None
    """Equal (the default) or Exists."""
    toleration_seconds: Int64 | None = None
    """Seconds a NoExecute taint is put up with; for ever where unset."""
    value: str | None = None
    """Value of the taint."""


class NodeSelectorRequirement(Api):
    """One condition on a node's labels or fields."""

    key: str = required(str)
    operator: str = required(str)
    values: Annotated[list[str], Atomic] = []


class NodeSelectorTerm(Api):
    """Conditions that must all hold for a node."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    match_expressions: Annotated[list[NodeSelectorRequirement], Atomic] = []
    match_fields: Annotated[list[NodeSelectorRequirement], Atomic] = []


class NodeSelector(Api):
    """Terms of which at least one must match the node."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    node_selector_terms: Annotated[list[NodeSelectorTerm], Atomic] = required(list)


class PreferredSchedulingTerm(Api):
    """A wish about nodes, with the weight it has."""

    preference: NodeSelectorTerm = required(NodeSelectorTerm)
    weight: Int32 = required(int)


class NodeAffinity(Api):
    """Which nodes may, or should preferably, be chosen."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[PreferredSchedulingTerm], Atomic] = []
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class PodAffinityTerm(Api):
    """Pods to be near to (or far from), within a topology domain."""

    label_selector: LabelSelector | None = None
    match_label_keys: Annotated[list[str], Atomic] = []
    mismatch_label_keys: Annotated[list[str], Atomic] = []
    namespace_selector: LabelSelector | None = None
    namespaces: Annotated[list[str], Atomic] = []
    topology_key: str = required(str)


class WeightedPodAffinityTerm(Api):
    """A wish about neighbouring pods, with the weight it has."""

    pod_affinity_term: PodAffinityTerm = required(PodAffinityTerm)
    weight: Int32 = required(int)


class PodAffinity(Api):
    """Pods whose company is wanted."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic] = []
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic] = []


class PodAntiAffinity(Api):
    """Pods whose company is avoided."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic] = []
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic] = []


class Affinity(Api):
    """Scheduling constraints that relate to nodes and to other pods."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAntiAffinity | None = None


class TopologySpreadConstraint(Api):
    """How evenly matching pods are spread over a topology domain."""

    label_selector: LabelSelector | None = None
    match_label_keys: Annotated[list[str], Atomic] = []
    max_skew: Int32 = required(int)
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    topology_key: str = required(str)
    when_unsatisfiable: str = required(str)
