"""Every kind, with every field set, is stored by a real API server and returned as it was sent, in every version.

The values are made at random from the schemas, which are made from the types. The kinds are installed a second time, in
groups of their own, so that neither webhooks nor controllers of an installation have a say, and without the status
sub-resource, so that one request writes all of an object. What is refused: tests/unit/api.
"""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import AsyncIterator, Iterator
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kubevirt.api import codec
from kubevirt.api.crd_definition import Definition
from kubevirt.api.crd_table import DEFINITIONS
from kubevirt.api.crds import custom_resource_definitions
from kubevirt.api.resource import Resource
from kubevirt.api.resources import CRDS
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import NotFound

PREFIX: Final = "roundtrip."
NAMESPACE: Final = "default"
QUANTITIES: Final = ("0", "1", "1500m", "64Mi", "1Gi", "2G")
DEADLINE_S: Final = 120
TIME: Final = "2030-01-02T03:04:05Z"
BY_PATTERN: Final = {"^[A-Za-z](": "Because", "^([a-z0-9]": "Ready", "^(0(?:": "0.055"}
# What rules ask of members of these names, somewhere.
BY_NAME: Final[dict[str, Json]] = {"path": "/data", "readOnly": True}

# Rules between fields (CEL), which values made field by field do not know.
TOGETHER: Final[dict[str, JsonObject]] = {
    "VirtualMachineBackup": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a"}},
    "VirtualMachineBackupTracker": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a"}},
}


class Maker:
    """Values that fit a schema, with every member set."""

    def __init__(self, seed: random.Random) -> None:
        self._seed = seed

    def value(self, schema: Json) -> Json:
        assert isinstance(schema, dict)
        if "enum" in schema:
            values = schema["enum"]
            assert isinstance(values, list)
            return self._seed.choice(values)
        if schema.get("x-kubernetes-int-or-string"):
            return self._seed.choice(QUANTITIES if "pattern" in schema else ("25%", "7"))
        match schema.get("type"):
            case "string":
                return self._text(schema)
            case "boolean":
                return self._seed.random() < 0.5
            case "integer":
                return self._integer(schema)
            case "number":
                return float(self._seed.randint(1, 9)) + 0.5
            case "array":
                return self._array(schema)
            case "object":
                return self._object(schema)
        return {"any": "thing"}

    def _text(self, schema: JsonObject) -> str:
        if schema.get("format") == "date-time":
            return TIME
        for beginning, text in BY_PATTERN.items():
            if str(schema.get("pattern", "")).startswith(beginning):
                return text
        return "".join(self._seed.choices(string.ascii_lowercase + "é-.", k=self._seed.randint(1, 12)))

    def _integer(self, schema: JsonObject) -> int:
        largest = 2**31 - 1 if schema.get("format") == "int32" else 2**53
        low, high = schema.get("minimum", 1), schema.get("maximum", largest)
        assert isinstance(low, int)
        assert isinstance(high, int)
        return self._seed.randint(max(low, 1), high)

    def _array(self, schema: JsonObject) -> list[Json]:
        most = schema.get("maxItems", 2)
        assert isinstance(most, int)
        if schema.get("x-kubernetes-list-type") in ("map", "set"):
            most = 1  # two made at random may be alike
        return [self.value(schema["items"]) for _ in range(self._seed.randint(1, min(most, 2)))]

    def _object(self, schema: JsonObject) -> JsonObject:
        if "additionalProperties" in schema:
            return {"key": self.value(schema["additionalProperties"])}
        properties = schema.get("properties")
        if isinstance(properties, dict):
            return {name: BY_NAME.get(name) or self.value(member) for name, member in properties.items()}
        return {"labels": {"key": "value"}} if schema.get("x-kubernetes-preserve-unknown-fields") else {}


def definition_of(kind: str) -> Definition:
    return next(d for d in DEFINITIONS if d.type_.__name__ == kind)


def manifest_of(kind: str) -> JsonObject:
    return next(crd for crd in custom_resource_definitions() if dig(crd, "spec", "names", "kind") == kind)


