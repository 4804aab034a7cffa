"""AdmissionReview v1 as data: what the API server asks before it stores an object, and what it is answered.

Pure: bytes in, a request out; an answer in, bytes out. `kube.webhooks` serves it. The bytes come from the network, so
nothing in them is trusted.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from kubevirt.api import codec
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject

T = TypeVar("T")

# A manifest with ten thousand faults is answered in kilobytes, not megabytes.
MOST_CAUSES = 100


class Cause(Protocol):
    """One reason for a refusal (kubevirt.api.validation has the real ones)."""

    @property
    def reason(self) -> str: ...

    @property
    def field(self) -> str: ...

    @property
    def message(self) -> str: ...


class GroupVersionKind(msgspec.Struct):
    group: str = ""
    version: str = ""
    kind: str = ""


class GroupVersionResource(msgspec.Struct):
    group: str = ""
    version: str = ""
    resource: str = ""


class UserInfo(msgspec.Struct):
    """Who asks. `extra` holds, for service accounts, the pod and node it asks from."""

    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str]] | None = None


class AdmissionRequest(msgspec.Struct, rename="camel", kw_only=True):
    """What someone wants to do to an object. `object` is absent on DELETE, `old_object` on CREATE."""

    uid: str
    kind: GroupVersionKind = msgspec.field(default_factory=GroupVersionKind)
    resource: GroupVersionResource = msgspec.field(default_factory=GroupVersionResource)
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    operation: str = ""
    user_info: UserInfo = msgspec.field(default_factory=UserInfo)
    raw_object: msgspec.Raw = msgspec.field(name="object", default_factory=msgspec.Raw)
    raw_old_object: msgspec.Raw = msgspec.field(name="oldObject", default_factory=msgspec.Raw)
    dry_run: bool | None = None

    def object_as(self, type_: type[T]) -> T:
        """The object after the change. Raises Problem, naming the field that cannot be read."""
        return _typed(self.raw_object, type_, "object")

    def old_object_as(self, type_: type[T]) -> T:
        """The object before the change."""
        return _typed(self.raw_old_object, type_, "oldObject")

    def object_json(self) -> JsonObject:
        """The object as it was sent, with members that the types do not know; for making patches."""
        return _typed(self.raw_object, dict[str, Json], "object")

    @property
    def has_object(self) -> bool:
        return _is_given(self.raw_object)

    @property
    def has_old_object(self) -> bool:
        return _is_given(self.raw_old_object)


class _Review(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    request: AdmissionRequest | None = None


@dataclass(frozen=True, kw_only=True)
class AdmissionAnswer:
    """The answer. Make it with `allow`, `refuse` or `refuse_plainly`."""

    allowed: bool
    message: str = ""
    code: int = 0
    reason: str = ""
    causes: tuple[Cause, ...] = ()
    warnings: tuple[str, ...] = ()
    patch: tuple[JsonObject, ...] = ()


def allow(*, patch: Sequence[JsonObject] = (), warnings: Sequence[str] = ()) -> AdmissionAnswer:
    """Yes; with `patch` (JSON patch operations), as changed by it."""
    return AdmissionAnswer(allowed=True, patch=tuple(patch), warnings=tuple(warnings))


def refuse(causes: Sequence[Cause], *, warnings: Sequence[str] = ()) -> AdmissionAnswer:
    """No, for these reasons: 422 Invalid, the message being all of theirs, as far as anybody would read them."""
    told = causes[:MOST_CAUSES]
    more = f", and {len(causes) - len(told)} more" if len(causes) > len(told) else ""
    return AdmissionAnswer(
        allowed=False,
        code=422,
        reason="Invalid",
        message=", ".join(cause.message for cause in told) + more,
        causes=tuple(told),
        warnings=tuple(warnings[:MOST_CAUSES]),
    )


def answer(causes: Sequence[Cause], *, warnings: Sequence[str] = ()) -> AdmissionAnswer:
    """Yes where there are no causes against it, else no."""
    return refuse(causes, warnings=warnings) if causes else allow(warnings=warnings)


def refuse_plainly(message: str, *, code: int = 400, reason: str = "") -> AdmissionAnswer:
    """No, without causes: errors that are about no field."""
    return AdmissionAnswer(allowed=False, code=code, message=message, reason=reason)


_REVIEW = msgspec.json.Decoder(_Review)


def request_in(body: bytes) -> AdmissionRequest:
    """The request of a review. Raises Refused for everything that is not one."""
    remedy = "send an AdmissionReview of admission.k8s.io/v1 with a request"
    try:
        review = _REVIEW.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Refused(cause=f"the body is no AdmissionReview ({e})", remedy=remedy) from e
    if review.kind != "AdmissionReview" or review.api_version != "admission.k8s.io/v1":
        raise Refused(cause=f"the body is a {review.kind or 'thing'} of {review.api_version or 'no version'}",
                      remedy=remedy)
    if review.request is None or not review.request.uid:
        raise Refused(cause="the review holds no request, or one without uid", remedy=remedy)
    return review.request


def answer_body(request: AdmissionRequest, answer: AdmissionAnswer) -> bytes:
    """The review to send back."""
    response: JsonObject = {"uid": request.uid, "allowed": answer.allowed}
    if not answer.allowed:
        response["status"] = _status(answer)
    if answer.warnings:
        response["warnings"] = list(answer.warnings)
    if answer.allowed and answer.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(msgspec.json.encode(answer.patch)).decode()
    return msgspec.json.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})


def _status(answer: AdmissionAnswer) -> JsonObject:
    status: JsonObject = {"status": "Failure", "message": answer.message, "code": answer.code}
    if answer.reason:
        status["reason"] = answer.reason
    if answer.causes:
        causes: list[Json] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in answer.causes]
        status["details"] = {"causes": causes}
    return status


def _typed(raw: msgspec.Raw, type_: type[T], what: str) -> T:
    if not _is_given(raw):
        raise Refused(cause=f"the review holds no {what}", remedy="register the webhook for operations that have one")
    try:
        return codec.decode(type_, bytes(raw))
    except RecursionError as e:
        raise Refused(cause=f"the {what} is nested too deeply", remedy="send a Kubernetes object") from e


def _is_given(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"", b"null")
