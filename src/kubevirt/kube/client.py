"""The Kubernetes API, typed: verbs on resources, answers as the resources' own Structs.

    async with Client(load_access(), program="virt-controller") as client:
        vm = await client.get(VMS, "web", "shop")
        await client.patch(VMS, "web", "shop", Patch().test(...).replace(...).operations)

Requests are made by `requests`, sent by `transport`, decoded by `kubevirt.api.codec`; this module joins the three.
It keeps no state: caches are `informer`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TypeVar

import aiohttp
import msgspec

from kubevirt import __version__
from kubevirt.api import codec
from kubevirt.api.resources import Resource
from kubevirt.kit.json import JsonObject
from kubevirt.kube import requests
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.errors import Invalid, PatchOutdated, is_outdated_patch
from kubevirt.kube.metrics.measures import RequestMeasure
from kubevirt.kube.pages import Page, as_object, as_page
from kubevirt.kube.requests import PatchKind, Request, Selection
from kubevirt.kube.transport import Transport
from kubevirt.kube.watch import WatchEvent, events_in

T = TypeVar("T", bound=msgspec.Struct)

PAGE_SIZE = 500
# The API server sends a bookmark about once a minute, so a watch that is silent for this long hangs on a dead
# connection (a node or a load balancer that went away without a word). It is resumed, not listed anew.
WATCH_SILENCE_S = 150.0


class Client:
    """A connection to one API server. `program` becomes the user agent and the manager of the fields it writes."""

    def __init__(self, access: ClusterAccess, *, program: str = "kubevirt", measure: RequestMeasure | None = None
                 ) -> None:
        self.access = access
        self.program = program
        self._transport = Transport(access, user_agent=f"{program}/{__version__}", measure=measure)

    async def __aenter__(self) -> Client:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def get(self, res: Resource[T], name: str, namespace: str | None = None, *, subresource: str = "") -> T:
        """Raises NotFound."""
        return codec.decode(res.type_, await self._transport.send(requests.get(res, name, namespace, subresource)))

    async def list(self, res: Resource[T], namespace: str | None = None, *, labels: str = "", fields: str = "",
                   limit: int = 0) -> Sequence[T]:
        """All objects chosen, or the first `limit` of them."""
        chosen = Selection(namespace=namespace, labels=labels, fields=fields)
        if limit:
            return (await self.page(res, chosen, limit=limit)).items
        found: list[T] = []
        async for page in self.pages(res, chosen):
            found.extend(page.items)
        return found

    async def pages(self, res: Resource[T], chosen: Selection) -> AsyncIterator[Page[T]]:
        """A consistent list in pages, all of the resource version of the first. Raises Expired when read too slowly."""
        continue_ = ""
        while True:
            page = await self.page(res, chosen, limit=PAGE_SIZE, continue_=continue_)
            yield page
            continue_ = page.continue_
            if not continue_:
                return

    async def page(self, res: Resource[T], chosen: Selection, *, limit: int, continue_: str = "") -> Page[T]:
        body = await self._transport.send(requests.list_page(res, chosen, limit=limit, continue_=continue_))
        # Decoding a full page takes tens of milliseconds; between pages others get their turn.
        await asyncio.sleep(0)
        return as_page(res, body)

    async def watch(self, res: Resource[T], chosen: Selection, *, resource_version: str, timeout_s: int = 300
                    ) -> AsyncIterator[WatchEvent[T]]:
        """Changes after `resource_version`, until the server ends the watch. Raises Expired when that is too old."""
        request = requests.watch(res, chosen, resource_version=resource_version, timeout_s=timeout_s)
        async with self._transport.open(request, silence_timeout_s=WATCH_SILENCE_S) as response:
            async for event in events_in(res, response.content.iter_any()):
                yield event

    async def create(self, res: Resource[T], obj: T | JsonObject, namespace: str | None = None, *,
                     dry_run: bool = False) -> T:
        """The object as stored. Without `namespace` the object's own is used. Raises AlreadyExists, Invalid."""
        request = requests.create(res, obj, namespace or namespace_of(obj), manager=self.program, dry_run=dry_run)
        return codec.decode(res.type_, await self._transport.send(request))

    async def replace(self, res: Resource[T], obj: T | JsonObject, *, subresource: str = "", dry_run: bool = False
                      ) -> T:
        """Writes the whole object; only for kinds whose types are whole. Raises Conflict, NotFound."""
        request = requests.replace(res, obj, name_of(obj), namespace_of(obj), subresource=subresource,
                                   manager=self.program, dry_run=dry_run)
        return codec.decode(res.type_, await self._transport.send(request))

    async def replace_status(self, res: Resource[T], obj: T | JsonObject) -> T:
        return await self.replace(res, obj, subresource="status")

    async def patch(self, res: Resource[T], name: str, namespace: str | None,
                    change: Sequence[JsonObject] | JsonObject, kind: PatchKind = PatchKind.JSON, *,
                    subresource: str = "", dry_run: bool = False) -> T:
        """The object afterwards. A failed `test` of a JSON patch raises PatchOutdated, which is a Conflict."""
        request = requests.patch(res, name, namespace, change, kind=kind, subresource=subresource,
                                 manager=self.program, dry_run=dry_run)
        try:
            return codec.decode(res.type_, await self._transport.send(request))
        except Invalid as e:
            if kind is PatchKind.JSON and is_outdated_patch(e):
                raise PatchOutdated(status=e.status, reason=e.reason, details=e.details, message=(
                    f"the {res.kind} {name} has changed since the patch was made"
                )) from e
            raise

    async def apply(self, res: Resource[T], obj: T | JsonObject, *, dry_run: bool = False) -> T:
        """Server-side apply: creates or brings up to date, taking over fields that others have set."""
        request = requests.apply(res, obj, name_of(obj), namespace_of(obj), manager=self.program, dry_run=dry_run)
        return codec.decode(res.type_, await self._transport.send(request))

    async def delete(self, res: Resource[T], name: str, namespace: str | None = None, *, grace_s: int | None = None,
                     propagation: str | None = None, uid: str | None = None, resource_version: str | None = None,
                     dry_run: bool = False) -> T | None:
        """The object as it lingers (finalizers, grace period), or None where it is gone. Raises NotFound, Conflict."""
        request = requests.delete(res, name, namespace, grace_s=grace_s, propagation=propagation, uid=uid,
                                  resource_version=resource_version, dry_run=dry_run)
        return as_object(res, await self._transport.send(request))

    async def delete_collection(self, res: Resource[T], namespace: str | None = None, *, labels: str = "",
                                fields: str = "", propagation: str | None = None) -> None:
        chosen = Selection(namespace=namespace, labels=labels, fields=fields)
        await self._transport.send(requests.delete_collection(res, chosen, propagation=propagation))

    async def raw(self, method: str, path: str, *, body: bytes | None = None, content_type: str = "application/json",
                  query: Sequence[tuple[str, str]] = ()) -> bytes:
        """Any request to any path, for what has no resource: versions, sub-resources, reviews."""
        return await self._transport.send(
            Request(method=method, path=path, query=tuple(query), body=body, content_type=content_type)
        )

    def websocket(self, path: str, *, protocols: Sequence[str] = (), query: Sequence[tuple[str, str]] = ()
                  ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """`async with client.websocket(...) as socket`. A refused handshake raises the ApiError of its body."""
        return self._transport.websocket(path, protocols=protocols, query=query)


def name_of(obj: msgspec.Struct | JsonObject) -> str:
    return _in_metadata(obj, "name")


def namespace_of(obj: msgspec.Struct | JsonObject) -> str:
    """Empty where the object does not say."""
    return _in_metadata(obj, "namespace")


def _in_metadata(obj: msgspec.Struct | JsonObject, key: str) -> str:
    if isinstance(obj, msgspec.Struct):
        return str(getattr(getattr(obj, "metadata", None), key, "") or "")
    metadata = obj.get("metadata")
    return str(metadata.get(key) or "") if isinstance(metadata, dict) else ""
