"""The OpenAPI documents of the aggregated API, versions 2 and 3: every path, what it is for, and what it answers.

The API server merges version 2 into the cluster's document and serves version 3 beside its own; clients and consoles
read from there which paths exist. Bodies are described as objects; their types are in the reference of the API.
"""

from __future__ import annotations

from kubevirt import __version__
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_api.authorization import GROUP, VERBS

METHODS = {verb: method.lower() for method, verb in VERBS.items()}
TITLE = "KubeVirt sub-resources"
STREAMS = frozenset({"console", "vnc", "usbredir", "vsock", "portforward"})
SUMMARIES = {
    "console": "The serial console, as a stream.",
    "vnc": "The screen, as a stream of the RFB protocol.",
    "vnc/screenshot": "A picture of the screen (PNG).",
    "usbredir": "A USB slot of the guest, as a stream of the usbredir protocol.",
    "portforward": "A port of the guest, as a stream.",
    "objectgraph": "The objects that it depends on.",
    "expand-spec": "The machine with its instance type and preference written out.",
}
KINDS = {"virtualmachines": "VirtualMachine", "virtualmachineinstances": "VirtualMachineInstance"}
Verbs = dict[str, dict[str, str]]
"""Plural -> sub-resource -> verb."""


def swagger(versions: tuple[str, ...], verbs: Verbs) -> JsonObject:
    """The document of version 2, for all versions of the group."""
    paths: JsonObject = {}
    for version in versions:
        for path, operations in _paths(version, verbs).items():
            paths[path] = {method: _operation(each, path, schema_at="") for method, each in operations.items()}
    return {"swagger": "2.0", "info": {"title": TITLE, "version": __version__}, "paths": paths, "definitions": {}}


def document(version: str, verbs: Verbs) -> JsonObject:
    """The document of version 3 of one version of the group."""
    paths: JsonObject = {
        path: {method: _operation(each, path, schema_at="schema") for method, each in operations.items()}
        for path, operations in _paths(version, verbs).items()
    }
    return {"openapi": "3.0.0", "info": {"title": TITLE, "version": version}, "paths": paths,
            "components": {"schemas": {}}}  # fmt: skip


def index(versions: tuple[str, ...]) -> JsonObject:
    """Where the documents of version 3 are."""
    return {"paths": {f"apis/{GROUP}/{v}": {"serverRelativeURL": f"/openapi/v3/apis/{GROUP}/{v}"} for v in versions}}


def _paths(version: str, verbs: Verbs) -> dict[str, dict[str, tuple[str, str]]]:
    """Path -> method -> (operation's id, summary)."""
    base = f"/apis/{GROUP}/{version}"
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for plural, names in verbs.items():
        for name, verb in names.items():
            path = f"{base}/namespaces/{{namespace}}/{plural}/{{name}}/{name}"
            operation = (_id(version, plural, name, verb), SUMMARIES.get(name, f"{name} of a {KINDS[plural]}."))
            if name == "portforward":
                found[f"{path}/{{port}}"] = {METHODS[verb]: operation}
                found[f"{path}/{{port}}/{{protocol}}"] = {METHODS[verb]: (operation[0] + "Protocol", operation[1])}
            else:
                found[path] = {METHODS[verb]: operation}
    found[f"{base}/namespaces/{{namespace}}/expand-vm-spec"] = {
        "put": (_id(version, "", "expand-vm-spec", "update"), "A machine as it is sent, written out.")
    }
    for name in ("version", "guestfs", "healthz"):
        found[f"{base}/{name}"] = {"get": (_id(version, "", name, "get"), f"{name} of the installation.")}
    return found


def _id(version: str, plural: str, name: str, verb: str) -> str:
    """An operation's name, unlike any other's of the cluster."""
    words = [verb, version, KINDS.get(plural, ""), *name.replace("/", "-").split("-"), "subresources"]
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def _operation(operation: tuple[str, str], path: str, *, schema_at: str) -> JsonObject:
    name, summary = operation
    responses: JsonObject = {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}}
    if any(f"/{{name}}/{stream}" in path and "screenshot" not in path for stream in STREAMS):
        responses["101"] = {"description": "Switching Protocols: a WebSocket with the protocol plain.kubevirt.io"}
    elif name.startswith("update"):
        responses["202"] = {"description": "Accepted"}
    parameters = [word[1:-1] for word in path.split("/") if word.startswith("{")]
    return {
        "operationId": name,
        "description": summary,
        "tags": [f"{GROUP.replace('.', '_')}"],
        "parameters": [_parameter(each, schema_at=schema_at) for each in parameters],
        "responses": responses,
    }


def _parameter(name: str, *, schema_at: str) -> Json:
    kind: JsonObject = {"type": "integer" if name == "port" else "string"}
    parameter: JsonObject = {"name": name, "in": "path", "required": True}
    return {**parameter, schema_at: kind} if schema_at else {**parameter, **kind}
