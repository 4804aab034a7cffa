"""DataVolumes and DataSources as virt-controller reads them, and whether the cluster has these kinds at all.

They belong to another project, the Containerized Data Importer, which is installed before, after or never. So nothing
waits for them: their caches fill when the kinds come, and are believed only while the kinds are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar

import msgspec

from kubevirt.api.base import Api, constant, present
from kubevirt.api.datavolume_sources import DataVolumeSourcePVC, DataVolumeSourceSnapshot
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.objects import CustomResourceDefinition
from kubevirt.api.resources import CRDS, Resource
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.informer import Informer

T = TypeVar("T", bound=msgspec.Struct)


class DataVolumeStatus(Api):
    """How far the data has come."""

    phase: str = ""
    """Succeeded at the end; see the phases of the importer's documentation."""
    conditions: list[Condition] = []
    """Bound, Running and Ready."""


class DataVolume(Api):
    """A claim that is filled with data, as far as a machine that waits for it needs to know."""

    api_version: str = constant("cdi.kubevirt.io/v1beta1")
    kind: str = constant("DataVolume")
    metadata: ObjectMeta = present(ObjectMeta)
    status: DataVolumeStatus = present(DataVolumeStatus)

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, if there is one."""
        return next((c for c in self.status.conditions if c.type == type_), None)


class DataSourceReference(Api):
    """Another DataSource."""

    name: str = ""
    namespace: str = ""


class DataSourceOrigin(Api):
    """What a DataSource stands for; one of these."""

    pvc: DataVolumeSourcePVC | None = None
    snapshot: DataVolumeSourceSnapshot | None = None
    data_source: DataSourceReference | None = None


class DataSourceContent(Api):
    """`spec` and `status` of a DataSource hold the same."""

    source: DataSourceOrigin = present(DataSourceOrigin)


class DataSource(Api):
    """A name for a claim or snapshot that DataVolumes are copied from."""

    api_version: str = constant("cdi.kubevirt.io/v1beta1")
    kind: str = constant("DataSource")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: DataSourceContent = present(DataSourceContent)
    status: DataSourceContent = present(DataSourceContent)


def importers(plural: str, kind: str, type_: type[T], *, namespaced: bool = True) -> Resource[T]:
    """A kind of the importer's API."""
    return Resource(group="cdi.kubevirt.io", version="v1beta1", plural=plural, kind=kind, type_=type_,
                    namespaced=namespaced)


DATA_VOLUMES: Final = importers("datavolumes", "DataVolume", DataVolume)
DATA_SOURCES: Final = importers("datasources", "DataSource", DataSource)


class Presence(Enum):
    """Whether a kind that others bring can be relied on."""

    ABSENT = "the cluster does not have it"
    COMING = "it is not known yet, or its objects are being read"
    SERVED = "its objects are known"


class OptionalKind(Generic[T]):
    """The objects of a kind that may be there or not."""

    def __init__(self, client: Client, resource: Resource[T]) -> None:
        self.objects: Informer[T] = Informer(client, resource)
        self._definition: Informer[CustomResourceDefinition] = Informer(
            client, CRDS, fields=f"metadata.name={resource.plural}.{resource.group}")
        self._definition.on_change(self._definition_changed)
        self._established = False
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self.presence = Presence.COMING

    def on_presence(self, listener: Callable[[], None]) -> None:
        """`listener` is called whenever `presence` has changed."""
        self._listeners.append(listener)

    def start(self, tasks: Tasks) -> None:
        """Begins to find out. Nobody waits for it: a cluster may hide its definitions, or serve this one badly."""
        self._definition.start(tasks)
        tasks.spawn(self._follow(tasks), name=f"presence of {self.objects.resource}")

    def _definition_changed(self, _: CustomResourceDefinition | None, new: CustomResourceDefinition | None) -> None:
        self._established = new is not None and any(
            c.type == "Established" and c.status == "True" for c in new.status.conditions)
        self._changed.set()

    def _become(self, presence: Presence) -> None:
        if presence is not self.presence:
            self.presence = presence
            for listener in self._listeners:
                listener()

    async def _follow(self, tasks: Tasks) -> None:
        """Reads the objects as long as the kind is there, each time from the beginning."""
        await self._definition.synced()
        reading: asyncio.Task[None] | None = None
        while True:
            self._changed.clear()
            if not self._established:
                self._become(Presence.ABSENT)
                if reading is not None:
                    reading.cancel()
                    reading = None
            elif reading is None:
                self._become(Presence.COMING)
                reading = tasks.spawn(self.objects.run(), name=f"watch {self.objects.resource.plural}")
                tasks.spawn(self._tell_when_read(), name=f"first list of {self.objects.resource.plural}")
            await self._changed.wait()

    async def _tell_when_read(self) -> None:
        await self.objects.synced()
        if self._established:
            self._become(Presence.SERVED)


class Importer:
    """The importer's kinds, one cache each for the whole program."""

    def __init__(self, client: Client) -> None:
        self.data_volumes = OptionalKind(client, DATA_VOLUMES)
        self.data_sources = OptionalKind(client, DATA_SOURCES)

    def start(self, tasks: Tasks) -> None:
        """Begins to find out which of the kinds are there."""
        self.data_volumes.start(tasks)
        self.data_sources.start(tasks)
