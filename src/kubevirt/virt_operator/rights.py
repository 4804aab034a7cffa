"""What rights are made of: a rule with its reason, and a program's account that has them. The tables are in `rbac`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubevirt.kit.json import Json, JsonObject

RBAC = "rbac.authorization.k8s.io/v1"
READ = ("get", "list", "watch")
CACHE = ("list", "watch")
"""What a cache of all objects of a kind needs."""


def rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...], names: tuple[str, ...] = ()) -> JsonObject:
    """One RBAC rule."""
    content: JsonObject = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    if names:
        content["resourceNames"] = list(names)
    return content


@dataclass(frozen=True, kw_only=True)
class Right:
    """One rule and its reason. `seldom` says on which occasion it is used, where an ordinary day may not bring it."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    because: str
    seldom: str = ""

    @property
    def as_rule(self) -> JsonObject:
        """As RBAC has it."""
        return rule(self.group, self.resources, self.verbs)

    @property
    def atoms(self) -> Iterator[tuple[str, str, str]]:
        """(group, resource, verb): the smallest rights that this one consists of."""
        return ((self.group, resource, verb) for resource in self.resources for verb in self.verbs)


def right(group: str, resources: Iterable[str], verbs: Iterable[str], *, because: str, seldom: str = "") -> Right:
    """A row of the tables below."""
    return Right(group=group, resources=tuple(resources), verbs=tuple(verbs), because=because, seldom=seldom)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A program's account and its rights. `borrowed`: roles of Kubernetes in kube-system that it is bound to."""

    name: str
    program: str
    cluster: tuple[Right, ...]
    own_namespace: tuple[Right, ...]
    borrowed: tuple[str, ...] = ()


def binding(kind: str, name: str, role_kind: str, role: str, subjects: list[Json], *, namespace: str = ""
            ) -> JsonObject:
    """A RoleBinding or ClusterRoleBinding."""
    metadata: JsonObject = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
        "subjects": subjects,
    }
