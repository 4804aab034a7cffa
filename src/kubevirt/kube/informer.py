"""A cache that keeps itself up to date: list once, then watch.

    pods = Informer(client, PODS, labels="kubevirt.io=virt-launcher", indexers={"vmi": owning_vmi})
    pods.start(tasks)
    await pods.synced()

A watch that ends is taken up where it ended (bookmarks keep that point fresh); only when the server has forgotten the
point (410 Expired) everything is listed again. There is no periodic relist. `written` and `removed` tell the cache of
our own writes at once, so that a reconciler never decides on less than it did itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from kubevirt.api.resources import Resource
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.backoff import Backoff
from kubevirt.kube.cache import Cache, ChangeCallback, IndexFunction, key_of
from kubevirt.kube.client import Client
from kubevirt.kube.errors import Expired
from kubevirt.kube.requests import Selection
from kubevirt.kube.watch import Change, WatchEvent

T = TypeVar("T", bound=msgspec.Struct)

log = logs.get("kube")

# The server ends each watch after a time of our choice between these, so that many watches do not end together.
WATCH_SHORTEST_S = 300
WATCH_LONGEST_S = 600
SUSPICIOUSLY_SHORT_S = 2.0


class Informer(Generic[T]):
    """The live set of the objects chosen. Objects got from it are shared: never change them, replace them."""

    def __init__(self, client: Client, resource: Resource[T], *, namespace: str | None = None, labels: str = "",
                 fields: str = "", indexers: Mapping[str, IndexFunction[T]] | None = None) -> None:
        self.resource = resource
        self._client = client
        self._chosen = Selection(namespace=namespace, labels=labels, fields=fields)
        self._cache: Cache[T] = Cache(indexers)
        self._synced = asyncio.Event()
        self._backoff = Backoff(start_s=0.2, limit_s=30.0)

    # Reading

    def get(self, namespace: str, name: str) -> T | None:
        """`namespace` is empty for what has none."""
        return self._cache.get(namespace, name)

    def by_key(self, key: str) -> T | None:
        """By `namespace/name`, the key of work queues."""
        return self._cache.by_key(key)

    def by_index(self, index: str, value: str) -> list[T]:
        return self._cache.by_index(index, value)

    def all(self) -> list[T]:
        return self._cache.all()

    def __len__(self) -> int:
        return len(self._cache)

    def on_change(self, callback: ChangeCallback[T]) -> None:
        """`callback(old, new)` for every change, None for absent; called on the event loop, must not block."""
        self._cache.on_change(callback)

    # Our own writes

    def written(self, obj: T) -> None:
        """Takes in the answer to a create, replace, patch or delete of ours. `obj` must be one that was chosen."""
        self._cache.written(obj)

    def removed(self, obj: T) -> None:
        """`obj` was deleted by us and is gone (the delete returned None)."""
        self._cache.removed(obj)

    # Running

    def start(self, tasks: Tasks) -> None:
        tasks.spawn(self.run(), name=f"watch {self.resource.plural}")

    async def synced(self) -> None:
        """Returns once the first list is in."""
        await self._synced.wait()

    async def run(self) -> None:
        """Lists and watches until cancelled. Trouble with the server is logged and outlasted."""
        listed = False
        while True:
            try:
                if not listed:
                    await self._list()
                    listed = True
                started = time.monotonic()
                await self._watch()
                if time.monotonic() - started < SUSPICIOUSLY_SHORT_S:
                    # A proxy that closes watches at once must not make us a hammer.
                    await asyncio.sleep(self._backoff.next())
            except Expired:
                listed = False
                await asyncio.sleep(self._backoff.next())
            except Problem as e:
                await self._outlast(e)

    async def _list(self) -> None:
        unnamed = self._cache.begin_relist()
        resource_version = ""
        async for page in self._client.pages(self.resource, self._chosen):
            resource_version = resource_version or page.resource_version
            for obj in page.items:
                unnamed.discard(key_of(obj))
                self._cache.listed(obj)
            for problem in page.unreadable:
                self._report_unreadable(problem)
        self._cache.end_relist(unnamed, resource_version)
        self._synced.set()

    async def _watch(self) -> None:
        timeout_s = random.randint(WATCH_SHORTEST_S, WATCH_LONGEST_S)  # noqa: S311 (not a secret)
        async for event in self._client.watch(self.resource, self._chosen, resource_version=self._cache.position,
                                              timeout_s=timeout_s):
            self._backoff.reset()
            self._take_in(event)

    def _take_in(self, event: WatchEvent[T]) -> None:
        if event.problem is not None:
            self._report_unreadable(event.problem)
        if event.obj is None:
            self._cache.bookmark(event.resource_version)
        elif event.change is Change.DELETED:
            self._cache.deleted(event.obj)
        else:
            self._cache.added_or_modified(event.obj)

    async def _outlast(self, error: Problem) -> None:
        wait_s = self._backoff.next()
        log.warning("the watch was interrupted and goes on after a pause", resource=self.resource.plural,
                    cause=str(error), pause_s=round(wait_s, 1))
        await asyncio.sleep(wait_s)

    def _report_unreadable(self, problem: Problem) -> None:
        log.error("an object cannot be read and is left out", resource=self.resource.plural, cause=str(problem))
