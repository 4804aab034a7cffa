"""The cluster's kinds of storage, for the claims that virt-controller makes itself.

Few and small objects, kept at hand. What the importer (CDI) knows of a kind beyond that is asked for when a claim is
made: that is once in a machine's life, and most clusters have no importer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from kubevirt.api.base import Api, constant, present
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.objects import StorageClass
from kubevirt.api.resources import STORAGE_CLASSES
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound
from kubevirt.kube.informer import Informer
from kubevirt.virt_controller.datavolumes import importers

DEFAULT_FOR_MACHINES = "storageclass.kubevirt.io/is-default-virt-class"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
BY_SEVERAL_NODES, BY_ONE_NODE = "ReadWriteMany", "ReadWriteOnce"


class ClaimPropertySet(Api):
    """One way to use a kind of storage."""

    access_modes: list[str] = []
    volume_mode: str | None = None


class StorageProfileStatus(Api):
    """The ways to use a kind of storage."""

    claim_property_sets: list[ClaimPropertySet] = []


class StorageProfile(Api):
    """What the importer knows of a storage class, under the class's name."""

    api_version: str = constant("cdi.kubevirt.io/v1beta1")
    kind: str = constant("StorageProfile")
    metadata: ObjectMeta = present(ObjectMeta)
    status: StorageProfileStatus = present(StorageProfileStatus)


STORAGE_PROFILES: Final = importers("storageprofiles", "StorageProfile", StorageProfile, namespaced=False)


class Storage:
    """Kept up to date by a cache of its own; one per program."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._classes: Informer[StorageClass] = Informer(client, STORAGE_CLASSES)

    async def start(self, tasks: Tasks) -> None:
        """Returns once all are known."""
        self._classes.start(tasks)
        await self._classes.synced()

    @property
    def classes(self) -> tuple[StorageClass, ...]:
        """All there are."""
        return tuple(self._classes.all())

    def on_change(self, listener: Callable[[], None]) -> None:
        """`listener` is called when a class has come, changed or gone."""
        self._classes.on_change(lambda old, new: listener())

    async def profile(self, storage_class: str) -> StorageProfile | None:
        """What the importer knows of a class; None where it does not, or there is no importer. Raises Problem."""
        try:
            return await self._client.get(STORAGE_PROFILES, storage_class)
        except NotFound:
            return None


def class_for_state(classes: Iterable[StorageClass], *, configured: str) -> str:
    """The class for claims with machines' state; empty when nothing says which."""
    if configured:
        return configured
    known = list(classes)
    for mark in (DEFAULT_FOR_MACHINES, DEFAULT):
        marked = sorted(c.metadata.name for c in known if c.metadata.annotations.get(mark) == "true")
        if marked:
            return marked[0]
    return ""


def access_mode(profile: StorageProfile | None, *, configured: str) -> str:
    """How a file system of that class is used: by several nodes where that is possible, because guests migrate.

    Where nobody knows, an administrator who chose the class is trusted to have chosen one that can.
    """
    sets = profile.status.claim_property_sets if profile is not None else []
    possible = {mode for each in sets if each.volume_mode == "Filesystem" for mode in each.access_modes}
    for mode in (BY_SEVERAL_NODES, BY_ONE_NODE):
        if mode in possible:
            return mode
    return BY_SEVERAL_NODES if configured else BY_ONE_NODE


def waits_for_pod(classes: Iterable[StorageClass], name: str | None) -> bool:
    """Claims of the class are bound only when a pod uses them."""
    return any(c.metadata.name == name and c.volume_binding_mode == "WaitForFirstConsumer" for c in classes)
