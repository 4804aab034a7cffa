"""API requests as data: which verb on which resource becomes which method, path, query and body.

Nothing here knows sockets, so all of it is tested as tables; `transport` carries a `Request` to a server.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from kubevirt.api import codec
from kubevirt.api.resources import Resource
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject

Query = tuple[tuple[str, str], ...]
AnyResource = Resource[msgspec.Struct]


class PatchKind(enum.Enum):
    """How a patch body is meant; the value is its content type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request, ready to be sent to any API server."""

    method: str
    path: str
    query: Query = ()
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Query = ()


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which objects of a resource: a namespace (all if None) and label and field selectors."""

    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    def query(self) -> Query:
        chosen = (("labelSelector", self.labels), ("fieldSelector", self.fields))
        return tuple((key, value) for key, value in chosen if value)


def collection_path(res: AnyResource, namespace: str | None) -> str:
    """`/api/v1/namespaces/a/pods`, `/apis/kubevirt.io/v1/virtualmachines`."""
    root = res.base_path
    if namespace and res.namespaced:
        return f"{root}/namespaces/{quote(namespace, safe='')}/{res.plural}"
    return f"{root}/{res.plural}"


def object_path(res: AnyResource, name: str, namespace: str | None, subresource: str = "") -> str:
    """The path of one object. A namespaced one needs its namespace, and every one a name: else Refused."""
    if not name:
        raise Refused(cause=f"the name of the {res.kind} is empty", remedy="give the object's name")
    if res.namespaced and not namespace:
        raise Refused(cause=f"{res.kind} {name} is asked for without a namespace", remedy="give its namespace")
    path = f"{collection_path(res, namespace)}/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path


def get(res: AnyResource, name: str, namespace: str | None, subresource: str = "") -> Request:
    return Request(method="GET", path=object_path(res, name, namespace, subresource))


def list_page(res: AnyResource, chosen: Selection, *, limit: int = 0, continue_: str = "") -> Request:
    """A page of a consistent list (no resourceVersion: never older than the request)."""
    query = chosen.query()
    if limit:
        query += (("limit", str(limit)),)
    if continue_:
        query += (("continue", continue_),)
    return Request(method="GET", path=collection_path(res, chosen.namespace), query=query)


def watch(res: AnyResource, chosen: Selection, *, resource_version: str, timeout_s: int) -> Request:
    """Everything after `resource_version`, with bookmarks; the server ends it after `timeout_s`."""
    query = (
        *chosen.query(),
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("resourceVersion", resource_version),
        ("timeoutSeconds", str(timeout_s)),
    )
    return Request(method="GET", path=collection_path(res, chosen.namespace), query=query)


def create(res: AnyResource, obj: msgspec.Struct | JsonObject, namespace: str | None, *, manager: str = "",
           dry_run: bool = False) -> Request:
    body = body_of(obj, res)
    if res.namespaced and not namespace:
        raise Refused(cause=f"a {res.kind} is to be created without a namespace", remedy="give its namespace")
    return Request(method="POST", path=collection_path(res, namespace), query=_options(manager, dry_run), body=body)


def replace(res: AnyResource, obj: msgspec.Struct | JsonObject, name: str, namespace: str | None, *,
            subresource: str = "", manager: str = "", dry_run: bool = False) -> Request:
    return Request(
        method="PUT",
        path=object_path(res, name, namespace, subresource),
        query=_options(manager, dry_run),
        body=body_of(obj, res),
    )


def patch(res: AnyResource, name: str, namespace: str | None, change: Sequence[JsonObject] | JsonObject, *,
          kind: PatchKind = PatchKind.JSON, subresource: str = "", manager: str = "", dry_run: bool = False
          ) -> Request:
    return Request(
        method="PATCH",
        path=object_path(res, name, namespace, subresource),
        query=_options(manager, dry_run),
        body=msgspec.json.encode(change),
        content_type=kind.value,
    )


def apply(res: AnyResource, obj: msgspec.Struct | JsonObject, name: str, namespace: str | None, *, manager: str,
          subresource: str = "", dry_run: bool = False) -> Request:
    """Server-side apply of the whole object, taking over the fields of other managers (`force`)."""
    return Request(
        method="PATCH",
        path=object_path(res, name, namespace, subresource),
        query=(*_options(manager, dry_run), ("force", "true")),
        body=body_of(obj, res),
        content_type=PatchKind.APPLY.value,
    )


def delete(res: AnyResource, name: str, namespace: str | None, *, grace_s: int | None = None,
           propagation: str | None = None, uid: str | None = None, resource_version: str | None = None,
           dry_run: bool = False) -> Request:
    """`propagation`: Foreground, Background or Orphan. `uid`, `resource_version`: delete only that very object."""
    options: JsonObject = {}
    preconditions: JsonObject = {}
    if uid:
        preconditions["uid"] = uid
    if resource_version:
        preconditions["resourceVersion"] = resource_version
    if preconditions:
        options["preconditions"] = preconditions
    if grace_s is not None:
        options["gracePeriodSeconds"] = grace_s
    if propagation:
        options["propagationPolicy"] = propagation
    if dry_run:
        options["dryRun"] = ["All"]
    body: bytes | None = None
    if options:
        body = msgspec.json.encode({"kind": "DeleteOptions", "apiVersion": "v1", **options})
    return Request(method="DELETE", path=object_path(res, name, namespace), body=body)


def delete_collection(res: AnyResource, chosen: Selection, *, propagation: str | None = None) -> Request:
    query = chosen.query()
    if propagation:
        query += (("propagationPolicy", propagation),)
    return Request(method="DELETE", path=collection_path(res, chosen.namespace), query=query)


def body_of(obj: msgspec.Struct | JsonObject, res: AnyResource) -> bytes:
    """The object as JSON that names its kind, which items of lists and freshly made objects may leave out."""
    content: Json = codec.to_builtins(obj) if isinstance(obj, msgspec.Struct) else obj
    if not isinstance(content, dict):
        raise Refused(cause=f"a {res.kind} must be a JSON object", remedy="send an object with metadata")
    kinds: JsonObject = {"apiVersion": res.api_version, "kind": res.kind}
    return msgspec.json.encode({**kinds, **content})


def _options(manager: str, dry_run: bool) -> Query:
    query: Query = (("fieldManager", manager),) if manager else ()
    return (*query, ("dryRun", "All")) if dry_run else query
