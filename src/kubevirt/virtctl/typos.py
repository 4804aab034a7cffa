"""Members of a manifest that its kind does not have: `dsik` where `disk` was meant.

The API server drops them, with a warning that is easily overlooked; `kubectl` refuses them. What the members are is
told by the API's types, of which only those are looked at that the manifest uses. Metadata is Kubernetes' own, and
left out.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Union, get_args, get_origin, get_type_hints

import msgspec

from kubevirt.api.meta import ObjectMeta
from kubevirt.kit.json import Json, JsonObject

ANYTHING = "x-kubernetes-preserve-unknown-fields"


@dataclass(frozen=True, kw_only=True)
class Typo:
    """A member that is not known, and the one that was probably meant."""

    field: str
    meant: str = ""

    def __str__(self) -> str:
        hint = f"; did you mean {self.meant}?" if self.meant else ""
        return f"{self.field}: there is no such field{hint}"


def typos(body: Json, kind: object, field: str = "") -> Iterator[Typo]:
    """Every member, at any depth, that the type has no place for."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        for each in arguments:
            if each is not type(None):
                yield from typos(body, each, field)
    elif origin is list and isinstance(body, list):
        for index, item in enumerate(body):
            yield from typos(item, arguments[0], f"{field}[{index}]")
    elif origin is dict and isinstance(body, dict):
        for name, value in body.items():
            yield from typos(value, arguments[1], f"{field}.{name}")
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(body, dict):
        yield from _members(body, kind, field)


def _members(body: JsonObject, kind: type[msgspec.Struct], field: str) -> Iterator[Typo]:
    if kind is ObjectMeta or getattr(kind, "schema_marks", {}).get(ANYTHING):
        return
    known = _known(kind)
    for name, value in body.items():
        at = f"{field}.{name}" if field else name
        if name in known:
            yield from typos(value, known[name], at)
        else:
            near = difflib.get_close_matches(name, known, n=1)
            yield Typo(field=at, meant=near[0] if near else "")


@cache
def _known(kind: type[msgspec.Struct]) -> dict[str, object]:
    """The members of a type, each with its own type."""
    hints = get_type_hints(kind)
    return {each.encode_name: hints[each.name] for each in msgspec.structs.fields(kind)}
