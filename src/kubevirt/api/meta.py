"""What all Kubernetes objects have in common: metadata, owners, conditions, label selectors.

`managedFields` is left out on purpose: it is often larger than the rest of an object, and nobody here reads it. Objects
are patched, never replaced with a copy that lost it.
"""

from typing import Annotated, ClassVar

from kubevirt.api.base import MAP_ATOMIC, Api, Atomic, Int64, Marks, Nullable, Time, required


class OwnerReference(Api):
    """An object on whose existence this one depends."""

    api_version: str = required(str)
    kind: str = required(str)
    name: str = required(str)
    uid: str = required(str)
    controller: bool | None = None
    """Whether the owner manages this object; at most one owner does."""
    block_owner_deletion: bool | None = None
    """Whether the owner's foreground deletion waits for this object."""


class ObjectMeta(Api):
    """Identity, labels and life of an object."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: Int64 = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: Int64 | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []
    finalizers: list[str] = []

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages the object."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class Condition(Api):
    """One aspect of an object's state. `status` is ``True``, ``False`` or ``Unknown``."""

    type: str = required(str)
    """Name of the aspect."""
    status: str = required(str)
    """``True``, ``False`` or ``Unknown``."""
    reason: str = ""
    """Why, as one word for programs."""
    message: str = ""
    """Why, as a sentence for people."""
    last_probe_time: Annotated[Time | None, Nullable] = None
    """When it was last looked at."""
    last_transition_time: Annotated[Time | None, Nullable] = None
    """When `status` last changed."""


class LabelSelectorRequirement(Api):
    """One condition on labels: a key, an operator and the values it compares with."""

    key: str = required(str)
    """The label."""
    operator: str = required(str)
    """``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``."""
    values: Annotated[list[str], Atomic] = []
    """The values of ``In`` and ``NotIn``; empty otherwise."""


class LabelSelector(Api):
    """Chooses objects by their labels; all conditions must hold. An empty selector chooses everything."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    match_labels: dict[str, str] = {}
    """Labels and the values they must have."""
    match_expressions: Annotated[list[LabelSelectorRequirement], Atomic] = []
    """Further conditions."""
