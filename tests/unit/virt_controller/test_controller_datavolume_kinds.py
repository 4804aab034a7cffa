"""A kind that another project brings: seen when it comes and when it goes, and waited for by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kubevirt.api import codec
from kubevirt.api.objects import CustomResourceDefinition
from kubevirt.api.resources import CRDS
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.watch import Change, WatchEvent
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES, DataVolume, OptionalKind, Presence


def definition(*, established: bool = True) -> CustomResourceDefinition:
    conditions = [{"type": "Established", "status": "True" if established else "False"}]
    return codec.convert({"metadata": {"name": "datavolumes.cdi.kubevirt.io", "resourceVersion": "9"},
                          "status": {"conditions": conditions}}, CustomResourceDefinition)


class Server:
    """Lists what there is, and tells of definitions that come and go."""

    def __init__(self, *, has: bool) -> None:
        self.definitions = [definition()] if has else []
        self.data_volumes = [codec.convert(
            {"metadata": {"name": "d", "namespace": "n", "resourceVersion": "5", "uid": "1"}}, DataVolume)]
        self.news: asyncio.Queue[WatchEvent[Any]] = asyncio.Queue()
        self.lists: list[str] = []

    async def pages(self, resource: Any, _: Any) -> AsyncIterator[Any]:
        self.lists.append(resource.plural)
        items: list[Any] = self.definitions if resource is CRDS else self.data_volumes
        yield SimpleNamespace(items=items, unreadable=[], resource_version="7")

    async def watch(self, resource: Any, _: Any, **__: Any) -> AsyncIterator[WatchEvent[Any]]:
        while True:
            if resource is not CRDS:
                await asyncio.Event().wait()
            yield await self.news.get()

    def tell(self, change: Change, obj: CustomResourceDefinition, version: str) -> None:
        obj.metadata.resource_version = version
        self.news.put_nowait(WatchEvent(change=change, resource_version=version, obj=obj))


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not what():  # noqa: ASYNC110 - only lets the other tasks take their next step
            await asyncio.sleep(0)


@pytest.mark.parametrize(("has", "expected", "lists"), [
    pytest.param(False, Presence.ABSENT, ["customresourcedefinitions"], id="absent: nothing of it is read"),
    pytest.param(True, Presence.SERVED, ["customresourcedefinitions", "datavolumes"], id="there: its objects are read"),
])
async def test_at_the_start(has: bool, expected: Presence, lists: list[str]) -> None:
    server: Any = Server(has=has)
    kind = OptionalKind(server, DATA_VOLUMES)
    assert kind.presence is Presence.COMING
    async with Tasks() as tasks:
        kind.start(tasks)
        await until(lambda: kind.presence is expected)
    assert server.lists == lists
    assert len(kind.objects) == has


async def test_it_comes_and_goes_and_comes_again() -> None:
    server: Any = Server(has=False)
    kind = OptionalKind(server, DATA_VOLUMES)
    seen: list[Presence] = []
    kind.on_presence(lambda: seen.append(kind.presence))
    async with Tasks() as tasks:
        kind.start(tasks)
        await until(lambda: kind.presence is Presence.ABSENT)
        server.tell(Change.ADDED, definition(established=False), "10")
        server.tell(Change.MODIFIED, definition(), "11")
        await until(lambda: kind.presence is Presence.SERVED)
        server.tell(Change.DELETED, definition(), "12")
        await until(lambda: kind.presence is Presence.ABSENT)
        server.tell(Change.ADDED, definition(), "13")
        await until(lambda: kind.presence is Presence.SERVED)
    assert seen == [Presence.ABSENT, Presence.COMING, Presence.SERVED, Presence.ABSENT, Presence.COMING,
                    Presence.SERVED]
    assert server.lists.count("datavolumes") == 2
