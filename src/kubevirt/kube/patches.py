"""JSON patches (RFC 6902) with their guards, and the difference of two JSON documents as such a patch.

Objects that two programs write are only ever changed by patches that begin with `test` operations: on the fields
they replace, or on the resource version. If a test fails nothing is written, and the decision is made anew.

    change = Patch().test_version("815").replace("/status/phase", "Running")
    changes = diff(before, after)
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject


class PatchFailed(Problem):
    """A patch does not fit the document: a test failed or a path is not there."""


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
        if not _same(old, new):
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


def apply(document: Json, operations: Iterable[JsonObject]) -> Json:
    """The patched document; the one given stays as it is. Knows test, add, replace, remove. Raises PatchFailed."""
    root: JsonObject = {"": copy.deepcopy(document)}
    for operation in operations:
        path = str(operation["path"])
        *parents, last = ["", *_parts(path)]
        holder: Json = root
        for part in parents:
            holder = _child(holder, part, path)
        _apply_one(holder, last, operation, path)
    return root.get("")


def _apply_one(holder: Json, last: str, operation: JsonObject, path: str) -> None:
    value = copy.deepcopy(operation.get("value"))
    match operation["op"], holder:
        case "test", _:
            if not _same(_child(holder, last, path), value):
                raise PatchFailed(cause="a test of the patch failed", field=path)
        case "add", dict():
            holder[last] = value
        case "add", list():
            holder.insert(len(holder) if last == "-" else _position(holder, last, path, extra=1), value)
        case "replace", dict() if last in holder:
            holder[last] = value
        case "replace", list():
            holder[_position(holder, last, path)] = value
        case "remove", dict() if last in holder:
            del holder[last]
        case "remove", list():
            del holder[_position(holder, last, path)]
        case _:
            raise PatchFailed(cause=f"the patch operation {operation['op']} does not fit the document", field=path)


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON, where true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _parts(path: str) -> Iterator[str]:
    if not path:
        return
    if not path.startswith("/"):
        raise PatchFailed(cause=f"the path '{path}' does not begin with '/'", field=path)
    for part in path[1:].split("/"):
        yield part.replace("~1", "/").replace("~0", "~")


def _child(here: Json, part: str, path: str) -> Json:
    if isinstance(here, dict) and part in here:
        return here[part]
    if isinstance(here, list):
        return here[_position(here, part, path)]
    raise PatchFailed(cause=f"there is no '{part}' on the way", field=path)


def _position(here: list[Json], part: str, path: str, *, extra: int = 0) -> int:
    if part.isascii() and part.isdecimal() and int(part) < len(here) + extra:
        return int(part)
    raise PatchFailed(cause=f"the list has no place '{part}'", field=path)
