"""A small world for histories: an API server in memory, watches that lag behind it, a kubelet, a virt-handler, and
time.

It keeps the rules of Kubernetes that the controllers rely on: resource versions, preconditions, finalizers, owners,
graceful deletion of pods. Everything happens when the test says so, so caches can be as stale as it likes. Writes that
change nothing are remembered: nobody here should make any.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from controller_objects import NOW, node

from kubevirt.api import codec
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.resources import KUBEVIRTS, NODES, PODS, PVCS, VMI_REPLICASETS, VMIS, VMS, Resource
from kubevirt.kit.errors import Problem
from kubevirt.kube.cache import Cache
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound, ServerTrouble
from kubevirt.kube.metrics.measures import WriteMeasure
from kubevirt.kube.patches import PatchFailed, apply
from kubevirt.virt_controller import stores as store_module
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.cluster import Cluster
from kubevirt.virt_controller.datavolumes import DATA_SOURCES, DATA_VOLUMES, Presence
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.revision import START_REVISIONS
from kubevirt.virt_controller.storage import Storage
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.vm.controller import VmController
from kubevirt.virt_controller.vm.offered import offers_of_vm
from kubevirt.virt_controller.vmi.controller import VmiController

Key = tuple[str, str]


def refused(kind: type[Any], status: int, text: str) -> Exception:
    error = kind(status=status, reason=kind.__name__, message=text)
    assert isinstance(error, Exception)
    return error


def as_json(obj: Any) -> dict[str, Any]:
    """A copy of an object as JSON."""
    copied: dict[str, Any] = msgspec.json.decode(codec.encode(obj))
    return copied


def as_object(res: Resource[Any], obj: dict[str, Any]) -> Any:
    """A copy of an object as its type."""
    return codec.decode(res.type_, msgspec.json.encode(obj))


class Api:
    """The API server; also the client of the controllers.

    `trouble` makes the call that `calls_until_trouble` counts down to fail, before or after it took effect.
    """

    def __init__(self) -> None:
        self.objects: dict[Key, dict[str, Any]] = {}
        self.watchers: list[Callable[[Resource[Any], dict[str, Any], bool], None]] = []
        self.idle_writes: list[str] = []
        self.writes: list[str] = []
        self.now: datetime = NOW
        self.has_importer = False
        self.trouble: str = ""
        self.calls_until_trouble = 0
        self.someone_is_behind: Callable[[], bool] = lambda: False
        self._version = 100
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
                     grace_s: int | None = None, propagation: str | None = None) -> Any:
        return self._answer(f"delete {res.plural}", lambda: self.remove(res, name, uid=uid), res)

    def _answer(self, what: str, call: Callable[[], dict[str, Any] | None], res: Resource[Any]) -> Any:
        self.calls_until_trouble -= 1
        trouble = self.trouble if self.calls_until_trouble == 0 else ""
        if trouble == "before":
            raise refused(ServerTrouble, 500, "down")
        result = call()
        self.writes.append(what)
        if trouble == "after":
            raise refused(ServerTrouble, 500, "the answer was lost")
        return None if result is None else as_object(res, result)

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
            new = copy.deepcopy(old)
            wanted = change["status"]["conditions"]
            kept = [c for c in old["status"].get("conditions", []) if c["type"] not in {w["type"] for w in wanted}]
            new["status"]["conditions"] = [*kept, *wanted]
        if res.has_status and subresource == "status":
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
        elif res.has_status:
            new["status"] = copy.deepcopy(old.get("status", {}))
        if new == old:
            self.idle_writes.append(f"{res.plural} {name} {subresource}")
            return old
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return self._forget(res, new)
        return self._store(res, new)

    def remove(self, res: Resource[Any], name: str, *, uid: str | None = None) -> dict[str, Any] | None:
        obj = copy.deepcopy(self.find(res, name))
        meta = obj["metadata"]
        if uid is not None and meta["uid"] != uid:
            raise refused(Conflict, 409, "another uid")
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
        obj = copy.deepcopy(self.find(res, name))
        edit(obj)
        if obj != self.find(res, name):
            if obj.get("spec") != self.find(res, name).get("spec"):
                obj["metadata"]["generation"] += 1
            self._store(res, obj)

    def vanish(self, res: Resource[Any], name: str) -> None:
        """The last trace of an object goes, as when a kubelet confirms a pod's end."""
        self._forget(res, copy.deepcopy(self.find(res, name)))

    def collect_garbage(self) -> None:
        """Objects whose controller is gone go too."""
        uids = {o["metadata"]["uid"] for o in self.objects.values()}
        for res in (VMIS, PODS, START_REVISIONS):
            for obj in self.all(res):
                owners = obj["metadata"].get("ownerReferences", [])
                deleting = obj["metadata"].get("deletionTimestamp")
                if owners and not deleting and all(o["uid"] not in uids for o in owners):
                    self.remove(res, obj["metadata"]["name"])

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _store(self, res: Resource[Any], obj: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        self.objects[res.plural, obj["metadata"]["name"]] = obj
        self._tell(res, obj, gone=False)
        return obj

    def _forget(self, res: Resource[Any], obj: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        del self.objects[res.plural, obj["metadata"]["name"]]
        self._tell(res, obj, gone=True)
        return obj

    def _tell(self, res: Resource[Any], obj: dict[str, Any], *, gone: bool) -> None:
        for watcher in self.watchers:
            watcher(res, copy.deepcopy(obj), gone)


class LaggingInformer:
    """A cache that hears of changes only when `hear` is called. The real `Cache` inside, no I/O around it."""

    def __init__(self, api: Api, resource: Resource[Any], indexers: Any) -> None:
        self.resource = resource
        self.cache: Cache[Any] = Cache(indexers)
        self.unheard: deque[tuple[Any, bool]] = deque()
        for obj in api.all(resource):
            self.cache.listed(as_object(resource, obj))
        self.cache.end_relist(set(), str(api._version))
        api.watchers.append(self._on_event)
        self.get, self.by_key, self.by_index = self.cache.get, self.cache.by_key, self.cache.by_index
        self.all, self.on_change = self.cache.all, self.cache.on_change
        self.written, self.removed = self.cache.written, self.cache.removed

    def _on_event(self, res: Resource[Any], obj: dict[str, Any], gone: bool) -> None:
        if res is self.resource:
            self.unheard.append((as_object(res, obj), gone))

    def hear(self, at_most: int = 1_000_000) -> None:
        while self.unheard and at_most > 0:
            obj, gone = self.unheard.popleft()
            (self.cache.deleted if gone else self.cache.added_or_modified)(obj)
            at_most -= 1


class LaggingKind:
    """A kind that others bring, here from the beginning or not at all."""

    def __init__(self, api: Api, resource: Resource[Any], presence: Presence) -> None:
        self.objects = LaggingInformer(api, resource, {})
        self.presence = presence

    def on_presence(self, listener: Callable[[], None]) -> None:
        """Never changes."""


class LaggingImporter:
    """The importer of a world; `Api.has_importer` says whether there is one."""

    def __init__(self, api: Api) -> None:
        presence = Presence.SERVED if api.has_importer else Presence.ABSENT
        self.data_volumes = LaggingKind(api, DATA_VOLUMES, presence)
        self.data_sources = LaggingKind(api, DATA_SOURCES, presence)


class Queue:
    """Keys to be worked on, now or at a time."""

    def __init__(self) -> None:
        self.keys: dict[str, datetime | None] = {}

    def add(self, key: str) -> None:
        self.keys[key] = None


class Told:
    """The event recorder."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def emit(self, about: msgspec.Struct, type_: str, reason: str, message: str) -> None:
        self.events.append((type_, reason, message))


class Controller:
    """One life of virt-controller: its caches start with a list, and everything it knows dies with it."""

    def __init__(self, api: Api, instance_writes: WriteMeasure | None = None) -> None:
        self.api = api
        api.watchers.clear()
        index = {"controller": store_module.controller_uid}
        informers: dict[str, Any] = {
            "vms": LaggingInformer(api, VMS, {
                **index, "claim": store_module.claims_of_vm, "pooled": store_module.pool_of_vm,
                "offer": offers_of_vm,
                "datavolume": store_module.datavolumes_of_vm, "datasource": store_module.datasources_of_vm}),
            "vmis": LaggingInformer(api, VMIS, {
                **index, "free": store_module.namespace_of_free,
                "claim": store_module.claims_of_vmi, "node": store_module.node_of_vmi}),
            "pods": LaggingInformer(api, PODS, index),
            "nodes": LaggingInformer(api, NODES, {}),
            "claims": LaggingInformer(api, PVCS, {"state": store_module.machine_of_state}),
            "revisions": LaggingInformer(api, START_REVISIONS, index),
            "kubevirts": LaggingInformer(api, KUBEVIRTS, {}),
            "replicasets": LaggingInformer(api, VMI_REPLICASETS, {"namespace": store_module.namespace_of}),
            "pools": LaggingInformer(api, POOLS, {}),
            "instancetypes": LaggingInformer(api, INSTANCETYPES, {}),
            "cluster_instancetypes": LaggingInformer(api, CLUSTER_INSTANCETYPES, {}),
            "preferences": LaggingInformer(api, PREFERENCES, {}),
            "cluster_preferences": LaggingInformer(api, CLUSTER_PREFERENCES, {}),
        }
        self.importer = LaggingImporter(api)
        informers["importer"] = self.importer
        self.informers: list[LaggingInformer] = [
            i for i in informers.values() if isinstance(i, LaggingInformer)]
        self.informers.append(self.importer.data_volumes.objects)
        api.someone_is_behind = lambda: any(i.unheard for i in self.informers)
        stores = self.stores = Stores(**informers)
        self.told = Told()
        client: Any = api
        recorder: Any = self.told
        performer = Performer(client, recorder, stores, instance_writes=instance_writes)
        self.queues: list[Any] = [Queue(), Queue()]
        cluster = Cluster(stores, launcher_image="virt:1")
        self.workers: list[Any] = [
            VmController(stores, cluster, performer, self.queues[0], clock=lambda: api.now),
            VmiController(stores, cluster, performer, self.queues[1], clock=lambda: api.now,
                          storage=Storage(client)),
        ]

    def due(self, worker: int) -> list[str]:
        return [k for k, at in sorted(self.queues[worker].keys.items()) if at is None or at <= self.api.now]

    async def work(self, worker: int) -> bool:
        """One reconcile of the first key that is due; failures come back at once."""
        if not (keys := self.due(worker)):
            return False
        queue = self.queues[worker]
        del queue.keys[keys[0]]
        call: Awaitable[float | None] = self.workers[worker].reconcile(keys[0])
        try:
            again_s = await call
        except Problem:
            again_s = 0.0
        if again_s is not None and keys[0] not in queue.keys:
            queue.keys[keys[0]] = self.api.now + timedelta(seconds=again_s)
        return True

    def hear_all(self) -> None:
        for informer in self.informers:
            informer.hear()


def new_world() -> Api:
    """A cluster with one node that takes virtual machines."""
    api = Api()
    api.make(NODES, codec.to_builtins(node()))
    return api


