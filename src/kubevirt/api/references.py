"""Kubernetes' own small types that our API embeds, once for all kinds."""

from typing import Annotated, ClassVar

from kubevirt.api.base import MAP_ATOMIC, Api, Atomic, Int32, Marks, marks, present, required
from kubevirt.kit.quantity import Quantity


class LocalObjectReference(Api):
    """Names an object of the same namespace."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    name: Annotated[str | None, marks(default="")] = None
    """Name of the object."""


class PodDNSConfigOption(Api):
    """One resolver option."""

    name: str | None = None
    """The option, as in resolv.conf."""
    value: str | None = None
    """Its value, where it has one."""


class PodDNSConfig(Api):
    """Resolver settings in addition to, or instead of, those of the DNS policy."""

    nameservers: Annotated[list[str], Atomic] = []
    """Addresses of name servers, three at most in all."""
    options: Annotated[list[PodDNSConfigOption], Atomic] = []
    """Options of the resolver."""
    searches: Annotated[list[str], Atomic] = []
    """Domains in which short names are looked up."""


class PodResourceClaim(Api):
    """A dynamic resource claim the launcher pod refers to."""

    name: str = required(str)
    """What the machine's devices call it."""
    resource_claim_name: str | None = None
    """A claim that exists."""
    resource_claim_template_name: str | None = None
    """A template from which a claim of its own is made for the pod."""


class ObjectFieldSelector(Api):
    """Chooses a field of an object."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    api_version: str | None = None
    """Version of the API that the path belongs to. The default is v1."""
    field_path: str = required(str)
    """Path of the field, such as metadata.labels."""


class ResourceFieldSelector(Api):
    """Chooses a resource amount of a container."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    container_name: str | None = None
    """The container, where it is not this one."""
    divisor: Quantity = present(Quantity)
    """Unit of the amount that is written: 1, 1Mi, 1m... The default is 1."""
    resource: str = required(str)
    """The amount: limits.cpu, limits.memory, requests.cpu, requests.memory."""


class DownwardAPIVolumeFile(Api):
    """One file filled from the object's own fields."""

    field_ref: ObjectFieldSelector | None = None
    """A field of the object: its name, namespace, uid, labels or annotations."""
    mode: Int32 | None = None
    """Permission bits of the file."""
    path: str = required(str)
    """Path of the file within the volume."""
    resource_field_ref: ResourceFieldSelector | None = None
    """A resource amount of a container."""


class TypedLocalObjectReference(Api):
    """Names an object of the same namespace together with its kind."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    api_group: str | None = None
    """Its API group; Kubernetes' core where unset."""
    kind: str = required(str)
    """Its kind."""
    name: str = required(str)
    """Its name."""


class TypedObjectReference(Api):
    """Names an object together with its kind, possibly in another namespace."""

    api_group: str | None = None
    """Its API group; Kubernetes' core where unset."""
    kind: str = required(str)
    """Its kind."""
    name: str = required(str)
    """Its name."""
    namespace: str | None = None
    """Its namespace; the same one where unset."""


class VolumeResourceRequirements(Api):
    """Amounts of resources: what is reserved and what may not be exceeded."""

    limits: dict[str, Quantity] = {}
    """What may not be exceeded."""
    requests: dict[str, Quantity] = {}
    """What is reserved; `storage` is the size, in bytes."""
