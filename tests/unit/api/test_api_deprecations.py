"""Warnings: what is accepted, but should be written otherwise, and what Kubernetes will make of it; and plugins."""

import pytest
from kind_samples import PLAIN, gates, named, short

from kubevirt.api import codec
from kubevirt.api.gates import REGISTRY, Stage
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.plugin import Plugin
from kubevirt.api.validation import plugins
from kubevirt.api.validation.deprecations import GATES, kubevirt_warnings, vm_warnings, vmi_warnings
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject


def machine(**spec: Json) -> VirtualMachine:
    return codec.convert({"spec": {"template": {"spec": {}}, **spec}}, VirtualMachine)


def test_a_machine_that_says_running_is_told() -> None:
    assert vm_warnings(machine(running=True)) == [
        "spec.running is deprecated, please use spec.runStrategy instead."
    ]
    assert vm_warnings(machine(runStrategy="Always")) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"tolerations": [{"operator": "Exists"}], "nodeSelector": {"a": "b"}}, "", id="fine"),
        pytest.param({"tolerations": [{"value": "a"}]},
                     'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty',
                     id="no key"),
        pytest.param({"tolerations": [{"key": "a", "tolerationSeconds": 1}]},
                     "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'", id="seconds"),
        pytest.param({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
                     'spec.tolerations[0].operator: Invalid value: "b": value must be empty', id="value"),
        pytest.param({"nodeSelector": {"a b": "c"}}, 'spec.nodeSelector: Invalid value: "a b": name part must',
                     id="no label"),
        pytest.param({"nodeSelector": {"a": "c d"}}, 'spec.nodeSelector: Invalid value: "c d": a valid label must',
                     id="no value"),
    ],
)
def test_what_kubernetes_will_refuse_the_pod_for(spec: JsonObject, expected: str) -> None:
    found = vmi_warnings(codec.convert({"spec": spec}, VirtualMachineInstance))
    assert len(found) == bool(expected)
    assert all(text.startswith(expected) and text.endswith("refuse the launcher pod") for text in found)
    below = vm_warnings(machine(runStrategy="Always", template={"spec": spec}))
    assert below == [text.replace("spec.", "spec.template.spec.", 1) for text in found]


def test_every_gate_that_is_going_or_gone_has_words_of_its_own() -> None:
    assert set(GATES) == {gate for gate, stage in REGISTRY.items() if stage in (Stage.DEPRECATED, Stage.DISCONTINUED)}


def test_old_settings_of_the_installation() -> None:
    old: JsonObject = {"mediatedDevicesTypes": ["a"], "nodeMediatedDeviceTypes": [
        {"nodeSelector": {}, "mediatedDevicesTypes": ["b"]}]}
    configuration: JsonObject = {"mediatedDevicesConfiguration": old,
                                 "architectureConfiguration": {"ppc64le": {"machineType": "pseries"}}}
    found = kubevirt_warnings(codec.convert({"spec": {"configuration": configuration}}, KubeVirt))
    at = "spec.configuration.mediatedDevicesConfiguration"
    assert found[:2] == [
        f"{at}.mediatedDevicesTypes is deprecated, use mediatedDeviceTypes",
        f"{at}.nodeMediatedDeviceTypes[0].mediatedDevicesTypes is deprecated, use mediatedDeviceTypes",
    ]
    assert "ppc64le" in found[2]


# Plugins ----------------------------------------------------------------------------------------------------------

CEL: JsonObject = {"cel": {"expression": "true"}}
SIDECAR: JsonObject = {"sidecar": {"socketPath": "/var/run/kubevirt-plugin/new/a.sock"}}


def hook(**members: Json) -> JsonObject:
    return {"permittedHooks": ["PreVMStart"], "socket": "/var/run/kubevirt-plugin/new/a.sock", **members}


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        pytest.param({"domainHooks": [CEL, SIDECAR], "nodeHooks": [hook()]}, [], id="sensible"),
        pytest.param({"domainHooks": [{**CEL, **SIDECAR}]}, ["spec.domainHooks[0]"], id="both"),
        pytest.param({"domainHooks": [{}]}, ["spec.domainHooks[0]"], id="neither"),
        pytest.param({"failureStrategy": "Cry"}, ["spec.failureStrategy"], id="strategy"),
        pytest.param({"domainHooks": [{**CEL, "failureStrategy": "Cry"}]}, ["spec.domainHooks[0].failureStrategy"],
                     id="a hook's strategy"),
        pytest.param({"nodeHooks": [hook(permittedHooks=["PreVMStart", "Lunch"])]},
                     ["spec.nodeHooks[0].permittedHooks[1]"], id="no such point"),
        pytest.param({"nodeHooks": [hook(socket="/tmp/a.sock")]}, ["spec.nodeHooks[0].socket"], id="outside"),
        pytest.param({"nodeHooks": [hook(socket="/var/run/kubevirt-plugin/new/../b/a.sock")]},
                     ["spec.nodeHooks[0].socket"], id="outside by a detour"),
        pytest.param({"nodeHooks": [hook(socket="/var/run/kubevirt-plugin/new/" + "a" * 100 + ".sock")]},
                     ["spec.nodeHooks[0].socket"], id="too long"),
    ],
)
def test_plugins(spec: JsonObject, fields: list[str]) -> None:
    plugin = codec.convert(named(spec), Plugin)
    assert [field for _, field, _ in short(plugins.validate_plugin(plugin))] == fields


def test_a_plugin_without_any_hook_is_told_and_all_need_their_gate() -> None:
    assert plugins.plugin_warnings(codec.convert(named({}), Plugin)) == [plugins.NO_EFFECT]
    assert plugins.plugin_warnings(codec.convert(named({"domainHooks": [CEL]}), Plugin)) == []
    assert plugins.plugin_obstacle(PLAIN) == "Plugins feature gate is not enabled"
    assert plugins.plugin_obstacle(gates("Plugins")) == ""
