"""Answers of the API server into Structs: pages of lists, and answers that may be an object or a Status.

Lists are decoded straight into the items' type, without dicts in between: with ten thousand objects that decides
the memory of a controller. An item that its type cannot hold does not take the other items with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from kubevirt.api import codec
from kubevirt.api.resources import Resource
from kubevirt.kit.errors import Problem

T = TypeVar("T", bound=msgspec.Struct)


class _PageMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")


class _Envelope(msgspec.Struct, Generic[T]):
    metadata: _PageMeta = msgspec.field(default_factory=_PageMeta)
    items: list[T] | None = None


class _RawEnvelope(msgspec.Struct):
    metadata: _PageMeta = msgspec.field(default_factory=_PageMeta)
    items: list[msgspec.Raw] | None = None


class _ObjectMeta(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class Header(msgspec.Struct, rename="camel"):
    """The little that every object has, whatever its kind."""

    kind: str = ""
    metadata: _ObjectMeta = msgspec.field(default_factory=_ObjectMeta)


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list. `continue_` is empty on the last one; `unreadable` tells of items that were left out."""

    items: list[T]
    resource_version: str
    continue_: str = ""
    unreadable: tuple[Problem, ...] = ()


_HEADER = msgspec.json.Decoder(Header)
_RAW_ENVELOPE = msgspec.json.Decoder(_RawEnvelope)


@lru_cache(maxsize=64)
def _envelope_type(item: type[T]) -> type[_Envelope[T]]:
    return _Envelope[item]  # type: ignore[valid-type]  # a type made at run time, for msgspec


def as_page(res: Resource[T], body: bytes) -> Page[T]:
    try:
        envelope = codec.decode(_envelope_type(res.type_), body)
    except Problem:
        return _item_by_item(res, body)
    return Page(
        items=envelope.items or [],
        resource_version=envelope.metadata.resource_version,
        continue_=envelope.metadata.continue_,
    )


def _item_by_item(res: Resource[T], body: bytes) -> Page[T]:
    envelope = _RAW_ENVELOPE.decode(body)
    items: list[T] = []
    unreadable: list[Problem] = []
    for raw in envelope.items or []:
        try:
            items.append(codec.decode(res.type_, bytes(raw)))
        except Problem as e:
            unreadable.append(_named(res, bytes(raw), e))
    return Page(
        items=items,
        resource_version=envelope.metadata.resource_version,
        continue_=envelope.metadata.continue_,
        unreadable=tuple(unreadable),
    )


def as_object(res: Resource[T], body: bytes) -> T | None:
    """The answer to a deletion: the object while it lingers, None for a Status."""
    if header_of(body).kind == "Status":
        return None
    return codec.decode(res.type_, body)


def header_of(body: bytes) -> Header:
    return _HEADER.decode(body)


def _named(res: Resource[T], body: bytes, problem: Problem) -> Problem:
    meta = header_of(body).metadata
    return Problem(cause=f"{res.kind} {meta.namespace}/{meta.name} cannot be read: {problem}", field=problem.field)
