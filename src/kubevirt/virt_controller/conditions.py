"""Lists of conditions as values: look one up, put one in, take one out. Lists are never changed in place.

Kubernetes' rule for `lastTransitionTime` is kept in one place here: it moves only when the status changes. A list that
would come out equal is returned as it was, so "nothing changed" stays cheap to see.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from kubevirt.api.meta import Condition

C = TypeVar("C", bound=Condition)


def find(conditions: Iterable[C], type_: str) -> C | None:
    """The condition of that type, or None."""
    return next((c for c in conditions if c.type == type_), None)


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """There is a condition of that type and its status is True."""
    condition = find(conditions, type_)
    return condition is not None and condition.status == "True"


def is_false(conditions: Iterable[Condition], type_: str, reason: str = "") -> bool:
    """There is a condition of that type, its status is False and its reason, if one is asked for, is that one."""
    condition = find(conditions, type_)
    return condition is not None and condition.status == "False" and (not reason or condition.reason == reason)


def says(condition: Condition) -> tuple[str, str, str]:
    """What a condition says, apart from when."""
    return condition.status, condition.reason, condition.message


def put(conditions: list[C], new: C, *, now: datetime) -> list[C]:
    """The list with `new` in place of the condition of its type, or at its end.

    A transition time given by `new` is kept (a copied condition tells its own time); else it is `now` when the status
    changes, and stays what it was when only reason or message do.
    """
    old = find(conditions, new.type)
    if old is not None and says(old) == says(new):
        return conditions
    if new.last_transition_time is None:
        since = old.last_transition_time if old is not None and old.status == new.status else now
        new = replace(new, last_transition_time=since)
    if old is None:
        return [*conditions, new]
    return [new if c.type == new.type else c for c in conditions]


def drop(conditions: list[C], *types: str) -> list[C]:
    """The list without conditions of these types."""
    if not any(c.type in types for c in conditions):
        return conditions
    return [c for c in conditions if c.type not in types]
