"""Conditions of a VMI: set, changed and removed without touching what did not change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubevirt.api.vmi_status import VirtualMachineInstanceCondition

Conditions = list[VirtualMachineInstanceCondition]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A condition as it should be; `status` is "True" or "False"."""

    type: str
    status: str = "True"
    reason: str = ""
    message: str = ""


def find(conditions: Conditions, type_: str) -> VirtualMachineInstanceCondition | None:
    return next((condition for condition in conditions if condition.type == type_), None)


def settle(conditions: Conditions, wanted: Wanted | None, *, type_: str, now: datetime) -> Conditions:
    """The conditions with the one of a type as wanted, or without it for None; its time moves with its status only."""
    old = find(conditions, type_)
    if wanted is None:
        return [condition for condition in conditions if condition is not old]
    if old is not None and (old.status, old.reason, old.message) == (wanted.status, wanted.reason, wanted.message):
        return conditions
    since = old.last_transition_time if old is not None and old.status == wanted.status else now
    new = VirtualMachineInstanceCondition(type=wanted.type, status=wanted.status, reason=wanted.reason,
                                          message=wanted.message, last_transition_time=since)
    if old is None:
        return [*conditions, new]
    return [new if condition is old else condition for condition in conditions]
