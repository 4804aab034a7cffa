"""Asking the API server whether somebody may do something."""

from kubevirt.api.base import Api, constant, present
from kubevirt.api.meta import ObjectMeta


class ResourceAttributes(Api):
    """A request for an object, whose permission is asked."""

    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""


class SubjectAccessReviewSpec(Api):
    """Who wants to do what."""

    user: str = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    uid: str = ""
    resource_attributes: ResourceAttributes | None = None


class SubjectAccessReviewStatus(Api):
    """Whether they may."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class SubjectAccessReview(Api):
    """Asks whether a user may do something."""

    api_version: str = constant("authorization.k8s.io/v1")
    kind: str = constant("SubjectAccessReview")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: SubjectAccessReviewSpec = present(SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = present(SubjectAccessReviewStatus)
