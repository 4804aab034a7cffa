"""What replica sets and pools have in common: whose the many are, and two conditions that are told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kubevirt.api import selectors
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta, OwnerReference
from kubevirt.api.resource import Resource
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.conditions import is_true

PAUSED: Final = "ReplicaPaused"
FAILURE: Final = "ReplicaFailure"


def selects(selector: LabelSelector, labels: dict[str, str]) -> bool:
    """Whether what has these labels is meant. Nothing is by a selector that cannot be read; validation refuses such,
    but older ones exist.
    """
    try:
        return selectors.matches(selector, labels)
    except Refused:
        return False


def selects_its_own(selector: LabelSelector, labels: dict[str, str]) -> bool:
    """What is made with these labels is selected. Else the many would be made without end."""
    return bool(labels) and selects(selector, labels)


def controlled_by(resource: Resource[Any], metadata: ObjectMeta) -> OwnerReference:
    """What makes the object of that kind the controller of another."""
    return OwnerReference(api_version=resource.api_version, kind=resource.kind, name=metadata.name, uid=metadata.uid,
                          controller=True, block_owner_deletion=True)


def pause_turned(before: Sequence[Condition], after: Sequence[Condition]) -> bool | None:
    """True for what is paused now, False for what goes on, None for no change."""
    was, is_now = is_true(before, PAUSED), is_true(after, PAUSED)
    return is_now if was != is_now else None
