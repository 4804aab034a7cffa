"""What makes up a CustomResourceDefinition beside the schema."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; priority 1 shows it with ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Scale:
    """Paths of the scale sub-resource."""

    selector: str
    spec: str = ".spec.replicas"
    status: str = ".status.replicas"


@dataclass(frozen=True)
class Version:
    """A served version; exactly one of a kind is the stored one."""

    name: str
    stored: bool = False
    deprecation: str | None = None
    """Not None: deprecated. The text is the warning clients get; empty means Kubernetes' own wording."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """All that makes up a kind's CustomResourceDefinition."""

    type_: type[msgspec.Struct]
    plural: str
    short: tuple[str, ...] = ()
    group: str = "kubevirt.io"
    singular: str = ""
    """Empty: the kind in lower case."""
    list_kind: str = ""
    """Empty: left to the API server."""
    versions: tuple[Version, ...]
    columns: tuple[Column, ...] = ()
    status: bool = False
    scale: Scale | None = None
    cluster_scoped: bool = False
    categories: tuple[str, ...] = ("all",)
    label: str = "kubevirt.io"
