"""JSON patches (RFC 6902), applied as the API server does: by it tests compare, and a played server answers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject, same


class PatchFailed(Problem):
    """A patch does not fit the document: a test failed or a path is not there."""


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
            if not same(_child(holder, last, path), value):
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
