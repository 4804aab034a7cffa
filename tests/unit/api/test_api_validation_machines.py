"""What is refused of machines and replica sets: every row of the table, and what a change must leave alone."""

import pytest

from kubevirt.api import codec
from kubevirt.api.admission import admit_vm
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.validation import validate_replicaset, validate_vm
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.json import Json, JsonObject, merge
from tests.refusals.machines import CLAIM, MACHINES, VOLUME, data
from tests.refusals.machines import machine as manifest
from tests.refusals.samples import GOOD, Refusal, volume

CONFIG = ClusterConfig(default_architecture="amd64")


def machine(change: Json) -> VirtualMachine:
    vm: JsonObject = {"metadata": {"name": "a", "namespace": "b"}, "spec": {"template": {"spec": GOOD}}}
    return codec.convert(merge(vm, change), VirtualMachine)


@pytest.mark.parametrize("template", [{}, {"spec": {}}, {"spec": {"domain": {"devices": {}}}}], ids=str)
def test_an_empty_template_is_one_all_the_same(template: JsonObject) -> None:
    given: JsonObject = {"metadata": {"name": "a"}, "spec": {"runStrategy": "Halted", "template": template}}
    vm = default_vm(codec.convert(given, VirtualMachine), CONFIG, create=True)
    assert validate_vm(vm, CONFIG) == []


def test_defaults_make_no_template_where_none_was_given() -> None:
    vm = codec.convert({"spec": {"runStrategy": "Halted"}}, VirtualMachine)
    assert not default_vm(vm, CONFIG, create=True).spec.has_template


@pytest.mark.parametrize("row", MACHINES, ids=lambda row: f"{row[2]}: {row[3][-60:]}")
def test_refused_machines(row: Refusal) -> None:
    change, *expected = row
    found = validate_vm(codec.convert(manifest(change), VirtualMachine), CONFIG)
    assert [(c.reason.removeprefix("FieldValue"), c.field, c.message) for c in found] == [tuple(expected)]


def test_a_machine_comes_out_with_its_defaults() -> None:
    admission = admit_vm(machine({"spec": {"runStrategy": "Always"}}), CONFIG)
    assert admission.verdict.allowed
    assert admission.object.spec.template.spec.architecture == "amd64"


@pytest.mark.parametrize(
    "spec", [{"running": False}, {"runStrategy": "RerunOnFailure"}, {"runStrategy": "WaitAsReceiver"}]
)
def test_admitted_machines(spec: JsonObject) -> None:
    assert validate_vm(machine({"spec": spec}), CONFIG) == []


def test_a_machine_that_waits_for_a_migration_needs_the_gate() -> None:
    config = ClusterConfig(default_architecture="amd64", disabled_gates=frozenset({"DecentralizedLiveMigration"}))
    found = validate_vm(machine({"spec": {"runStrategy": "WaitAsReceiver"}}), config)
    assert [(cause.field, cause.message) for cause in found] == [
        ("spec.runStrategy", "Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate is not "
         "enabled in kubevirt resource"),
    ]  # fmt: skip


def test_data_volumes_of_a_machine_are_of_its_namespace() -> None:
    def of(namespace: str) -> list[tuple[str, str]]:
        made = merge(data(), {"template": {"spec": merge(GOOD, {"volumes": [VOLUME]})}})
        templates: list[Json] = [{"metadata": {"name": "dv", "namespace": namespace}, "spec": CLAIM}]
        vm = machine({"spec": merge(made, {"dataVolumeTemplates": templates})})
        return [(cause.field, cause.message) for cause in validate_vm(vm, CONFIG)]

    assert of("b") == []
    told = "Embedded DataVolume namespace elsewhere differs from VM namespace b"
    assert of("elsewhere") == [("spec.dataVolumeTemplates[0]", told)]


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"runStrategy": "Always", "running": None}, 'Cannot update VM runStrategy until restore "r" completes'),
        ({"runStrategy": "Halted", "running": None}, ""),
    ],
)
def test_a_machine_is_not_started_while_it_is_restored(now: JsonObject, message: str) -> None:
    old = machine({"spec": {"running": False}, "status": {"restoreInProgress": "r"}})
    new = codec.convert(merge(codec.to_builtins(old), {"spec": now}), VirtualMachine)
    found = [(cause.field, cause.message) for cause in validate_vm(new, CONFIG, old=old)]
    assert found == ([("spec", message)] if message else [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runStrategy": "Always", "running": None}, 'Cannot update vm running state until snapshot "s" completes'),
        (
            {"template": {"spec": volume(containerDisk={"image": "other"})}},
            'Cannot update vm disks or volumes until snapshot "s" completes',
        ),
    ],
)
def test_a_machine_stays_as_it_is_while_a_snapshot_is_taken(change: JsonObject, message: str) -> None:
    old = machine({"spec": {"running": False}, "status": {"snapshotInProgress": "s"}})
    new = codec.convert(merge(codec.to_builtins(old), {"spec": change}), VirtualMachine)
    assert [cause.message for cause in validate_vm(new, CONFIG, old=old)] == [message]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"selector": {"matchLabels": {"a": "b"}}}, []),
        ({"selector": {"matchLabels": {"a": "c"}}}, ["spec.selector"]),
        ({"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}, ["spec.selector"]),
        ({"selector": {"matchLabels": {"a": "b"}}, "template": None}, ["spec.template"]),
    ],
)
def test_replica_sets(spec: JsonObject, fields: list[str]) -> None:
    template: JsonObject = {"metadata": {"labels": {"a": "b"}}, "spec": GOOD}
    replicaset = codec.convert({"spec": {"template": template, **spec}}, VirtualMachineInstanceReplicaSet)
    assert [cause.field for cause in validate_replicaset(replicaset, CONFIG)] == fields
