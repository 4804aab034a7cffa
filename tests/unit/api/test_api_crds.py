"""CRDs made from the types: names and columns, and schemas that are structural."""

from collections.abc import Iterator

import msgspec
import pytest

from kubevirt.api import codec, kinds, resources
from kubevirt.api.crds import custom_resource_definitions
from kubevirt.api.resource import Resource
from kubevirt.api.schema import schema_of
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject, dig

CRDS = {str(dig(crd, "metadata", "name")): crd for crd in custom_resource_definitions()}


def is_ours(value: object) -> bool:
    return isinstance(value, Resource) and value.group.endswith("kubevirt.io")


def nodes(schema: Json, path: str = "") -> Iterator[tuple[str, JsonObject]]:
    """All schemas within a schema, with their paths."""
    assert isinstance(schema, dict)
    yield path, schema
    properties = schema.get("properties") or {}
    assert isinstance(properties, dict)
    for name, member in properties.items():
        yield from nodes(member, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from nodes(schema[key], path + mark)


def root(name: str, version: int = 0) -> JsonObject:
    schema = dig(CRDS[name], "spec", "versions", version, "schema", "openAPIV3Schema")
    assert isinstance(schema, dict)
    return schema


@pytest.mark.parametrize("name", CRDS)
def test_every_schema_is_structural(name: str) -> None:
    for path, schema in nodes(root(name)):
        is_free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
        assert "type" in schema or is_free, path
        assert not ("properties" in schema and "additionalProperties" in schema), path
        if schema.get("x-kubernetes-list-type") == "map":
            item = schema["items"]
            assert isinstance(item, dict)
            # Read from JSON: it has the shape that is used here.
            assert set(schema["x-kubernetes-list-map-keys"]) <= set(item["required"]), path  # type: ignore[arg-type]
        # Read from JSON: it has the shape that is used here.
        assert set(schema.get("required") or []) <= set(schema.get("properties") or {}), path  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CRDS)
def test_the_root_leaves_metadata_to_the_api_server(name: str) -> None:
    assert dig(root(name), "properties", "metadata") == {"type": "object"}


@pytest.mark.parametrize("name", CRDS)
def test_one_version_is_stored_and_old_ones_are_served_with_a_warning(name: str) -> None:
    versions = dig(CRDS[name], "spec", "versions")
    assert isinstance(versions, list)
    assert len([v for v in versions if dig(v, "storage")]) == 1
    assert all(dig(v, "served") for v in versions)
    if dig(CRDS[name], "spec", "group") == "kubevirt.io":
        assert all(dig(v, "deprecated") for v in versions if dig(v, "name") != "v1")


@pytest.mark.parametrize("resource", [r for m in (kinds, resources) for r in vars(m).values() if is_ours(r)], ids=str)
def test_a_resource_of_ours_is_what_its_definition_says(resource: Resource[msgspec.Struct]) -> None:
    crd = CRDS[str(resource)]
    assert dig(crd, "spec", "names", "kind") == resource.kind
    assert dig(crd, "spec", "scope") == ("Namespaced" if resource.namespaced else "Cluster")
    versions = dig(crd, "spec", "versions")
    assert isinstance(versions, list)
    version = next(v for v in versions if dig(v, "name") == resource.version)
    assert (dig(version, "subresources", "status") is not None) == resource.has_status
    assert codec.to_builtins(resource.type_())["apiVersion"] == resource.api_version


@pytest.mark.parametrize(
    ("path", "member", "expected"),
    [
        ("spec.domain.cpu.cores", "format", "int32"),
        ("spec.volumes", "maxItems", 256),
        ("spec.utilityVolumes", "x-kubernetes-list-map-keys", ["name"]),
        ("spec.domain.rebootPolicy", "enum", ["Reboot", "Terminate"]),
        ("status.phaseTransitionTimestamps", "x-kubernetes-list-type", "atomic"),
        ("status.VSOCKCID", "maximum", 4294967295),
        ("spec.domain.clock", "x-kubernetes-preserve-unknown-fields", True),
    ],
)
def test_marks_reach_the_schema(path: str, member: str, expected: Json) -> None:
    schema: Json = schema_of(VirtualMachineInstance)
    for name in path.split("."):
        schema = dig(schema, "properties", name)
    assert dig(schema, member) == expected


def test_quantities_are_numbers_or_texts() -> None:
    domain = dig(schema_of(VirtualMachineInstance), "properties", "spec", "properties", "domain")
    guest = dig(domain, "properties", "memory", "properties", "guest")
    assert dig(guest, "x-kubernetes-int-or-string") is True


def test_every_type_is_described() -> None:
    described = root("virtualmachines.kubevirt.io")
    assert all(
        "description" in schema
        for path, schema in nodes(described)
        if "properties" in schema and not path.endswith("metadata")
    )
    assert not any("description" in schema for _, schema in nodes(root("virtualmachines.kubevirt.io", 1)))
