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
    """The label, or the field."""
    operator: str = required(str)
    """In, NotIn, Exists, DoesNotExist, Gt or Lt."""
    values: Annotated[list[str], Atomic] = []
    """What In and NotIn compare with; one integer for Gt and Lt; empty otherwise."""


class NodeSelectorTerm(Api):
    """Conditions that must all hold for a node."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    match_expressions: Annotated[list[NodeSelectorRequirement], Atomic] = []
    """Conditions on the node's labels."""
    match_fields: Annotated[list[NodeSelectorRequirement], Atomic] = []
    """Conditions on the node's fields; only metadata.name is known."""


class NodeSelector(Api):
    """Terms of which at least one must match the node."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    node_selector_terms: Annotated[list[NodeSelectorTerm], Atomic] = required(list)
    """The terms; one that holds is enough."""


class PreferredSchedulingTerm(Api):
    """A wish about nodes, with the weight it has."""

    preference: NodeSelectorTerm = required(NodeSelectorTerm)
    """The nodes that are liked."""
    weight: Int32 = required(int)
    """How much, from 1 to 100."""


class NodeAffinity(Api):
    """Which nodes may, or should preferably, be chosen."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[PreferredSchedulingTerm], Atomic] = []
    """Wishes; the node with the greatest sum of weights is taken."""
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    """What a node must be like to be chosen."""


class PodAffinityTerm(Api):
    """Pods to be near to (or far from), within a topology domain."""

    label_selector: LabelSelector | None = None
    """The pods that are meant, by their labels; none where unset."""
    match_label_keys: Annotated[list[str], Atomic] = []
    """Labels of the launcher pod whose values the other pods must share."""
    mismatch_label_keys: Annotated[list[str], Atomic] = []
    """Labels of the launcher pod whose values the other pods must not share."""
    namespace_selector: LabelSelector | None = None
    """Namespaces to look in, by their labels; an empty selector means all."""
    namespaces: Annotated[list[str], Atomic] = []
    """Namespaces to look in, by name; the own one where this and the selector are unset."""
    topology_key: str = required(str)
    """Label of nodes whose value makes a domain: nodes that share it are near to each other."""


class WeightedPodAffinityTerm(Api):
    """A wish about neighbouring pods, with the weight it has."""

    pod_affinity_term: PodAffinityTerm = required(PodAffinityTerm)
    """The pods, and the domain."""
    weight: Int32 = required(int)
    """How much it matters, from 1 to 100."""


class PodAffinity(Api):
    """Pods whose company is wanted."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic] = []
    """Wishes; the node with the greatest sum of weights is taken."""
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic] = []
    """Pods that must be near."""


class PodAntiAffinity(Api):
    """Pods whose company is avoided."""

    preferred_during_scheduling_ignored_during_execution: Annotated[list[WeightedPodAffinityTerm], Atomic] = []
    """Wishes; the node with the least of what is avoided is taken."""
    required_during_scheduling_ignored_during_execution: Annotated[list[PodAffinityTerm], Atomic] = []
    """Pods that must not be near."""


class Affinity(Api):
    """Scheduling constraints that relate to nodes and to other pods."""

    node_affinity: NodeAffinity | None = None
    """Nodes to run on."""
    pod_affinity: PodAffinity | None = None
    """Pods to be near to."""
    pod_anti_affinity: PodAntiAffinity | None = None
    """Pods to be far from."""


class TopologySpreadConstraint(Api):
    """How evenly matching pods are spread over a topology domain."""

    label_selector: LabelSelector | None = None
    """The pods that are counted, by their labels."""
    match_label_keys: Annotated[list[str], Atomic] = []
    """Labels of the launcher pod whose values the counted pods must share."""
    max_skew: Int32 = required(int)
    """By how many pods domains may differ, at least 1."""
    min_domains: Int32 | None = None
    """How many domains there should be at least; fewer count as if there were an empty one."""
    node_affinity_policy: str | None = None
    """Honor (the default) or Ignore: whether nodes that the affinity excludes count."""
    node_taints_policy: str | None = None
    """Honor or Ignore (the default): whether nodes with taints that are not tolerated count."""
    topology_key: str = required(str)
    """Label of nodes whose value makes a domain."""
    when_unsatisfiable: str = required(str)
    """DoNotSchedule, or ScheduleAnyway."""
