"""JSON patches (RFC 6902) with their guards, and the difference of two JSON documents as such a patch.

Objects that two programs write are only ever changed by patches that begin with `test` operations: on the fields
they replace, or on the resource version. If a test fails nothing is written, and the decision is made anew.

    change = Patch().test_version("815").replace("/status/phase", "Running")
    changes = diff(before, after)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubevirt.kit.json import Json, JsonObject, same


class Patch:
    """Operations in order; every method returns the patch itself. Paths are JSON pointers (see `pointer`)."""

    def __init__(self, operations: Iterable[JsonObject] = ()) -> None:
        self._operations: list[JsonObject] = list(operations)

    def test(self, path: str, value: Json) -> Patch:
        self._operations.append({"op": "test", "path": path, "value": value})
        return self

    def test_version(self, resource_version: str) -> Patch:
        """The object is still exactly the one that was read."""
        return self.test("/metadata/resourceVersion", resource_version)

    def add(self, path: str, value: Json) -> Patch:
        """Sets a key, or inserts into a list (a path ending in `/-` appends)."""
        self._operations.append({"op": "add", "path": path, "value": value})
        return self

    def replace(self, path: str, value: Json) -> Patch:
        self._operations.append({"op": "replace", "path": path, "value": value})
        return self

    def remove(self, path: str) -> Patch:
        self._operations.append({"op": "remove", "path": path})
        return self

    @property
    def operations(self) -> list[JsonObject]:
        return list(self._operations)


def pointer(*parts: str | int) -> str:
    """A JSON pointer: `pointer("metadata", "labels", "kubevirt.io/nodeName")` escapes what must be escaped."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def diff(old: Json, new: Json, at: str = "") -> list[JsonObject]:
    """What makes `new` out of `old`. Lists that differ are replaced whole: their order and identity carry meaning."""
    return list(_differences(old, new, at, ()))


def _differences(old: Json, new: Json, at: str, below: tuple[str, ...]) -> Iterator[JsonObject]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        if not same(old, new):
            yield {"op": "replace", "path": at + pointer(*below), "value": new}
        return
    for key in old:
        if key not in new:
            yield {"op": "remove", "path": at + pointer(*below, key)}
    for key, value in new.items():
        if key in old:
            yield from _differences(old[key], value, at, (*below, key))
        else:
            yield {"op": "add", "path": at + pointer(*below, key), "value": value}
