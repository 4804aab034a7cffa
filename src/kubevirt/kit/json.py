"""JSON values as Python holds them, and the few operations on them that every layer needs.

Typed objects (msgspec Structs) are preferred everywhere; `Json` is for what has no type of ours: manifests built for
other programs, patches, raw answers of the API server.
"""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007 - recursive
    JsonObject: TypeAlias = dict[str, Json]
else:  # msgspec cannot resolve recursive aliases; to it, members of these types are simply untyped
    Json = Any
    JsonObject = dict[str, Any]


def merge(target: Json, patch: Json) -> Json:
    """The result of an RFC 7396 merge patch: objects merge key by key, null removes, everything else replaces.

    Neither argument is changed, but the result shares unchanged parts with them.
    """
    if not isinstance(patch, dict):
        return patch
    merged: JsonObject = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def without_nulls(value: Json) -> Json:
    """The same value without object members that are null, at every depth. Nulls in lists stay: they hold a place."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def dig(value: Json, *path: str | int) -> Json:
    """The value at a path of keys and indexes, or None where any step of it does not exist."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def same(one: Json, other: Json) -> bool:
    """Equal as JSON, where true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)
