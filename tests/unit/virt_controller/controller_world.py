"""One life of virt-controller in a small world: caches that lag behind the API server in memory, work queues, time.

Caches hear of changes only when the test says so, so they can be as stale as it likes; which caches there are, and by
what they are indexed, is the program's own doing (`stores.make`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import msgspec
from controller_api import Api, as_object
from controller_objects import node

from kubevirt.api import codec
from kubevirt.api.resources import NODES, Resource
from kubevirt.kit.errors import Problem
from kubevirt.kube.cache import Cache
from kubevirt.kube.metrics.measures import WriteMeasure
from kubevirt.virt_controller import stores as store_module
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.cluster import Cluster
from kubevirt.virt_controller.datavolumes import DATA_SOURCES, DATA_VOLUMES, Presence
from kubevirt.virt_controller.storage import Storage
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.strays.controller import StrayController
from kubevirt.virt_controller.vm.controller import VmController
from kubevirt.virt_controller.vmi.controller import VmiController

INSTALLATION = "kubevirt"


class LaggingInformer:
    """A cache that hears of changes only when `hear` is called. The real `Cache` inside, no I/O around it."""

    def __init__(self, api: Api, resource: Resource[Any], *, indexers: Mapping[str, Any] | None = None,
                 namespace: str | None = None, labels: str = "", fields: str = "") -> None:
        self.resource = resource
        self.cache: Cache[Any] = Cache(indexers)
        self.unheard: deque[tuple[Any, bool]] = deque()
        for obj in api.all(resource):
            self.cache.listed(as_object(resource, obj))
        self.cache.end_relist(set(), str(api.version))
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
        self.objects = LaggingInformer(api, resource)
        self.presence = presence

    def on_presence(self, listener: Callable[[], None]) -> None:
        """Never changes."""


class LaggingImporter:
    """The importer of a world; `Api.has_importer` says whether there is one."""

    def __init__(self, api: Api) -> None:
        presence = Presence.SERVED if api.has_importer else Presence.ABSENT
        self.data_volumes = LaggingKind(api, DATA_VOLUMES, presence)
        self.data_sources = LaggingKind(api, DATA_SOURCES, presence)


def stores_of(api: Api) -> Stores:
    """The program's caches, with the watches of this world."""
    client: Any = api
    with (patch.object(store_module, "Informer", LaggingInformer),
          patch.object(store_module, "Importer", LaggingImporter)):
        return store_module.make(client, namespace=INSTALLATION)


class Queue:
    """Keys to be worked on, each now (None) or at a time."""

    def __init__(self, api: Api) -> None:
        self.keys: dict[str, datetime | None] = {}
        self._api = api

    def add(self, key: str) -> None:
        self.keys[key] = None

    def add_after(self, key: str, seconds: float) -> None:
        self.keys.setdefault(key, self._api.now + timedelta(seconds=seconds))


class Told:
    """The event recorder."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def emit(self, about: msgspec.Struct, type_: str, reason: str, message: str) -> None:
        self.events.append((type_, reason, message))


@dataclass(frozen=True)
class Parts:
    """What a controller is made from. Without types: the real ones would be clients of a real server."""

    api: Any
    stores: Any
    performer: Any
    queue: Any


Make = Callable[[Parts], Any]


class Life:
    """One life of virt-controller: its caches start with a list, and everything it knows dies with it."""

    def __init__(self, api: Api, controllers: Sequence[Make], *, instance_writes: WriteMeasure | None = None) -> None:
        self.api = api
        api.watchers.clear()
        self.stores = stores_of(api)
        self.informers: list[Any] = list(self.stores)
        api.someone_is_behind = lambda: any(i.unheard for i in self.informers)
        self.told = Told()
        client: Any = api
        recorder: Any = self.told
        performer = Performer(client, recorder, self.stores, instance_writes=instance_writes)
        self.queues = [Queue(api) for _ in controllers]
        self.workers = [make(Parts(api, self.stores, performer, queue))
                        for make, queue in zip(controllers, self.queues, strict=True)]

    def due(self, worker: int) -> list[str]:
        """Keys whose time has come."""
        return [k for k, at in sorted(self.queues[worker].keys.items()) if at is None or at <= self.api.now]

    async def work(self, worker: int = 0) -> bool:
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
        if again_s is not None:
            queue.add_after(keys[0], again_s)
        return True

    def hear_all(self) -> None:
        """All caches catch up."""
        for informer in self.informers:
            informer.hear()


def vm_controller(p: Parts) -> VmController:
    return VmController(p.stores, Cluster(p.stores, launcher_image="virt:1"), p.performer, p.queue,
                        clock=lambda: p.api.now)


def vmi_controller(p: Parts) -> VmiController:
    return VmiController(p.stores, Cluster(p.stores, launcher_image="virt:1"), p.performer, p.queue,
                         clock=lambda: p.api.now, storage=Storage(p.api))


def stray_controller(p: Parts) -> StrayController:
    return StrayController(p.stores, p.performer, p.queue)


class Controller(Life):
    """The controllers of VMs (worker 0), of their instances (worker 1) and of what they were started from (worker 2).
    """

    def __init__(self, api: Api, instance_writes: WriteMeasure | None = None) -> None:
        super().__init__(api, (vm_controller, vmi_controller, stray_controller), instance_writes=instance_writes)


def new_world() -> Api:
    """A cluster with one node that takes virtual machines."""
    api = Api()
    api.make(NODES, codec.to_builtins(node()))
    return api
