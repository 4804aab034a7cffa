"""What the API tells of itself and of machines: OpenAPI documents of every path, graphs of what machines need."""

from __future__ import annotations

import pytest

from kubevirt.api import codec
from kubevirt.api.options import ObjectGraphOptions
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.virt_api import discovery, openapi
from kubevirt.virt_api.object_graph import as_reply, of_instance, of_machine

BASE = "/apis/subresources.kubevirt.io/v1"


def test_every_listed_sub_resource_has_a_path_in_both_documents() -> None:
    second = openapi.swagger(discovery.VERSIONS, discovery.VERBS_OF)["paths"]
    third = openapi.document("v1", discovery.VERBS_OF)["paths"]
    assert isinstance(second, dict) and isinstance(third, dict)
    for plural, verbs in discovery.VERBS_OF.items():
        for name, verb in verbs.items():
            path = f"{BASE}/namespaces/{{namespace}}/{plural}/{{name}}/{name}" + "/{port}" * (name == "portforward")
            method = {"get": "get", "update": "put"}[verb]
            assert dig(second, path, method) is not None, path
            assert dig(third, path, method) is not None, path
    assert {path.replace("/v1alpha3/", "/v1/") for path in second} == set(third)


def test_operations_have_names_of_their_own() -> None:
    paths = openapi.swagger(discovery.VERSIONS, discovery.VERBS_OF)["paths"]
    assert isinstance(paths, dict)
    names = [dig(operation, "operationId") for each in paths.values() for operation in _values(each)]
    assert len(names) == len(set(map(str, names)))


def test_parameters_are_described() -> None:
    path = f"{BASE}/namespaces/{{namespace}}/virtualmachineinstances/{{name}}/portforward/{{port}}"
    get = dig(openapi.document("v1", discovery.VERBS_OF), "paths", path, "get")
    parameters = dig(get, "parameters")
    assert isinstance(parameters, list)
    assert parameters[2] == {"name": "port", "in": "path", "required": True, "schema": {"type": "integer"}}
    assert dig(get, "responses", "101") is not None


def _values(value: Json) -> list[Json]:
    return list(value.values()) if isinstance(value, dict) else []


SPEC: JsonObject = {
    "domain": {},
    "volumes": [
        {"name": "a", "dataVolume": {"name": "dv"}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "c", "secret": {"secretName": "s"}},
        {"name": "d", "configMap": {"name": "m"}},
        {"name": "e", "serviceAccount": {"serviceAccountName": "sa"}},
        {"name": "f", "containerDisk": {"image": "i"}},
        {"name": "g", "cloudInitNoCloud": {"secretRef": {"name": "s"}}},
    ],
    "accessCredentials": [{"sshPublicKey": {"source": {"secret": {"secretName": "keys"}},
                                            "propagationMethod": {"noCloud": {}}}}],
    "networks": [{"name": "n", "multus": {"networkName": "other/net"}}],
}  # fmt: skip
VM = codec.convert({
    "metadata": {"name": "vm", "namespace": "n"},
    "spec": {"template": {"spec": SPEC}},
    "status": {"instancetypeRef": {"name": "t", "controllerRevisionRef": {"name": "rev"}}},
}, VirtualMachine)  # fmt: skip
VMI = codec.convert({"metadata": {"name": "vm", "namespace": "n"}, "spec": SPEC}, VirtualMachineInstance)


def shown(document: Json, depth: int = 0) -> list[str]:
    """The tree as indented lines."""
    reference = dig(document, "objectReference")
    optional = " (optional)" if dig(document, "optional") else ""
    lines = ["  " * depth + f"{dig(reference, 'kind')} {dig(reference, 'name')}{optional}"]
    children = dig(document, "children")
    for child in children if isinstance(children, list) else []:
        lines += shown(child, depth + 1)
    return lines


REFERENCES = [
    "  DataVolume dv", "    PersistentVolumeClaim dv", "  PersistentVolumeClaim claim", "  Secret s", "  ConfigMap m",
    "  ServiceAccount sa", "  Secret keys", "  NetworkAttachmentDefinition net",
]  # fmt: skip


def test_the_graph_of_a_machine() -> None:
    assert shown(as_reply(of_machine(VM, VMI, "pod"), ObjectGraphOptions())) == [
        "VirtualMachine vm", "  ControllerRevision rev", "  VirtualMachineInstance vm (optional)",
        "    Pod pod (optional)", *REFERENCES,
    ]  # fmt: skip


def test_the_graph_of_an_instance() -> None:
    assert shown(as_reply(of_instance(VMI, "pod"), ObjectGraphOptions()))[:2] == [
        "VirtualMachineInstance vm", "  Pod pod (optional)",
    ]  # fmt: skip


def test_only_what_the_machine_cannot_do_without() -> None:
    lines = shown(as_reply(of_machine(VM, VMI, "pod"), ObjectGraphOptions(include_optional_nodes=False)))
    assert lines == ["VirtualMachine vm", "  ControllerRevision rev", *REFERENCES]


@pytest.mark.parametrize(
    ("dependency", "lines"),
    [
        ("storage", ["  DataVolume dv", "    PersistentVolumeClaim dv", "  PersistentVolumeClaim claim"]),
        ("network", ["  NetworkAttachmentDefinition net"]),
        ("compute", ["  VirtualMachineInstance vm (optional)", "    Pod pod (optional)"]),
    ],
)
def test_only_some_dependencies(dependency: str, lines: list[str]) -> None:
    options = codec.convert({"labelSelector": {"matchLabels": {"kubevirt.io/dependency-type": dependency}}},
                            ObjectGraphOptions)  # fmt: skip
    assert shown(as_reply(of_machine(VM, VMI, "pod"), options)) == ["VirtualMachine vm", *lines]


def test_a_selector_that_says_nothing_is_refused() -> None:
    options = codec.convert({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}},
                            ObjectGraphOptions)  # fmt: skip
    with pytest.raises(Refused):
        as_reply(of_machine(VM, None, ""), options)
