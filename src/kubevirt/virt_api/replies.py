"""Answers in the API's own shape: errors as Status objects, refusals with the object they are about."""

from __future__ import annotations

from aiohttp import web

from kubevirt.kit.json import JsonObject

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class StatusError(Exception):
    """An error that reaches the client as a Status with this HTTP code and message."""

    def __init__(self, code: int, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def status_reply(code: int, message: str, details: JsonObject | None = None) -> web.Response:
    """A Status object as a response."""
    body: JsonObject = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": REASONS.get(code, "InternalError"),
        "code": code,
    }
    if details:
        body["details"] = details
    return web.json_response(body, status=code)


def conflict(kind: str, name: str, message: str) -> StatusError:
    """409 in the established wording, with the object in the details; `kind` is virtualmachine(instance)."""
    text = f'Operation cannot be fulfilled on {kind}.kubevirt.io "{name}": {message}'
    return StatusError(409, text, {"name": name, "group": "kubevirt.io", "kind": kind})


def not_found(kind: str, name: str) -> StatusError:
    """404 in the established wording."""
    text = f'{kind}.kubevirt.io "{name}" not found'
    return StatusError(404, text, {"name": name, "group": "kubevirt.io", "kind": kind})
