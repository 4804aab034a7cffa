"""Who may use a sub-resource: the API server vouches for the user, a SubjectAccessReview says whether it may.

The aggregator authenticates users, then calls here with its own client certificate and the user's name in headers. So
the certificate is checked against the CA and names that the cluster publishes for exactly that purpose
(`extension-apiserver- authentication` in kube-system), and the headers are believed only then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_api.replies import StatusError

GROUP = "subresources.kubevirt.io"
VERBS = {"GET": "get", "PUT": "update", "POST": "create", "PATCH": "patch", "DELETE": "delete"}
OPEN_PATHS = re.compile(
    rf"/|/apis|/healthz|/openapi/v[23](/.*)?|/(start|stop|dump)-profiler|/apis/{re.escape(GROUP)}/?"
    rf"|/apis/{re.escape(GROUP)}/[^/]+(/(version|guestfs|healthz|(start|stop|dump)-cluster-profiler))?/?"
)
NAMESPACED = re.compile(
    rf"/apis/{re.escape(GROUP)}/(?P<version>[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<resource>[^/]+)"
    r"(/(?P<name>[^/]+)(/(?P<subresource>.+))?)?"
)
RESOURCES = frozenset({"virtualmachines", "virtualmachineinstances", "expand-vm-spec"})


@dataclass(frozen=True, kw_only=True)
class User:
    """The user that the aggregator names."""

    name: str
    groups: tuple[str, ...]
    extra: dict[str, list[str]] = field(default_factory=dict)


def is_open(path: str) -> bool:
    """Whether anybody may read this path: discovery, health and version."""
    return OPEN_PATHS.fullmatch(path) is not None


def user_from(headers: Mapping[str, str], groups: list[str]) -> User:
    """The user in the aggregator's headers; StatusError 401 when they are incomplete."""
    name = headers.get("X-Remote-User", "")
    if not name:
        raise StatusError(401, "a valid user header is required for authorization")
    if not groups:
        raise StatusError(401, "a valid group header is required for authorization")
    prefix = "x-remote-extra-"
    extra: dict[str, list[str]] = {}
    for name_, value in headers.items():  # a key comes again for each of its values
        if name_.lower().startswith(prefix):
            extra.setdefault(unquote(name_.lower().removeprefix(prefix)), []).append(value)
    return User(name=name, groups=tuple(groups), extra=extra)


def access_review(user: User, method: str, path: str) -> JsonObject:
    """The SubjectAccessReview for a request; StatusError 403 for a path that names nothing known."""
    match = NAMESPACED.fullmatch(path)
    if match is None:
        raise StatusError(403, f"unknown api endpoint: {path}")
    if match["resource"] not in RESOURCES:
        raise StatusError(403, f"unknown resource type {match['resource']}")
    name, subresource = match["name"] or "", match["subresource"] or ""
    if subresource.startswith("portforward/"):
        subresource = "portforward"
    verb = VERBS.get(method)
    if verb is None:
        raise StatusError(403, f"unknown verb: {method}")
    attributes: JsonObject = {
        "group": GROUP,
        "version": match["version"],
        "namespace": match["namespace"],
        "resource": match["resource"],
        "subresource": subresource,
        "name": name,
        "verb": "list" if verb == "get" and not name else verb,
    }
    extra: dict[str, Json] = {key: list(values) for key, values in user.extra.items()}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.name,
            "groups": list(user.groups),
            "extra": extra,
            "resourceAttributes": attributes,
        },
    }
