"""Admission webhooks: AdmissionReview v1 in, an answer out (`kube.admission`), as an aiohttp handler of a function.

    async def validate(request: AdmissionRequest) -> AdmissionAnswer: ...
    app.router.add_post("/virtualmachines-validate", admission_handler(validate))

The bytes come from the network, so nothing in them is trusted: what is too large, not JSON or not a review gets a
4xx that says so, and a Refused from the function becomes a refusal with code 400.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from aiohttp import web

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem, Refused
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, answer_body, refuse_plainly, request_in

log = logs.get("webhook")

# The API server takes objects of up to 3 MiB; a review of an update holds two of them.
SIZE_LIMIT = 8 * 1024 * 1024

Decide = Callable[[AdmissionRequest], AdmissionAnswer | Awaitable[AdmissionAnswer]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def admission_handler(decide: Decide, *, size_limit: int = SIZE_LIMIT) -> Handler:
    """An aiohttp handler for POSTed reviews."""

    async def handle(http: web.Request) -> web.StreamResponse:
        if http.content_type != "application/json":
            return _rejected(415, f"content type {http.content_type}, expect application/json")
        if (http.content_length or 0) > size_limit:
            return _rejected(413, f"the review is larger than {size_limit} bytes")
        body = await _read(http, size_limit)
        if body is None:
            return _rejected(413, f"the review is larger than {size_limit} bytes")
        try:
            request = request_in(body)
        except Refused as e:
            return _rejected(400, str(e))
        return web.Response(body=await answered(decide, request), content_type="application/json")

    return handle


async def answered(decide: Decide, request: AdmissionRequest) -> bytes:
    """The review to send back; whatever stands in the way of a decision is a refusal."""
    try:
        deciding = decide(request)
        decided = await deciding if inspect.isawaitable(deciding) else deciding
    except Problem as e:
        log.info("a request is refused", name=f"{request.namespace}/{request.name}", cause=str(e))
        decided = refuse_plainly(str(e))
    except RecursionError:
        decided = refuse_plainly("the object is nested too deeply; send a Kubernetes object")
    return answer_body(request, decided)


async def _read(http: web.Request, limit: int) -> bytes | None:
    """The body, or None when it exceeds the limit (a length that a chunked body does not announce)."""
    body = bytearray()
    async for chunk in http.content.iter_any():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _rejected(status: int, message: str) -> web.Response:
    return web.Response(status=status, text=message + "\n")
