"""An API server in memory, for histories: it keeps the rules of Kubernetes that the controllers rely on.

Resource versions, preconditions, finalizers, owners, graceful deletion of pods. Everything happens when the test says
so. Writes that change nothing are remembered: nobody here should make any.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from controller_objects import NOW

from kubevirt.api import codec
from kubevirt.api.resources import PODS, VMIS, Resource
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound, ServerTrouble
from kubevirt.virt_controller.revision import START_REVISIONS
from tests.json_patch import PatchFailed, apply

Key = tuple[str, str]


def refused(kind: type[Any], status: int, text: str) -> Exception:
    error = kind(status=status, reason=kind.__name__, message=text)
    assert isinstance(error, Exception)
    return error


def as_json(obj: Any) -> dict[str, Any]:
    """A copy of an object as JSON."""
    found: dict[str, Any] = msgspec.json.decode(codec.encode(obj))
    return found


def copied(obj: Any) -> Any:
    """A copy of JSON; much faster than copying it piece by piece."""
    return msgspec.json.decode(msgspec.json.encode(obj))


def as_object(res: Resource[Any], obj: dict[str, Any]) -> Any:
    """A copy of an object as its type."""
    return codec.decode(res.type_, msgspec.json.encode(obj))


class Crash(BaseException):
    """The program ends here, whatever it would have done about an error."""


class Api:
    """The API server; also the client of the controllers.

    `trouble` makes the call that `calls_until_trouble` counts down to fail, "before" or "after" it took effect; with
    `deadly` the caller does not live to see it.
    """

    collected: tuple[Resource[Any], ...] = (VMIS, PODS, START_REVISIONS)
    """Kinds that the garbage collector looks after."""

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.watchers: list[Callable[[Resource[Any], dict[str, Any], bool], None]] = []
        self.idle_writes: list[str] = []
        self.writes: list[str] = []
        self.now: datetime = NOW
        self.has_importer = False
        self.trouble: str = ""
        self.calls_until_trouble = 0
        self.deadly = False
        self.someone_is_behind: Callable[[], bool] = lambda: False
        self.version = 100
        self._uids = 0

    # What controllers call

    async def create(self, res: Resource[Any], obj: Any, namespace: str | None = None) -> Any:
        return self._answer(f"create {res.plural}", lambda: self.make(res, as_json(obj)), res)

    async def get(self, res: Resource[Any], name: str, namespace: str | None = None) -> Any:
        return as_object(res, self.find(res, name))

    async def patch(self, res: Resource[Any], name: str, namespace: str | None, change: Any, kind: Any = None, *,
                    subresource: str = "") -> Any:
        return self._answer(f"patch {res.plural} {subresource}",
                            lambda: self.change(res, name, change, subresource), res)

    async def delete(self, res: Resource[Any], name: str, namespace: str | None = None, *, uid: str | None = None,
                     grace_s: int | None = None, propagation: str | None = None,
                     resource_version: str | None = None) -> Any:
        return self._answer(f"delete {res.plural}",
                            lambda: self.remove(res, name, uid=uid, resource_version=resource_version), res)

    def _answer(self, what: str, call: Callable[[], dict[str, Any] | None], res: Resource[Any]) -> Any:
        self.calls_until_trouble -= 1
        trouble = self.trouble if self.calls_until_trouble == 0 else ""
        if trouble == "before":
            raise self._accident("down")
        result = call()
        self.writes.append(what)
        if trouble == "after":
            raise self._accident("the answer was lost")
        return None if result is None else as_object(res, result)

    def _accident(self, text: str) -> BaseException:
        return Crash() if self.deadly else refused(ServerTrouble, 500, text)

    # The rules

    def find(self, res: Resource[Any], name: str) -> dict[str, Any]:
        if (res.plural, name) not in self.objects:
            raise refused(NotFound, 404, f"{res.plural} {name!r} not found")
        return self.objects[res.plural, name]

    def all(self, res: Resource[Any]) -> list[dict[str, Any]]:
        return [o for (plural, _), o in sorted(self.objects.items()) if plural == res.plural]

    def make(self, res: Resource[Any], obj: dict[str, Any]) -> dict[str, Any]:
        meta = obj["metadata"]
        if (res.plural, meta["name"]) in self.objects:
            raise refused(AlreadyExists, 409, f"{res.plural} {meta['name']!r} already exists")
        self._uids += 1
        meta |= {"uid": f"{meta['name']}-uid{self._uids}", "creationTimestamp": self.stamp(), "generation": 1}
        if res is VMIS:
            at = {"phase": "Pending", "phaseTransitionTimestamp": self.stamp()}
            obj["status"] = {**obj.get("status", {}), "phase": "Pending", "phaseTransitionTimestamps": [at]}
        if res is PODS:
            obj["status"] = {"phase": "Pending"}
        return self._store(res, obj)

    def change(self, res: Resource[Any], name: str, change: Any, subresource: str = "") -> dict[str, Any]:
        old = self.find(res, name)
        if isinstance(change, list):
            try:
                new: Any = apply(old, change)
            except PatchFailed as e:
                raise refused(Conflict, 409, f"a test failed: {e}") from e
        else:
            new = copied(old)
            wanted = change["status"]["conditions"]
            kept = [c for c in old["status"].get("conditions", []) if c["type"] not in {w["type"] for w in wanted}]
            new["status"]["conditions"] = [*kept, *wanted]
        if res.has_status and subresource == "status":
            new = {**copied(old), "status": new.get("status", {})}
        elif res.has_status:
            new["status"] = copied(old.get("status", {}))
        if new == old:
            self.idle_writes.append(f"{res.plural} {name} {subresource}")
            return old
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return self._forget(res, new)
        return self._store(res, new)

    def remove(self, res: Resource[Any], name: str, *, uid: str | None = None, resource_version: str | None = None
               ) -> dict[str, Any] | None:
        obj: dict[str, Any] = copied(self.find(res, name))
        meta = obj["metadata"]
        if uid is not None and meta["uid"] != uid:
            raise refused(Conflict, 409, "another uid")
        if resource_version is not None and meta["resourceVersion"] != resource_version:
            raise refused(Conflict, 409, "another version")
        lingers = bool(meta.get("finalizers")) or (res is PODS and bool(obj["spec"].get("nodeName")))
        if not lingers:
            self._forget(res, obj)
            return None
        if meta.get("deletionTimestamp"):
            if not self.someone_is_behind():
                self.idle_writes.append(f"delete {res.plural} {name}")
            return obj
        meta["deletionTimestamp"] = self.stamp()
        return self._store(res, obj)

    def update(self, res: Resource[Any], name: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Somebody else's write."""
        obj = copied(self.find(res, name))
        edit(obj)
        if obj != self.find(res, name):
            if obj.get("spec") != self.find(res, name).get("spec"):
                obj["metadata"]["generation"] += 1
            self._store(res, obj)

    def vanish(self, res: Resource[Any], name: str) -> None:
        """The last trace of an object goes, as when a kubelet confirms a pod's end."""
        self._forget(res, copied(self.find(res, name)))

    def collect_garbage(self) -> None:
        """Objects whose controller is gone go too."""
        uids = {o["metadata"]["uid"] for o in self.objects.values()}
        for res in self.collected:
            for obj in self.all(res):
                owners = obj["metadata"].get("ownerReferences", [])
                deleting = obj["metadata"].get("deletionTimestamp")
                if owners and not deleting and all(o["uid"] not in uids for o in owners):
                    self.remove(res, obj["metadata"]["name"])

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _store(self, res: Resource[Any], obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[res.plural, obj["metadata"]["name"]] = obj
        self._tell(res, obj, gone=False)
        return obj

    def _forget(self, res: Resource[Any], obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        del self.objects[res.plural, obj["metadata"]["name"]]
        self._tell(res, obj, gone=True)
        return obj

    def _tell(self, res: Resource[Any], obj: dict[str, Any], *, gone: bool) -> None:
        for watcher in self.watchers:
            watcher(res, obj, gone)
