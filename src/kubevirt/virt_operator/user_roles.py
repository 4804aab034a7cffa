"""The cluster roles that users get, as KubeVirt gives them: aggregated to Kubernetes' admin, edit and view.

The table is by topic; a role is what its letters in the table say. Names, labels and rights are part of the API: a
user with `edit` in a namespace can work with virtual machines there, and nowhere else.
"""

from __future__ import annotations

from kubevirt.api.names import GROUP, SUBRESOURCE_GROUP
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_operator.rights import RBAC, READ, binding, rule

EDIT = (*READ, "create", "update", "patch", "delete")
ALL = (*EDIT, "deletecollection")

_INSTANCE_STREAMS = ("console", "vnc", "portforward", "usbredir")
_INSTANCE_FACTS = ("guestosinfo", "filesystemlist", "userlist", "sev/fetchcertchain", "sev/querylaunchmeasurement",
                   "objectgraph", "usage")
_INSTANCE_ACTIONS = ("pause", "unpause", "addvolume", "removevolume", "freeze", "unfreeze", "softreboot", "reset",
                     "sev/setupsession", "sev/injectlaunchsecret", "evacuate/cancel")
_MACHINE_ACTIONS = ("start", "stop", "restart", "addvolume", "removevolume", "memorydump", "removememorydump",
                    "evacuate/cancel")

_WORKLOADS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (GROUP, ("virtualmachines", "virtualmachineinstances", "virtualmachineinstancepresets",
             "virtualmachineinstancereplicasets")),
    ("snapshot.kubevirt.io", ("virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores")),
    ("backup.kubevirt.io", ("virtualmachinebackups", "virtualmachinebackuptrackers")),
    ("export.kubevirt.io", ("virtualmachineexports",)),
    ("clone.kubevirt.io", ("virtualmachineclones",)),
    ("instancetype.kubevirt.io", ("virtualmachineinstancetypes", "virtualmachineclusterinstancetypes",
                                  "virtualmachinepreferences", "virtualmachineclusterpreferences")),
    ("pool.kubevirt.io", ("virtualmachinepools",)),
)


def user_role_objects() -> list[JsonObject]:
    """All cluster roles for users and their bindings."""
    everyone: list[Json] = [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}]
    default = _role("kubevirt.io:default", [
        rule(GROUP, ("kubevirts",), ("get", "list")),
        rule(SUBRESOURCE_GROUP, ("version", "guestfs"), ("get", "list")),
    ], labels={"kubernetes.io/bootstrapping": "rbac-defaults"})
    cluster_types = _role("instancetype.kubevirt.io:view", [
        rule("instancetype.kubevirt.io", ("virtualmachineclusterinstancetypes", "virtualmachineclusterpreferences"),
             READ),
    ])
    return [
        _self_updating(default),
        _self_updating(_binding_to(everyone, "kubevirt.io:default")),
        _role("kubevirt.io:admin", admin_rules(), aggregate_to="admin"),
        _role("kubevirt.io:edit", edit_rules(), aggregate_to="edit"),
        _role("kubevirt.io:view", view_rules(), aggregate_to="view"),
        cluster_types,
        _self_updating(_binding_to(everyone, "instancetype.kubevirt.io:view")),
        _role("kubevirt.io:migrate", [
            rule(SUBRESOURCE_GROUP, ("virtualmachines/migrate",), ("update",)),
            rule(GROUP, ("virtualmachineinstancemigrations",), ALL),
        ]),
        _role("kubevirt.io:operator", [rule(GROUP, ("kubevirts",), ALL)], aggregate_to="admin"),
    ]


def admin_rules() -> list[JsonObject]:
    streams = (*_INSTANCE_STREAMS, "vnc/screenshot")
    plugins = rule("plugin.kubevirt.io", ("plugins",), ALL)
    return [*_using(streams), *_working(ALL), plugins]


def edit_rules() -> list[JsonObject]:
    return [*_using(_INSTANCE_STREAMS), *_working(EDIT), rule(GROUP, ("kubevirts",), ("get", "list"))]


def view_rules() -> list[JsonObject]:
    return [
        rule(GROUP, ("kubevirts",), ("get", "list")),
        *_looking(),
        *_working(READ),
        rule("plugin.kubevirt.io", ("plugins",), READ),
    ]


def _using(streams: tuple[str, ...]) -> list[JsonObject]:
    """Sub-resources of those who may work with machines."""
    return [
        rule(SUBRESOURCE_GROUP, _below("virtualmachineinstances", streams), ("get",)),
        rule(SUBRESOURCE_GROUP, ("virtualmachines/portforward",), ("get",)),
        rule(SUBRESOURCE_GROUP, _below("virtualmachineinstances", _INSTANCE_ACTIONS), ("update",)),
        rule(SUBRESOURCE_GROUP, _below("virtualmachines", _MACHINE_ACTIONS), ("update",)),
        *_looking(),
    ]


def _looking() -> list[JsonObject]:
    """Sub-resources of everyone who may see machines."""
    return [
        rule(SUBRESOURCE_GROUP, _below("virtualmachineinstances", _INSTANCE_FACTS), ("get",)),
        rule(SUBRESOURCE_GROUP, ("virtualmachines/expand-spec", "virtualmachines/objectgraph"), ("get",)),
        rule(SUBRESOURCE_GROUP, ("expand-vm-spec",), ("update",)),
    ]


def _working(verbs: tuple[str, ...]) -> list[JsonObject]:
    """Objects. Migrations and their policies are for looking at: who may migrate is decided by a role of its own."""
    return [
        *(rule(group, resources, verbs) for group, resources in _WORKLOADS),
        rule(GROUP, ("virtualmachineinstancemigrations",), READ),
        rule("migrations.kubevirt.io", ("migrationpolicies",), READ),
    ]


def _below(resource: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{resource}/{name}" for name in names)


def _role(name: str, rules: list[JsonObject], *, aggregate_to: str = "", labels: dict[str, str] | None = None
          ) -> JsonObject:
    all_labels: JsonObject = {"kubevirt.io": "", **(labels or {})}
    if aggregate_to:
        all_labels[f"rbac.authorization.k8s.io/aggregate-to-{aggregate_to}"] = "true"
    return {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": all_labels},
            "rules": list(rules)}


def _binding_to(subjects: list[Json], role: str) -> JsonObject:
    bound = binding("ClusterRoleBinding", role, "ClusterRole", role, subjects)
    return {**bound, "metadata": {"name": role, "labels": {"kubevirt.io": ""}}}


def _self_updating(obj: JsonObject) -> JsonObject:
    """Marked as one of the roles that a cluster keeps up to date by itself."""
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 (made in this module)
    annotations: JsonObject = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
