"""CustomResourceDefinitions of all kinds, made from their types and the table of `crd_table`.

All versions of a kind have the schema of the stored one, so no conversion is ever needed.
"""

from kubevirt.api.crd_definition import Column, Definition, Version
from kubevirt.api.crd_table import DEFINITIONS
from kubevirt.api.schema import schema_of
from kubevirt.kit.json import Json, JsonObject


def custom_resource_definitions() -> list[JsonObject]:
    """The manifests of all kinds, ready to be sent to an API server."""
    return [_manifest(definition) for definition in DEFINITIONS]


def _manifest(d: Definition) -> JsonObject:
    kind = d.type_.__name__
    names: JsonObject = {"plural": d.plural, "singular": d.singular or kind.lower(), "kind": kind}
    if d.list_kind:
        names["listKind"] = d.list_kind
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
