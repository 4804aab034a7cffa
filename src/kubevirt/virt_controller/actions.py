"""What a decision can ask for, as data: create, patch or delete one API object, and say so.

`act.py` performs them. Decisions never talk to the API server and actions never decide, so a decision's test compares
plain values. The texts that users will read about an action, whether it works or fails, travel with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kubevirt.api.access_reviews import ResourceAttributes
from kubevirt.api.resources import Resource
from kubevirt.kit.json import JsonObject

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something worth telling the owner of an object, once."""

    reason: str
    message: str
    type: EventType = "Normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncProblem:
    """Why an object is not as it should be, in the words its conditions use.

    `retry` is False for a wait that ends by itself when some watched object changes, so that no timer is needed.
    """

    reason: str
    message: str
    retry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureWords:
    """How a failed action is told: the condition's reason and the beginnings of condition and event.

    The event has the condition's reason unless it has one of its own.
    """

    reason: str
    condition: str = ""
    event: str = ""
    event_reason: str = ""

    def problem(self, cause: str) -> SyncProblem:
        """The condition for this cause."""
        return SyncProblem(reason=self.reason, message=self.condition + cause)

    def told(self, cause: str) -> Event | None:
        """The event for this cause; None where a condition is enough."""
        if not self.event:
            return None
        return Event(type="Warning", reason=self.event_reason or self.reason, message=self.event + cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What an account must be allowed: everything of at least one of the `ways`.

    `refusal` is the cause of a failure for want of it, told in the words `failed`.
    """

    user: str
    groups: tuple[str, ...]
    ways: tuple[tuple[ResourceAttributes, ...], ...]
    refusal: str
    failed: FailureWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Create `body`. Somebody else's object of that name is a failure, never taken for ours.

    With a `permission` it is created only if an account other than the controller's has it. `warning` is told with
    `done`, of something that the creation does not wait for.
    """

    resource: Resource[Any]
    body: Any
    permission: Permission | None = None
    warning: Event | None = None
    done: Event | None = None
    failed: FailureWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Turn `old` into `new`: only what differs is sent, and only if nobody has written the object since `old`.

    `only_while_alive` names an object that must, read afresh, still exist with its uid and not be deleting.
    """

    resource: Resource[Any]
    old: Any
    new: Any
    subresource: Literal["", "status"] = ""
    only_while_alive: tuple[Resource[Any], Any] | None = None
    done: Event | None = None
    failed: FailureWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete exactly this object (its uid is the precondition); one that is gone already counts as done.

    `propagation` says what becomes of what it owns; by default that goes after it. With `unchanged` it is deleted only
    as it was observed: who has written it since is heard first.
    """

    resource: Resource[Any]
    target: Any
    grace_s: int | None = None
    unchanged: bool = False
    propagation: Literal["Foreground", "Background", "Orphan"] | None = None
    done: Event | None = None
    failed: FailureWords


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeStatus:
    """Merge `change` into the status of `target`: for entries that are ours alone in a status that others write."""

    resource: Resource[Any]
    target: Any
    change: JsonObject
    done: Event | None = None
    failed: FailureWords


Action = Create | Patch | Delete | MergeStatus
