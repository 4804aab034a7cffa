"""What the API server says when it says no, as exceptions that can be told apart.

A refusal carries a `Status` object. Its reason picks the class here, its message is the cause that people read.
Network trouble is `Unreachable`: no answer at all, so nothing is known about whether the request took effect.
"""

from __future__ import annotations

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject


class StatusCause(msgspec.Struct, rename="camel", omit_defaults=True):
    """One reason among several, with the field it is about."""

    reason: str = ""
    message: str = ""
    field: str = ""


class StatusDetails(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a refusal is about."""

    name: str = ""
    group: str = ""
    kind: str = ""
    uid: str = ""
    causes: list[StatusCause] = []
    retry_after_seconds: int = 0


class Status(msgspec.Struct, rename="camel", omit_defaults=True):
    """metav1.Status, the body of every refusal (and of some successes)."""

    status: str = ""
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None
    code: int = 0


class ApiError(Problem):
    """The API server answered, and refused. `status` is the HTTP code, `reason` its one-word class."""

    def __init__(self, *, status: int, reason: str, message: str, details: StatusDetails | None = None,
                 retry_after_s: float | None = None, remedy: str = "") -> None:
        super().__init__(cause=message, remedy=remedy)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or StatusDetails()
        self.retry_after_s = retry_after_s
        self.plain: str | None = None
        """The body of an answer that was no Status object: some other server's than the API's."""

    def __reduce__(self) -> tuple[type[ApiError], tuple[()], JsonObject]:
        raise TypeError("errors of the API server are not meant to be pickled")


class NotFound(ApiError):
    """No such object (or no such path: `details.kind` is empty then)."""


class Conflict(ApiError):
    """The object has changed since it was read, or a precondition did not hold. Read again and decide again."""


class PatchOutdated(Conflict):
    """A `test` of a JSON patch failed, or a path it changes is gone: the object is not what the patch was made for."""


class AlreadyExists(ApiError):
    """An object of that name is there."""


class Invalid(ApiError):
    """The object breaks its schema, an admission rule or, for a JSON patch, one of its tests."""


class Forbidden(ApiError):
    """The account lacks the right, or a quota or policy is in the way."""


class Unauthorized(ApiError):
    """The credentials are missing, wrong or expired."""


class Expired(ApiError):
    """The resource version or continue token is too old to resume from: list again."""


class TooManyRequests(ApiError):
    """The server sheds load, or an eviction would break a disruption budget."""


class ServerTrouble(ApiError):
    """5xx: the server, a webhook or an aggregated API behind it failed. Usually passes."""


class Unreachable(Problem):
    """No answer: connection refused, reset, timed out, or not trusted."""


BY_REASON: dict[str, type[ApiError]] = {
    "NotFound": NotFound,
    "Conflict": Conflict,
    "AlreadyExists": AlreadyExists,
    "Invalid": Invalid,
    "Forbidden": Forbidden,
    "Unauthorized": Unauthorized,
    "Expired": Expired,
    "Gone": Expired,
    "TooManyRequests": TooManyRequests,
}

BY_STATUS: dict[int, tuple[type[ApiError], str]] = {
    401: (Unauthorized, "Unauthorized"),
    403: (Forbidden, "Forbidden"),
    404: (NotFound, "NotFound"),
    409: (Conflict, "Conflict"),
    410: (Expired, "Gone"),
    422: (Invalid, "Invalid"),
    429: (TooManyRequests, "TooManyRequests"),
}

OUTDATED_PATCH_MESSAGE = "the server rejected our request due to an error in our request"

_STATUS = msgspec.json.Decoder(Status)


def from_status(status: Status, *, http_status: int = 0, retry_after_s: float | None = None) -> ApiError:
    """The exception for a Status object: by its reason first, by its code where the reason says nothing."""
    code = status.code or http_status
    class_, usual_reason = BY_STATUS.get(code, (ServerTrouble if code >= 500 else ApiError, ""))
    class_ = BY_REASON.get(status.reason, class_)
    if retry_after_s is None and status.details and status.details.retry_after_seconds:
        retry_after_s = float(status.details.retry_after_seconds)
    return class_(
        status=code,
        reason=status.reason or usual_reason,
        message=status.message or f"the server answered with HTTP status {code} and no message",
        details=status.details,
        retry_after_s=retry_after_s,
    )


def is_outdated_patch(error: Invalid) -> bool:
    """Whether a 422 means that a JSON patch did not fit the object, rather than that its outcome is not valid.

    The server has no reason of its own for it: it answers with its sentence for anything odd, and says neither which
    object nor what is wrong. An invalid outcome, and a refusal by a webhook, always say at least one of these.
    """
    return not error.details.kind and error.message == OUTDATED_PATCH_MESSAGE


_NO_SUCH_PATH = "404 page not found"  # what the API server says of groups that it does not know


def from_response(http_status: int, body: bytes, *, retry_after: str = "") -> ApiError:
    """The exception for an HTTP answer of 400 and above, whatever its body is."""
    retry_after_s = float(retry_after) if retry_after.isdecimal() else None
    try:
        status = _STATUS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body[:1024].decode("utf-8", "replace").strip()
        if http_status == 404 and text == _NO_SUCH_PATH:
            text = "the server could not find the requested resource"  # as clients have always said it
        error = from_status(Status(code=http_status, message=text), http_status=http_status,
                            retry_after_s=retry_after_s)  # fmt: skip
        error.plain = text
        return error
    return from_status(status, http_status=http_status, retry_after_s=retry_after_s)
