"""The objects of one resource as a watch and our own writes tell of them, newest first; no I/O.

The order of news is by resource version, not by arrival. A watch event that is older than what a write's answer has
already told must not roll the object back; an answer that comes later than the watch's news of the object's deletion
must not bring it back. Both follow from knowing how far the watch has come (`position`): whatever is not later than
that has been told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar, cast

import msgspec

from kubevirt.kube.versions import as_number, is_later

T = TypeVar("T", bound=msgspec.Struct)
IndexFunction = Callable[[T], Iterable[str]]
ChangeCallback = Callable[[T | None, T | None], None]


class _Metadata(Protocol):
    name: str
    namespace: str
    uid: str
    resource_version: str


class _HasMetadata(Protocol):
    metadata: _Metadata


def metadata_of(obj: msgspec.Struct) -> _Metadata:
    return cast(_HasMetadata, obj).metadata


def key_of(obj: msgspec.Struct) -> str:
    """`namespace/name`, or `name` alone for what has no namespace: the key of queues and caches."""
    meta = metadata_of(obj)
    return f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name


class Cache(Generic[T]):
    """Objects by key and by index. Callbacks hear of every change, in the order it became known."""

    def __init__(self, indexers: Mapping[str, IndexFunction[T]] | None = None) -> None:
        self._objects: dict[str, T] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, defaultdict[str, dict[str, None]]] = {n: defaultdict(dict) for n in self._indexers}
        self._callbacks: list[ChangeCallback[T]] = []
        self._removed_uids: set[str] = set()
        self._position = ""

    @property
    def position(self) -> str:
        """The resource version up to which everything is known; empty before the first list."""
        return self._position

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> T | None:
        return self._objects.get(f"{namespace}/{name}" if namespace else name)

    def by_key(self, key: str) -> T | None:
        return self._objects.get(key)

    def all(self) -> list[T]:
        return list(self._objects.values())

    def by_index(self, index: str, value: str) -> list[T]:
        keys = self._indexes[index].get(value)
        return [self._objects[key] for key in keys] if keys else []

    def on_change(self, callback: ChangeCallback[T]) -> None:
        """`callback(old, new)`; None stands for absent. What is here already is told at once."""
        self._callbacks.append(callback)
        for obj in self.all():
            callback(None, obj)

    # What a watch tells

    def begin_relist(self) -> set[str]:
        """The keys held now; give what the list did not name to `end_relist`."""
        return set(self._objects)

    def listed(self, obj: T) -> None:
        """One object of a list. A version that is already known, or older, changes nothing."""
        self._put_unless_older(obj)

    def end_relist(self, unnamed: set[str], resource_version: str) -> None:
        """The list is complete as of `resource_version`: what it did not name is gone, except what is younger."""
        self._position = resource_version
        self._removed_uids.clear()
        for key in unnamed:
            obj = self._objects.get(key)
            if obj is not None and not is_later(metadata_of(obj).resource_version, resource_version):
                self._drop(key)

    def added_or_modified(self, obj: T) -> None:
        self._put_unless_older(obj)
        self._advance(metadata_of(obj).resource_version)

    def deleted(self, obj: T) -> None:
        """`obj` as the watch's DELETED event gives it: its resource version is that of the deletion."""
        meta = metadata_of(obj)
        self._advance(meta.resource_version)
        self._removed_uids.discard(meta.uid)
        key = key_of(obj)
        held = self._objects.get(key)
        if held is None:
            return
        if metadata_of(held).uid == meta.uid or not is_later(metadata_of(held).resource_version, meta.resource_version):
            self._drop(key)

    def bookmark(self, resource_version: str) -> None:
        self._advance(resource_version)

    # What our own writes tell

    def written(self, obj: T) -> None:
        """The answer to a write of ours. Kept if the watch has not told of it, or of something later, already."""
        if is_later(metadata_of(obj).resource_version, self._position or "0"):
            self._put_unless_older(obj)

    def removed(self, obj: T) -> None:
        """We deleted exactly this object and it is gone. The watch's late news of its last versions is not believed."""
        meta = metadata_of(obj)
        held = self._objects.get(key_of(obj))
        if held is not None and metadata_of(held).uid == meta.uid:
            self._removed_uids.add(meta.uid)
            self._drop(key_of(obj))

    # The inside

    def _put_unless_older(self, obj: T) -> None:
        meta = metadata_of(obj)
        if meta.uid and meta.uid in self._removed_uids:
            return
        key = key_of(obj)
        old = self._objects.get(key)
        if old is not None:
            known = metadata_of(old).resource_version
            if known == meta.resource_version or is_later(known, meta.resource_version):
                return
            self._unindex(key, old)
        self._objects[key] = obj
        self._index(key, obj)
        self._tell(old, obj)

    def _drop(self, key: str) -> None:
        old = self._objects.pop(key)
        self._unindex(key, old)
        self._tell(old, None)

    def _advance(self, resource_version: str) -> None:
        # A later list or event may have come first only where versions have no order; then the last word counts.
        if as_number(resource_version) is None or is_later(resource_version, self._position) is not False:
            self._position = resource_version

    def _index(self, key: str, obj: T) -> None:
        for name, function in self._indexers.items():
            for value in function(obj):
                self._indexes[name][value][key] = None

    def _unindex(self, key: str, obj: T) -> None:
        for name, function in self._indexers.items():
            index = self._indexes[name]
            for value in function(obj):
                keys = index.get(value)
                if keys is not None:
                    keys.pop(key, None)
                    if not keys:
                        del index[value]

    def _tell(self, old: T | None, new: T | None) -> None:
        for callback in self._callbacks:
            callback(old, new)
