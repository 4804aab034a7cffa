"""Rules for where the launcher pod may run. They are Kubernetes' own, told here instead of when the pod is made.

Affinity and spreading are refused. Node selectors and tolerations are not, as other clients are used to; what
Kubernetes will say about them is a warning.
"""

from kubevirt.api.scheduling import (
    Affinity,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    Toleration,
    TopologySpreadConstraint,
)
from kubevirt.api.validation.causes import Causes
from kubevirt.api.validation.kubernetes_fields import (
    check_label_name,
    check_label_selector,
    check_labels,
    check_set_operator,
    duplicate,
    forbidden,
    invalid,
    required,
)
from kubevirt.api.validation.kubernetes_names import dns_label_faults, dns_subdomain_faults
from kubevirt.api.vmi import VirtualMachineInstanceSpec

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def check_affinity(field: str, affinity: Affinity | None) -> Causes:
    """Nodes and neighbours. `field` is the path of the instance's spec: `affinity` is no part of these paths."""
    if affinity is None:
        return
    node = affinity.node_affinity
    if node is not None:
        at = f"{field}.nodeAffinity"
        wanted = node.required_during_scheduling_ignored_during_execution
        if wanted is not None:
            terms = f"{at}.{REQUIRED}.nodeSelectorTerms"
            if not wanted.node_selector_terms:
                yield required(terms, "must have at least one node selector term")
            for index, term in enumerate(wanted.node_selector_terms):
                yield from _node_term(f"{terms}[{index}]", term)
        for index, preferred in enumerate(node.preferred_during_scheduling_ignored_during_execution):
            here = f"{at}.{PREFERRED}[{index}]"
            yield from _weight(here, preferred.weight)
            yield from _node_term(f"{here}.preference", preferred.preference)
    yield from _pods(f"{field}.podAffinity", affinity.pod_affinity)
    yield from _pods(f"{field}.podAntiAffinity", affinity.pod_anti_affinity)


def _node_term(at: str, term: NodeSelectorTerm) -> Causes:
    for index, requirement in enumerate(term.match_expressions):
        here = f"{at}.matchExpressions[{index}]"
        if requirement.operator in ("Gt", "Lt"):
            if len(requirement.values) != 1:
                yield required(f"{here}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        else:
            yield from check_set_operator(here, requirement.operator, requirement.values)
        yield from check_label_name(f"{here}.key", requirement.key)
    for index, requirement in enumerate(term.match_fields):
        yield from _node_field(f"{at}.matchFields[{index}]", requirement)


def _node_field(at: str, requirement: NodeSelectorRequirement) -> Causes:
    if requirement.operator not in ("In", "NotIn"):
        yield invalid(f"{at}.operator", requirement.operator, "not a valid selector operator")
    elif len(requirement.values) != 1:
        yield required(
            f"{at}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        )
    if requirement.key != "metadata.name":
        yield invalid(f"{at}.key", requirement.key, "not a valid field selector key")
        return
    for index, value in enumerate(requirement.values):
        for fault in dns_subdomain_faults(value):
            yield invalid(f"{at}.values[{index}]", value, fault)


def _weight(at: str, weight: int) -> Causes:
    if not 1 <= weight <= 100:
        yield invalid(f"{at}.weight", weight, "must be in the range 1-100")


def _pods(at: str, pods: PodAffinity | PodAntiAffinity | None) -> Causes:
    if pods is None:
        return
    for index, term in enumerate(pods.required_during_scheduling_ignored_during_execution):
        yield from _pod_term(f"{at}.{REQUIRED}[{index}]", term)
    for index, weighted in enumerate(pods.preferred_during_scheduling_ignored_during_execution):
        here = f"{at}.{PREFERRED}[{index}]"
        yield from _weight(here, weighted.weight)
        yield from _pod_term(f"{here}.podAffinityTerm", weighted.pod_affinity_term)


def _pod_term(at: str, term: PodAffinityTerm) -> Causes:
    yield from check_label_selector(f"{at}.labelSelector", term.label_selector)
    yield from check_label_selector(f"{at}.namespaceSelector", term.namespace_selector)
    for name in term.namespaces:
        for fault in dns_label_faults(name):
            yield invalid(f"{at}.namespace", name, fault)
    if not term.topology_key:
        yield required(f"{at}.topologyKey", "can not be empty")
    yield from check_label_name(f"{at}.topologyKey", term.topology_key)


def check_spreading(field: str, constraints: list[TopologySpreadConstraint]) -> Causes:
    """How pods are spread; `field` is the path of the list."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        at = f"{field}[{index}]"
        if constraint.max_skew <= 0:
            yield invalid(f"{at}.maxSkew", constraint.max_skew, "must be greater than zero")
        if not constraint.topology_key:
            yield required(f"{at}.topologyKey", "can not be empty")
        pair = (constraint.topology_key, constraint.when_unsatisfiable)
        if pair in seen:
            yield duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{', '.join(pair)}}}")
        seen.add(pair)
        yield from _min_domains(at, constraint)
        if constraint.match_label_keys and constraint.label_selector is None:
            yield forbidden(f"{at}.matchLabelKeys", "must not be specified when labelSelector is not set")
        yield from check_label_selector(f"{at}.labelSelector", constraint.label_selector)


def _min_domains(at: str, constraint: TopologySpreadConstraint) -> Causes:
    number, here = constraint.min_domains, f"{at}.minDomains"
    if number is None:
        return
    if number <= 0:
        yield invalid(here, number, "must be greater than zero")
    if constraint.when_unsatisfiable != "DoNotSchedule":
        yield invalid(
            here,
            number,
            f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {constraint.when_unsatisfiable}",
        )


def scheduling_warnings(field: str, spec: VirtualMachineInstanceSpec) -> list[str]:
    """What Kubernetes will refuse the launcher pod for."""
    found = [cause.message for cause in check_labels(f"{field}.nodeSelector", spec.node_selector)]
    for index, toleration in enumerate(spec.tolerations):
        found += [cause.message for cause in check_toleration(f"{field}.tolerations[{index}]", toleration)]
    return [f"{message}; Kubernetes will refuse the launcher pod" for message in found]


def check_toleration(at: str, toleration: Toleration) -> Causes:
    """That a toleration is about taints that there can be."""
    if toleration.key:
        yield from check_label_name(f"{at}.key", toleration.key)
    elif toleration.operator != "Exists":
        yield invalid(
            f"{at}.operator", toleration.operator or "", "operator must be Exists when `key` is empty, which means "
            "\"match all values and all keys\""
        )  # fmt: skip
    if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
        yield invalid(
            f"{at}.effect", toleration.effect or "", "effect must be 'NoExecute' when `tolerationSeconds` is set"
        )
    if toleration.operator == "Exists" and toleration.value:
        yield invalid(f"{at}.operator", toleration.value, "value must be empty when `operator` is 'Exists'")