def second(crd: JsonObject) -> JsonObject:
    """The CustomResourceDefinition in a group of its own, without short names and sub-resources."""
    copy = codec.decode_json(codec.encode(crd))
    assert isinstance(copy, dict)
    spec, metadata = copy["spec"], copy["metadata"]
    assert isinstance(spec, dict)
    assert isinstance(metadata, dict)
    names, versions = spec["names"], spec["versions"]
    assert isinstance(names, dict)
    assert isinstance(versions, list)
    spec["group"] = PREFIX + str(spec["group"])
    metadata.clear()
    metadata["name"] = f"{names['plural']}.{spec['group']}"
    for key in ("shortNames", "categories"):
        names.pop(key, None)
    for version in versions:
        assert isinstance(version, dict)
        version.pop("subresources", None)
    return copy


def resource_of(definition: Definition, version: str) -> Resource[msgspec.Struct]:
    return Resource(
        group=PREFIX + definition.group,
        version=version,
        plural=definition.plural,
        kind=definition.type_.__name__,
        type_=definition.type_,
        namespaced=not definition.cluster_scoped,
    )


@pytest.fixture(params=[d.type_.__name__ for d in DEFINITIONS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def installed(kubeconfig: str, kind: str) -> AsyncIterator[str]:
    """The kind, served by the API server for the time of a test."""
    crd = second(manifest_of(kind))
    name = str(dig(crd, "metadata", "name"))
    async with Client(load_access(ConfigFlags(kubeconfig=kubeconfig)), program="test") as client:
        await client.apply(CRDS, crd)
        await _until_served(client, definition_of(kind))
        yield kubeconfig
        await client.delete(CRDS, name)


async def _until_served(client: Client, definition: Definition) -> None:
    """Returns when the API server answers for every version of the kind."""
    missing = {version.name for version in definition.versions}
    try:
        async with asyncio.timeout(DEADLINE_S):
            while missing:
                try:
                    for version in sorted(missing):
                        await client.list(resource_of(definition, version), limit=1)
                        missing.discard(version)
                except NotFound:
                    await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"{definition.plural}: {sorted(missing)} are not served after {DEADLINE_S} s")


def lost(sent: Json, returned: Json, path: str = "") -> Iterator[str]:
    """Paths of what did not come back as it was sent. Members that the API server filled in do not count."""
    if isinstance(sent, dict) and isinstance(returned, dict):
        for key, value in sent.items():
            yield from lost(value, returned.get(key), f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(returned, list) and len(sent) == len(returned):
        for index, (one, other) in enumerate(zip(sent, returned, strict=True)):
            yield from lost(one, other, f"{path}[{index}]")
    elif sent != returned:
        yield f"{path}: {sent!r} came back as {returned!r}"


# Without shrinking: the seed is all there is to shrink, and every try is a request.
@settings(
    max_examples=2,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(min_value=0, max_value=2**32))
async def test_what_is_stored_comes_back(installed: str, kind: str, seed: int) -> None:
    definition = definition_of(kind)
    schema = dig(next(v for v in _versions(kind) if dig(v, "storage")), "schema", "openAPIV3Schema", "properties")
    assert isinstance(schema, dict)
    maker = Maker(random.Random(seed))  # noqa: S311 - values to store, not secrets
    made: JsonObject = {part: maker.value(schema[part]) for part in ("spec", "status") if part in schema}
    if kind in TOGETHER:
        made["spec"] = {**made["spec"], **TOGETHER[kind]}  # type: ignore[dict-item]  # test data
    typed = codec.convert(made, definition.type_)
    sent = codec.to_builtins(typed)
    assert list(lost(made, sent)) == [], "the types know every member of the schema"
    async with Client(load_access(ConfigFlags(kubeconfig=installed)), program="test") as client:
        stored = next(str(dig(v, "name")) for v in _versions(kind) if dig(v, "storage"))
        resource = resource_of(definition, stored)
        namespace = NAMESPACE if resource.namespaced else None
        body: JsonObject = {**sent, "apiVersion": resource.api_version, "kind": kind,
                            "metadata": {"generateName": "kinds-"}}
        created = codec.to_builtins(await client.create(resource, body, namespace))
        name = str(dig(created, "metadata", "name"))
        for version in _versions(kind):
            served = resource_of(definition, str(dig(version, "name")))
            returned = codec.to_builtins(await client.get(served, name, namespace))
            assert returned["apiVersion"] == served.api_version
            assert list(lost(made, returned)) == [], f"as {served.version}"
        await client.delete(resource, name, namespace)


def _versions(kind: str) -> list[Json]:
    versions = dig(manifest_of(kind), "spec", "versions")
    assert isinstance(versions, list)
    return versions
