"""Performs actions: sends them, tells the caches what came of them, and says so in events.

What a write answered is in the caches before the next decision is made, so no controller here ever decides on less than
it has done itself. Losing a race is not a failure: `Conflict` passes through, and the object is simply looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from kubevirt.api import codec
from kubevirt.api.access_reviews import ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resources import SUBJECT_ACCESS_REVIEWS, VMIS, Resource
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound
from kubevirt.kube.events import EventRecorder
from kubevirt.kube.informer import Informer
from kubevirt.kube.metrics.measures import WriteMeasure
from kubevirt.kube.patches import Patch as JsonPatch
from kubevirt.kube.patches import diff
from kubevirt.kube.requests import PatchKind
from kubevirt.virt_controller.actions import (
    Action,
    Create,
    Delete,
    Event,
    MergeStatus,
    Patch,
    Permission,
    SyncProblem,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """An action that did not work: what the object's condition will say, and the error for the queue."""

    problem: SyncProblem
    error: Problem


class NotPermitted(Problem):
    """An account in whose name something was to be done may not do it."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(cause=permission.refusal)
        self.words = permission.failed


class Performer:
    """`caches` are the informers of the resources that are written; writes of instances are counted in
    `instance_writes`.
    """

    def __init__(self, client: Client, recorder: EventRecorder, caches: Iterable[Informer[Any]], *,
                 instance_writes: WriteMeasure | None = None) -> None:
        self._client = client
        self._recorder = recorder
        self._instance_writes = instance_writes or WriteMeasure()
        self._caches: Mapping[str, Informer[Any]] = {i.resource.plural: i for i in caches}

    async def perform(self, actions: Iterable[Action], *, about: msgspec.Struct, known: str = "") -> Failed | None:
        """All actions in order, up to the first that fails. Events are about `about`.

        `known` is the message of the failure that the object already tells of: the same one is not announced again.
        Raises Conflict when the object has changed since it was observed.
        """
        for action in actions:
            try:
                await self._send(action)
            except Conflict:
                raise
            except Problem as error:
                words = error.words if isinstance(error, NotPermitted) else action.failed
                problem = words.problem(cause_of(error))
                if problem.message != known:
                    self.tell(about, words.told(cause_of(error)))
                return Failed(problem, error)
            self.tell(about, action.done)
            self.tell(about, action.warning if isinstance(action, Create) else None)
        return None

    def tell(self, about: msgspec.Struct, event: Event | None) -> None:
        """Emit an event, if there is one."""
        if event is not None:
            self._recorder.emit(about, event.type, event.reason, event.message)

    async def _send(self, action: Action) -> None:
        match action:
            case Create():
                await self._create(action)
            case Patch():
                await self._patch(action)
            case MergeStatus():
                meta = action.target.metadata
                self._counted(action.resource, await self._client.patch(
                    action.resource, meta.name, meta.namespace, action.change, PatchKind.STRATEGIC,
                    subresource="status"))
            case Delete():
                await self._delete(action)

    async def _create(self, action: Create) -> None:
        if action.permission is not None and not await self._is_permitted(action.permission):
            raise NotPermitted(action.permission)
        try:
            self._counted(action.resource, await self._client.create(action.resource, action.body))
        except AlreadyExists:
            # Perhaps our own, made just before a restart: the cache may not have it yet.
            name, namespace, owner = identity_of(action.body)
            live = await self._client.get(action.resource, name, namespace)
            if not any(o.controller and o.uid == owner for o in live.metadata.owner_references):
                raise
            self._written(action.resource, live)

    async def _is_permitted(self, permission: Permission) -> bool:
        for way in permission.ways:
            answers = [await self._may(permission, what) for what in way]
            if all(answers):
                return True
        return False

    async def _may(self, permission: Permission, what: ResourceAttributes) -> bool:
        review = SubjectAccessReview(spec=SubjectAccessReviewSpec(
            user=permission.user, groups=list(permission.groups), resource_attributes=what))
        return (await self._client.create(SUBJECT_ACCESS_REVIEWS, review)).status.allowed

    async def _patch(self, action: Patch) -> None:
        if action.only_while_alive is not None and not await self._is_alive(*action.only_while_alive):
            return
        meta = action.old.metadata
        operations = operations_for(action)
        if not operations:
            return
        try:
            new = await self._client.patch(action.resource, meta.name, meta.namespace, operations,
                                           subresource=action.subresource)
        except NotFound as error:
            self._removed(action.resource, action.old)
            raise Conflict(status=error.status, reason="Conflict", message=error.message) from error
        if new.metadata.deletion_timestamp is not None and not new.metadata.finalizers:
            self._removed(action.resource, new)
        else:
            self._counted(action.resource, new)

    async def _delete(self, action: Delete) -> None:
        meta = action.target.metadata
        try:
            lingering = await self._client.delete(
                action.resource, meta.name, meta.namespace, uid=meta.uid, grace_s=action.grace_s,
                propagation=action.propagation, resource_version=meta.resource_version if action.unchanged else None)
        except NotFound:
            lingering = None
        except Conflict:  # another object has its name now, which means that this one is gone
            if action.unchanged:
                raise
            lingering = None
        if lingering is None:
            self._removed(action.resource, action.target)
        else:
            self._written(action.resource, lingering)

    async def _is_alive(self, resource: Resource[Any], target: Any) -> bool:
        try:
            live = await self._client.get(resource, target.metadata.name, target.metadata.namespace)
        except NotFound:
            return False
        return bool(live.metadata.uid == target.metadata.uid and live.metadata.deletion_timestamp is None)

    def _counted(self, resource: Resource[Any], obj: Any) -> None:
        if resource is VMIS:
            self._instance_writes.written(obj.metadata.namespace, obj.metadata.name)
        self._written(resource, obj)

    def _written(self, resource: Resource[Any], obj: Any) -> None:
        if (cache := self._caches.get(resource.plural)) is not None:
            cache.written(obj)

    def _removed(self, resource: Resource[Any], obj: Any) -> None:
        if resource is VMIS:
            self._instance_writes.gone(obj.metadata.namespace, obj.metadata.name)
        if (cache := self._caches.get(resource.plural)) is not None:
            cache.removed(obj)


def operations_for(action: Patch) -> list[JsonObject]:
    """The JSON patch: the difference, valid only for the very version that was decided on. Empty for no difference.

    Decisions replace what they change and keep the rest, so members that are the very same object are passed over.
    """
    old: JsonObject = {}
    new: JsonObject = {}
    for attribute, member in _members(action.new.__class__):
        before, after = getattr(action.old, attribute), getattr(action.new, attribute)
        if before is after or (action.subresource == "status" and member != "status"):
            continue
        # An empty status may be an absent one, so nothing is put into it.
        if was := codec.to_json(before):
            old[member] = was
        if will_be := codec.to_json(after):
            new[member] = will_be
    changes = diff(old, new)
    if not changes:
        return []
    return [*JsonPatch().test_version(action.old.metadata.resource_version).operations, *changes]


@cache
def _members(type_: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.encode_name) for field in msgspec.structs.fields(type_))


def identity_of(body: Any) -> tuple[str, str, str]:
    """Name, namespace and controlling owner's uid of an object, a Struct or JSON."""
    meta: ObjectMeta = codec.convert(body["metadata"], ObjectMeta) if isinstance(body, dict) else body.metadata
    return meta.name, meta.namespace, meta.controller.uid if meta.controller is not None else ""


def cause_of(error: Problem) -> str:
    """The words for a user: what the API server said, not how it was asked."""
    return error.cause
