"""The rights of the add-on's own programs, verb by verb: what each of them does, and nothing else.

The rights that users get are `user_roles`'. Every program has an account of its own; a ClusterRole for what it does in
all namespaces and a Role for what it does in the installation's.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.api.names import GROUP
from kubevirt.kit.json import Json, JsonObject

RBAC = "rbac.authorization.k8s.io/v1"
READ = ("get", "list", "watch")


def rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...], names: tuple[str, ...] = ()) -> JsonObject:
    """One RBAC rule."""
    content: JsonObject = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    if names:
        content["resourceNames"] = list(names)
    return content


@dataclass(frozen=True, kw_only=True)
class Account:
    """A program's account and its rights. `borrowed`: roles of Kubernetes in kube-system that it is bound to."""

    name: str
    cluster: tuple[JsonObject, ...]
    own_namespace: tuple[JsonObject, ...]
    borrowed: tuple[str, ...] = ()


API_ACCOUNT = Account(
    name="kubevirt-apiserver",
    cluster=(
        # Who may use a sub-resource is the API server's to say.
        rule("authorization.k8s.io", ("subjectaccessreviews",), ("create",)),
        rule(GROUP, ("kubevirts",), READ),
        rule(GROUP, ("virtualmachines", "virtualmachineinstances"), ("get", "list", "watch", "patch")),
        rule(GROUP, ("virtualmachines/status",), ("patch",)),
        rule("", ("namespaces", "persistentvolumeclaims"), ("get",)),
        # Whether what is asked for is under way already, and whether machines are in the way of a removal.
        rule(GROUP, ("virtualmachineinstancemigrations", "virtualmachineinstancereplicasets"), ("list",)),
        rule("snapshot.kubevirt.io", ("virtualmachinerestores",), ("list",)),
        rule("snapshot.kubevirt.io", ("virtualmachinesnapshots", "virtualmachinesnapshotcontents"), ("get",)),
        rule("backup.kubevirt.io", ("virtualmachinebackups",), ("list",)),
    ),
    own_namespace=(rule("", ("pods",), READ),),
    # The certificate authority and names of the aggregating API server.
    borrowed=("extension-apiserver-authentication-reader",),
)

CONTROLLER_ACCOUNT = Account(
    name="kubevirt-controller",
    cluster=(
        rule(GROUP, ("kubevirts",), READ),
        rule(GROUP, ("virtualmachines", "virtualmachineinstancereplicasets"), (*READ, "patch", "update")),
        rule(GROUP, ("virtualmachines/status", "virtualmachineinstancereplicasets/status"), ("patch", "update")),
        rule(GROUP, ("virtualmachineinstances",), (*READ, "create", "patch", "update", "delete")),
        # Pools make machines, delete them, and take disks that are to stay out of their hands.
        rule("pool.kubevirt.io", ("virtualmachinepools",), (*READ, "patch")),
        rule("pool.kubevirt.io", ("virtualmachinepools/status",), ("patch",)),
        rule("pool.kubevirt.io", ("virtualmachinepools/finalizers",), ("update",)),
        rule(GROUP, ("virtualmachines",), ("create", "delete")),
        rule("", ("persistentvolumeclaims",), ("patch",)),
        rule("cdi.kubevirt.io", ("datavolumes",), ("get", "patch")),
        # Owner references that block their owner's deletion need this right on the owner.
        rule(GROUP, ("virtualmachines/finalizers", "virtualmachineinstances/finalizers",
                     "virtualmachineinstancereplicasets/finalizers"), ("update",)),
        rule("", ("pods",), (*READ, "create", "patch", "delete")),
        rule("", ("pods/status",), ("patch",)),
        rule("", ("events",), ("create", "patch")),
        rule("", ("nodes", "namespaces", "persistentvolumeclaims", "resourcequotas", "limitranges"), READ),
        rule("apps", ("controllerrevisions",), (*READ, "create", "patch", "delete")),
        rule("storage.k8s.io", ("storageclasses",), READ),
    ),
    own_namespace=(
        rule("coordination.k8s.io", ("leases",), ("get", "create", "patch", "update")),
        # Whether virt-handler is absent from one node or from all of them.
        rule("apps", ("daemonsets",), ("get",)),
    ),
)

HANDLER_ACCOUNT = Account(
    name="kubevirt-handler",
    cluster=(
        rule(GROUP, ("kubevirts",), READ),
        rule(GROUP, ("virtualmachineinstances",), (*READ, "patch", "update")),
        rule("", ("nodes",), (*READ, "patch")),
        rule("", ("events",), ("create", "patch")),
    ),
    own_namespace=(),
)

ACCOUNTS = (API_ACCOUNT, CONTROLLER_ACCOUNT, HANDLER_ACCOUNT)


def account_objects(namespace: str) -> list[JsonObject]:
    """Service accounts, roles and bindings of all programs."""
    return [obj for account in ACCOUNTS for obj in _objects_of(account, namespace)]


def _objects_of(account: Account, namespace: str) -> list[JsonObject]:
    name = account.name
    who: list[Json] = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    objects: list[JsonObject] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(account.cluster)},
        binding("ClusterRoleBinding", name, "ClusterRole", name, who),
    ]
    if account.own_namespace:
        objects.append({"apiVersion": RBAC, "kind": "Role", "metadata": {"name": name, "namespace": namespace},
                        "rules": list(account.own_namespace)})
        objects.append(binding("RoleBinding", name, "Role", name, who, namespace=namespace))
    for role in account.borrowed:
        objects.append(binding("RoleBinding", f"{name}-{role}", "Role", role, who, namespace="kube-system"))
    return objects


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
