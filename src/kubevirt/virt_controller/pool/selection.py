"""In which order a policy takes machines, and which it takes at all."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime

from kubevirt.api import selectors
from kubevirt.api.pool import VirtualMachinePoolSelectionPolicy, VirtualMachinePoolSelectors
from kubevirt.api.scheduling import NodeSelectorRequirement
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.pool.observed import Member, Observed


def chosen(o: Observed, members: Iterable[Member], policy: VirtualMachinePoolSelectionPolicy | None) -> list[Member]:
    """The members that the policy takes, first come first. Raises Refused for selectors that cannot be read."""
    if policy is None:
        policy = VirtualMachinePoolSelectionPolicy()
    return [m for m in in_order(o, members, policy.sort_policy or "Random") if is_meant(m, policy.selectors)]


def in_order(o: Observed, members: Iterable[Member], sort_policy: str) -> list[Member]:
    """Members by number, by age, or shuffled."""
    by_index = sorted(members, key=lambda m: m.index)
    match sort_policy:
        case "AscendingOrder":
            return by_index
        case "DescendingOrder":
            return by_index[::-1]
        case "Oldest":
            return sorted(by_index, key=lambda m: born(m, o.now))
        case "Newest":
            return sorted(by_index, key=lambda m: born(m, o.now), reverse=True)
        case _:
            random.Random(o.seed).shuffle(by_index)  # noqa: S311 - spreads the load, keeps no secret
            return by_index


def born(member: Member, now: datetime) -> datetime:
    """When the machine was created."""
    return member.vm.metadata.creation_timestamp or now


def is_meant(member: Member, which: VirtualMachinePoolSelectors | None) -> bool:
    """Whether the selectors, all of them, take a machine by its template. Raises Refused."""
    if which is None:
        return True
    template = member.vm.spec.template
    if which.label_selector is not None and not selectors.matches(which.label_selector, template.metadata.labels):
        return False
    return all(holds(r, template.spec.node_selector) for r in which.node_selector_requirement_matcher)


def holds(requirement: NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """One condition on a node selector's labels. Raises Refused."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return (found := number(value)) is not None and found > bound(requirement)
        case "Lt":
            return (found := number(value)) is not None and found < bound(requirement)
        case other:
            raise Refused(field="nodeSelectorRequirementMatcher", cause=f"{other!r} is not a node selector operator",
                          remedy="use In, NotIn, Exists, DoesNotExist, Gt or Lt")


def bound(requirement: NodeSelectorRequirement) -> int:
    """What Gt and Lt compare with. Raises Refused."""
    limit = number(requirement.values[0]) if len(requirement.values) == 1 else None
    if limit is None:
        raise Refused(field="nodeSelectorRequirementMatcher", cause=f"{requirement.operator} needs one whole number",
                      remedy="give exactly one value, made of digits")
    return limit


def number(text: str | None) -> int | None:
    """A label's value as a whole number, where it is one."""
    try:
        return int(text or "")
    except ValueError:
        return None
