"""Presets: which instances they are for, what they fill in, what stands against them, and what is said about it."""

import pytest

from kubevirt.api import codec
from kubevirt.api.defaults.presets import apply_presets
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject

EXCLUDE = "virtualmachineinstancepresets.admission.kubevirt.io/exclude"


def preset(name: str = "small", domain: Json = None, **selector: Json) -> VirtualMachineInstancePreset:
    given: JsonObject = {"metadata": {"name": name}, "spec": {
        "selector": selector or {"matchLabels": {"size": "small"}}, "domain": domain or {"cpu": {"cores": 4}}}}
    return codec.convert(given, VirtualMachineInstancePreset)


def instance(domain: Json = None, **annotations: Json) -> VirtualMachineInstance:
    given: JsonObject = {"metadata": {"name": "a", "labels": {"size": "small"}, "annotations": annotations},
                         "spec": {"domain": domain or {}}}
    return codec.convert(given, VirtualMachineInstance)


EVERYTHING: JsonObject = {
    "resources": {"requests": {"memory": "64Mi"}},
    "cpu": {"cores": 4},
    "firmware": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"},
    "clock": {"utc": {}, "timer": {"hpet": {"present": False}}},
    "features": {"acpi": {"enabled": False}},
    "devices": {"watchdog": {"name": "dog", "i6300esb": {"action": "poweroff"}}},
    "ioThreadsPolicy": "shared",
}


DEPRECATED = "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2."


def test_every_section_is_filled_in() -> None:
    made = apply_presets(instance(), [preset(domain=EVERYTHING)])
    domain = codec.to_builtins(made.vmi.spec.domain)
    assert {key: domain[key] for key in EVERYTHING} == EVERYTHING
    assert made.applied == ("small",)
    assert made.vmi.metadata.annotations == {"virtualmachinepreset.kubevirt.io/small": "kubevirt.io/v1"}
    assert made.warnings == (DEPRECATED,)


@pytest.mark.parametrize(
    ("presets", "annotations"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([preset(matchLabels={"size": "large"})], {}, id="for others"),
        pytest.param([preset()], {EXCLUDE: "true"}, id="excluded"),
    ],
)
def test_no_preset_changes_nothing(presets: list[VirtualMachineInstancePreset], annotations: JsonObject) -> None:
    vmi = instance(**annotations)
    made = apply_presets(vmi, presets)
    assert (made.vmi, made.applied, made.warnings) == (vmi, (), ())
    assert made.vmi is vmi


def test_an_empty_selector_is_for_all_and_any_other_value_excludes_nothing() -> None:
    vmi = instance(**{EXCLUDE: "yes"})
    assert apply_presets(vmi, [preset(matchLabels={})]).applied == ("small",)


def test_the_instances_own_word_stands() -> None:
    both: JsonObject = {"cpu": {"cores": 4}, "ioThreadsPolicy": "auto"}
    made = apply_presets(instance({"cpu": {"cores": 1}}), [preset(domain=both)])
    domain = made.vmi.spec.domain
    assert domain.cpu is not None
    assert (domain.cpu.cores, domain.io_threads_policy) == (1, "auto")
    assert made.applied == ("small",)
    assert made.warnings == (DEPRECATED, "preset small does not change spec.cpu, which the instance sets itself")


def test_a_preset_that_changes_nothing_is_not_recorded() -> None:
    made = apply_presets(instance({"cpu": {"cores": 1}}), [preset()])
    assert (made.applied, made.vmi.metadata.annotations) == ((), {})


def test_the_same_word_is_no_conflict_and_is_recorded() -> None:
    assert apply_presets(instance({"cpu": {"cores": 4}}), [preset()]).applied == ("small",)


def test_presets_that_agree_are_applied_by_name() -> None:
    more = preset("a-policy", domain={"ioThreadsPolicy": "auto"})
    assert apply_presets(instance(), [preset(), more]).applied == ("a-policy", "small")


def test_presets_that_contradict_each_other_are_an_error_that_names_both() -> None:
    with pytest.raises(Refused) as told:
        apply_presets(instance(), [preset("a"), preset("b", domain={"cpu": {"cores": 2}})])
    assert told.value.cause == (
        "VirtualMachinePresets cannot be applied due to conflicts: presets 'b' and 'a' conflict: spec.cpu"
    )
    assert told.value.remedy


def test_a_selector_that_cannot_be_evaluated_is_told() -> None:
    with pytest.raises(Refused, match="preset small"):
        apply_presets(instance(), [preset(matchExpressions=[{"key": "a", "operator": "Like"}])])


def test_the_given_instance_is_left_alone() -> None:
    vmi = instance()
    apply_presets(vmi, [preset(domain=EVERYTHING)])
    assert vmi == instance()
