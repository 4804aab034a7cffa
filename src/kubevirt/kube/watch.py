"""The stream of a watch: chunks of bytes in, typed events out.

Events come as one JSON object a line. Lines may be megabytes long and arrive in any pieces, so they are put together
here (a stream reader's own line limit is far below what one object may weigh).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from kubevirt.api import codec
from kubevirt.api.resources import Resource
from kubevirt.kit.errors import Problem
from kubevirt.kube.errors import Status, from_status
from kubevirt.kube.pages import header_of

T = TypeVar("T", bound=msgspec.Struct)


class Change(Enum):
    """What a watch event says. BOOKMARK only moves the resource version on."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, kw_only=True)
class WatchEvent(Generic[T]):
    """`obj` is None for bookmarks and for objects that their type cannot hold (`problem` then says why)."""

    change: Change
    resource_version: str
    obj: T | None = None
    problem: Problem | None = None


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)
_STATUS = msgspec.json.Decoder(Status)


async def events_in(res: Resource[T], chunks: AsyncIterator[bytes]) -> AsyncIterator[WatchEvent[T]]:
    """Raises the ApiError that an ERROR event stands for (Expired, mostly)."""
    async for line in lines_in(chunks):
        yield event_of(res, line)


async def lines_in(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines; a last one that the stream's end cut short is dropped, as it is no JSON."""
    pending = bytearray()
    async for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if pending:
                pending += chunk[start:end]
                yield bytes(pending)
                pending.clear()
            elif end > start:
                yield chunk[start:end]
            start = end + 1
        pending += chunk[start:]


def event_of(res: Resource[T], line: bytes) -> WatchEvent[T]:
    try:
        event = _LINE.decode(line)
    except msgspec.DecodeError as e:
        raise Problem(
            cause=f"the watch of {res.plural} sent something that is no watch event: {line[:200]!r}",
            remedy="check that the server's address leads to a Kubernetes API server",
        ) from e
    if event.type == "ERROR":
        raise from_status(_STATUS.decode(event.object))
    body = bytes(event.object)
    header = header_of(body)
    change = Change(event.type)
    if change is Change.BOOKMARK:
        return WatchEvent(change=change, resource_version=header.metadata.resource_version)
    try:
        obj = codec.decode(res.type_, body)
    except Problem as e:
        return WatchEvent(change=change, resource_version=header.metadata.resource_version, problem=e)
    return WatchEvent(change=change, resource_version=header.metadata.resource_version, obj=obj)
