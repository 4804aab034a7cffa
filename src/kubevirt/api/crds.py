"""CustomResourceDefinitions of all kinds, made from their types.

What a type cannot say stands in the table here: names, columns of `kubectl get`, sub-resources, versions. All versions
of a kind have the schema of the stored one, so no conversion is ever needed.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.schema import schema_of
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject


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
    versions: tuple[Version, ...]
    columns: tuple[Column, ...] = ()
    status: bool = False
    scale: Scale | None = None
    cluster_scoped: bool = False
    categories: tuple[str, ...] = ("all",)
    label: str = "kubevirt.io"


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

_MAIN: Final = (
    Version("v1", stored=True),
    Version(
        "v1alpha3",
        deprecation="kubevirt.io/v1alpha3 is now deprecated and will be removed in a future release.",
    ),
)

DEFINITIONS: Final = (
    Definition(
        type_=VirtualMachine,
        plural="virtualmachines",
        short=("vm", "vms"),
        versions=_MAIN,
        status=True,
        columns=(
            AGE,
            Column("Status", ".status.printableStatus"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        ),
    ),
    Definition(
        type_=VirtualMachineInstance,
        plural="virtualmachineinstances",
        short=("vmi", "vmis"),
        versions=_MAIN,
        columns=(
            AGE,
            Column("Phase", ".status.phase"),
            Column("IP", ".status.interfaces[0].ipAddress"),
            Column("NodeName", ".status.nodeName"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Live-Migratable", ".status.conditions[?(@.type=='LiveMigratable')].status", priority=1),
            Column("Paused", ".status.conditions[?(@.type=='Paused')].status", priority=1),
        ),
    ),
    Definition(
        type_=VirtualMachineInstanceReplicaSet,
        plural="virtualmachineinstancereplicasets",
        short=("vmirs", "vmirss"),
        versions=_MAIN,
        status=True,
        scale=Scale(selector=".status.labelSelector"),
        columns=(
            Column("Desired", ".spec.replicas", "integer"),
            Column("Current", ".status.replicas", "integer"),
            Column("Ready", ".status.readyReplicas", "integer"),
            AGE,
        ),
    ),
    Definition(
        type_=KubeVirt,
        plural="kubevirts",
        short=("kv", "kvs"),
        versions=_MAIN,
        status=True,
        columns=(AGE, Column("Phase", ".status.phase")),
        label="operator.kubevirt.io",
    ),
)


def custom_resource_definitions() -> list[JsonObject]:
    """The manifests of all kinds, ready to be sent to an API server."""
    return [_manifest(definition) for definition in DEFINITIONS]


def _manifest(d: Definition) -> JsonObject:
    kind = d.type_.__name__
    names: JsonObject = {"plural": d.plural, "singular": d.singular or kind.lower(), "kind": kind}
    if d.short:
        names["shortNames"] = list(d.short)
    if d.categories:
        names["categories"] = list(d.categories)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{d.plural}.{d.group}", "labels": {d.label: ""}},
        "spec": {
            "group": d.group,
            "names": names,
            "scope": "Cluster" if d.cluster_scoped else "Namespaced",
            "conversion": {"strategy": "None"},
            "versions": [_version(d, version) for version in d.versions],
        },
    }


def _version(d: Definition, version: Version) -> JsonObject:
    entry: JsonObject = {"name": version.name, "served": True, "storage": version.stored}
    if version.deprecation is not None:
        entry["deprecated"] = True
        if version.deprecation:
            entry["deprecationWarning"] = version.deprecation
    # Descriptions in one version only: CRDs are large, and the API server keeps every one of them in memory.
    entry["schema"] = {"openAPIV3Schema": schema_of(d.type_, descriptions=version.stored)}
    subresources: JsonObject = {}
    if d.status:
        subresources["status"] = {}
    if d.scale is not None:
        subresources["scale"] = {
            "specReplicasPath": d.scale.spec,
            "statusReplicasPath": d.scale.status,
            "labelSelectorPath": d.scale.selector,
        }
    if subresources:
        entry["subresources"] = subresources
    if d.columns:
        entry["additionalPrinterColumns"] = [_column(column) for column in d.columns]
    return entry


def _column(column: Column) -> Json:
    entry: JsonObject = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.priority:
        entry["priority"] = column.priority
    return entry
