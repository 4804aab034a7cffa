"""The gate in front of the aggregated API: is it the API server's aggregator that calls, and may its user do this?

The CA of the aggregator's client certificate is published in a ConfigMap and is rotated there. It is kept in a file,
because that is what a TLS context reloads: one in memory, since the container's file system is read-only.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kubevirt.api.core import ConfigMap
from kubevirt.api.resources import CONFIGMAPS
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.errors import ApiError
from kubevirt.kube.informer import Informer
from kubevirt.virt_api.authorization import access_review, is_open, user_from
from kubevirt.virt_api.replies import StatusError

log = logs.get("virt-api")

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"


class _Verdict(msgspec.Struct):
    allowed: bool = False
    reason: str = ""


class _Review(msgspec.Struct):
    status: _Verdict


class Aggregator:
    """What the cluster says of its aggregator; `ca_file` always holds its present CA once `start` has returned."""

    def __init__(self, client: Client) -> None:
        self._memory = os.memfd_create("aggregator-ca")
        self.ca_file = Path(f"/proc/self/fd/{self._memory}")
        self._allowed_names: frozenset[str] = frozenset()
        self._published = Informer(client, CONFIGMAPS, namespace=NAMESPACE, fields=f"metadata.name={NAME}")
        self._published.on_change(lambda _, now: self._take(now))

    async def start(self, tasks: Tasks) -> None:
        """Read the settings and follow their changes; Problem when the cluster has none."""
        self._published.start(tasks)
        await self._published.synced()
        if not self.ca_file.stat().st_size:
            raise Problem(
                field=f"ConfigMap {NAMESPACE}/{NAME}",
                cause="the cluster's aggregation layer is not enabled",
                remedy="start kube-apiserver with --requestheader-client-ca-file and --proxy-client-cert-file",
            )

    def _take(self, published: ConfigMap | None) -> None:
        ca = published.data.get("requestheader-client-ca-file", "") if published is not None else ""
        if published is None or not ca:
            return
        names = published.data.get("requestheader-allowed-names", "[]")
        self._allowed_names = frozenset(msgspec.json.decode(names, type=list[str]))
        self.ca_file.write_text(ca, encoding="ascii")

    def vouches(self, request: web.Request) -> bool:
        """Whether the connection carries the aggregator's certificate (TLS has verified who signed it)."""
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        if not certificate:
            return False
        names = {value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"}
        return not self._allowed_names or bool(names & self._allowed_names)


def gate(client: Client, aggregator: Aggregator) -> Middleware:
    """The middleware that lets a request to the aggregated API pass, or ends it with a Status."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/apis/") or is_open(request.path):
            return await handler(request)
        if not aggregator.vouches(request):
            raise StatusError(401, "request is not authenticated")
        user = user_from(request.headers, request.headers.getall("X-Remote-Group", []))
        await _must_be_allowed(client, access_review(user, request.method, request.path), user.name)
        return await handler(request)

    return check


async def _must_be_allowed(client: Client, review: JsonObject, user: str) -> None:
    """Ask the API server; StatusError 403 with its reason when the user may not."""
    try:
        answer = await client.raw("POST", REVIEWS, body=msgspec.json.encode(review))
    except ApiError as e:
        log.error("access review failed", e, user=user)
        raise StatusError(500, f"the access review could not be made: {e.message}") from e
    verdict = msgspec.json.decode(answer, type=_Review).status
    if not verdict.allowed:
        attributes = msgspec.convert(review["spec"], _Spec).resource_attributes
        raise StatusError(403, attributes.refusal(user, verdict.reason))


class _Attributes(msgspec.Struct):
    verb: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    group: str = ""

    def refusal(self, user: str, reason: str) -> str:
        """The established sentence of a refusal."""
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        text = (
            f'{self.resource}.{self.group} "{self.name}" is forbidden: User "{user}" cannot {self.verb} resource '
            f'"{resource}" in API group "{self.group}" in the namespace "{self.namespace}"'
        )
        return f"{text}: {reason}" if reason else text


class _Spec(msgspec.Struct, rename="camel"):
    resource_attributes: _Attributes
