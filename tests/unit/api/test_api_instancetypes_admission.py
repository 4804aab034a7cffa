"""Machines that name an instance type or a preference, on their way through admission, and expanded for good."""

from __future__ import annotations

from typing import Any

import pytest
from instancetypes_cluster import CONFIG, SMALL, Cluster, copy, labels, machine, thing

from kubevirt.api import codec
from kubevirt.api.admission import admit_vm
from kubevirt.api.instancetypes.admission import check, set_defaults
from kubevirt.api.instancetypes.conflicts import Conflicting
from kubevirt.api.instancetypes.expansion import expand_vm
from kubevirt.api.instancetypes.finding import find_offers
from kubevirt.api.instancetypes.lookups import answered
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.json import dig

INSTANCETYPE = thing("VirtualMachineClusterInstancetype", "small", SMALL)
LINUX = {"devices": {"preferredDiskBus": "virtio"}, "machine": {"preferredMachineType": "pc-q35-9.0"}}
PREFERENCE = thing("VirtualMachineClusterPreference", "linux", LINUX)
NAMES: dict[str, Any] = {"instancetype": {"name": "small"}, "preference": {"name": "linux"}}


def defaulted(vm: VirtualMachine, cluster: Cluster, old: VirtualMachine | None = None) -> VirtualMachine:
    made = answered(set_defaults(vm, CONFIG, create=old is None, old=old), cluster.look)
    assert made.causes == []
    return made.vm


def causes(vm: VirtualMachine, cluster: Cluster) -> list[tuple[str, str, str]]:
    found = answered(check(vm, CONFIG), cluster.look)
    return [(cause.reason, cause.field, cause.message) for cause in found]


def test_a_machine_that_names_nothing_costs_no_look_up() -> None:
    cluster = Cluster(INSTANCETYPE, PREFERENCE)
    vm = defaulted(machine(template={"domain": {"devices": {}, "memory": {"guest": "64Mi"}}}), cluster)
    assert causes(vm, cluster) == []
    assert cluster.asked == []


def test_the_kinds_of_the_cluster_are_the_default() -> None:
    vm = defaulted(machine(NAMES), Cluster(INSTANCETYPE, PREFERENCE))
    assert codec.to_json(vm.spec.instancetype) == {"kind": "virtualmachineclusterinstancetype", "name": "small"}
    assert codec.to_json(vm.spec.preference) == {"kind": "virtualmachineclusterpreference", "name": "linux"}


def test_a_machine_keeps_the_board_and_storage_class_that_its_preference_liked() -> None:
    liked = {**LINUX, "volumes": {"preferredStorageClassName": "fast"}, "preferredArchitecture": "amd64"}
    templates = [
        {"metadata": {"name": "a"}, "spec": {"pvc": {}}}, {"metadata": {"name": "b"}, "spec": {"storage": {}}},
        {"metadata": {"name": "c"}, "spec": {"storage": {"storageClassName": "own"}}},
    ]
    cluster = Cluster(INSTANCETYPE, thing("VirtualMachineClusterPreference", "linux", liked))
    made = codec.to_builtins(defaulted(machine({**NAMES, "dataVolumeTemplates": templates}), cluster))
    assert dig(made, "spec", "template", "spec", "domain", "machine", "type") == "pc-q35-9.0"
    kept = dig(made, "spec", "dataVolumeTemplates")
    assert isinstance(kept, list)
    parts = zip(kept, ("pvc", "storage", "storage"), strict=True)
    assert [dig(t, "spec", part, "storageClassName") for t, part in parts] == ["fast", "fast", "own"]


def test_a_preference_that_is_missing_is_told_by_the_rules_alone() -> None:
    vm = defaulted(machine(NAMES), Cluster(INSTANCETYPE))
    assert vm.spec.template.spec.domain.machine is not None
    assert vm.spec.template.spec.domain.machine.type == "q35"


@pytest.mark.parametrize(("label", "taken"), [("arm64", "arm64"), ("s390x", "s390x"), ("vax", "amd64")])
def test_the_architecture_of_a_data_source_is_taken_over_where_it_is_one(label: str, taken: str) -> None:
    ref = {"kind": "DataSource", "name": "newest"}
    vm = machine({"dataVolumeTemplates": [{"metadata": {"name": "dv"}, "spec": {"sourceRef": ref}}]})
    source = thing("DataSource", "newest", {"source": {}}, labels={"template.kubevirt.io/architecture": label})
    assert defaulted(vm, Cluster(source)).spec.template.spec.architecture == taken
    assert defaulted(vm, Cluster()).spec.template.spec.architecture == "amd64"


EITHER = "Either Name or InferFromVolume should be provided within the "


@pytest.mark.parametrize(("matchers", "field", "message"), [
    pytest.param({"instancetype": {}}, "spec.instancetype", f"{EITHER}InstancetypeMatcher", id="no name"),
    pytest.param({"preference": {"kind": "x"}}, "spec.preference", f"{EITHER}PreferenceMatcher", id="only a kind"),
    pytest.param({"instancetype": {"name": "a", "inferFromVolume": "v"}}, "spec.instancetype.name",
                 "Name already set, should be cleared before setting inferFromVolume", id="name and volume"),
    pytest.param({"preference": {"kind": "a", "inferFromVolume": "v"}}, "spec.preference.kind",
                 "Kind already set, should be cleared before setting inferFromVolume", id="kind and volume"),
    pytest.param({"instancetype": {"inferFromVolume": "v", "inferFromVolumeFailurePolicy": "Maybe"}},
                 "spec.instancetype.inferFromVolumeFailurePolicy",
                 "Invalid value 'Maybe' for InferFromVolumeFailurePolicy", id="an unknown policy"),
])
def test_matchers_that_are_wrong(matchers: dict[str, Any], field: str, message: str) -> None:
    made = answered(set_defaults(machine(matchers), CONFIG, create=True), Cluster().look)
    assert [(cause.field, cause.message) for cause in made.causes] == [(field, message)]


@pytest.mark.parametrize(("now", "refused"), [
    pytest.param({"name": "large", "revisionName": "copy"}, True, id="another name with the former copy"),
    pytest.param({"name": "large"}, False, id="another name"),
    pytest.param({"name": "large", "revisionName": "other"}, False, id="another name with another copy"),
    pytest.param({"name": "small", "revisionName": "copy"}, False, id="nothing changed"),
])
def test_a_copy_does_not_outlive_its_name(now: dict[str, Any], refused: bool) -> None:
    old = machine({"instancetype": {"name": "small", "revisionName": "copy"}})
    made = answered(set_defaults(machine({"instancetype": now}), CONFIG, create=False, old=old), Cluster().look)
    told = ("spec.instancetype.revisionName", "the Matcher Name has been updated without updating the RevisionName")
    assert [(cause.field, cause.message) for cause in made.causes] == ([told] if refused else [])


@pytest.mark.parametrize(("matchers", "field", "message"), [
    pytest.param({"instancetype": {"name": "x"}}, "spec.instancetype",
                 'virtualmachineclusterinstancetypes.instancetype.kubevirt.io "x" not found', id="no instance type"),
    pytest.param({"instancetype": {"name": "x", "kind": "VirtualMachineInstancetype"}}, "spec.instancetype",
                 'virtualmachineinstancetypes.instancetype.kubevirt.io "x" not found', id="none in the namespace"),
    pytest.param({"instancetype": {"name": "x", "kind": "Pod"}}, "spec.instancetype",
                 "got unexpected kind in InstancetypeMatcher: Pod", id="a kind that is none"),
    pytest.param({"preference": {"name": "x", "kind": "Pod"}}, "spec.preference",
                 "got unexpected kind in PreferenceMatcher: Pod", id="a preference's kind that is none"),
    pytest.param({"instancetype": {"name": "small", "revisionName": "gone"}}, "spec.instancetype",
                 'controllerrevisions.apps "gone" not found', id="no such copy"),
    pytest.param({"preference": {"name": "x"}}, "spec.preference",
                 'virtualmachineclusterpreferences.instancetype.kubevirt.io "x" not found', id="no preference"),
    pytest.param({"preference": {"name": "x", "revisionName": "copy"}}, "spec.preference",
                 "unexpected type in ControllerRevision copy: VirtualMachineInstancetype", id="a wrong copy"),
])
def test_what_is_named_must_be_there(matchers: dict[str, Any], field: str, message: str) -> None:
    cluster = Cluster(INSTANCETYPE, copy("copy", "small", "VirtualMachineInstancetype", SMALL))
    kind = field.removeprefix("spec.")
    assert causes(machine(matchers), cluster) == [
        ("FieldValueNotFound", field, f"Failure to find {kind}: {message}")]


@pytest.mark.parametrize(("status", "sockets"), [
    pytest.param({}, 2, id="without a copy the instance type itself"),
    pytest.param({"name": "small", "kind": "VirtualMachineClusterInstancetype",
                  "controllerRevisionRef": {"name": "copy"}}, 6, id="the copy of the status"),
    pytest.param({"name": "small", "kind": "VirtualMachineInstancetype", "controllerRevisionRef": {"name": "copy"}}, 2,
                 id="not one of another kind"),
    pytest.param({"name": "old", "kind": "VirtualMachineClusterInstancetype",
                  "controllerRevisionRef": {"name": "other"}}, 2, id="not one of another name"),
])
def test_which_copy_holds(status: dict[str, Any], sockets: int) -> None:
    large = {**SMALL, "cpu": {"guest": 6}}
    cluster = Cluster(INSTANCETYPE, copy("copy", "small", "VirtualMachineClusterInstancetype", large),
                      copy("other", "old", "VirtualMachineClusterInstancetype", large))
    vm = machine({"instancetype": {"name": "small", "kind": "VirtualMachineClusterInstancetype"}},
                 status={"instancetypeRef": status} if status else {})
    offers = answered(find_offers(vm), cluster.look)
    assert offers.instancetype is not None
    assert offers.instancetype.cpu.guest == sockets


def test_conflicts_are_told_field_by_field() -> None:
    template = {"domain": {"devices": {}, "cpu": {"cores": 2}, "memory": {"guest": "1Gi"}}}
    said = "VM field(s) {} conflicts with selected instance type"
    paths = ["spec.template.spec.domain.cpu.cores", "spec.template.spec.domain.memory.guest"]
    assert causes(machine(NAMES, template), Cluster(INSTANCETYPE, PREFERENCE)) == [
        ("FieldValueInvalid", path, said.format(path)) for path in paths]


def test_cpus_that_cannot_be_spread() -> None:
    cluster = Cluster(thing("VirtualMachineClusterInstancetype", "small", {**SMALL, "cpu": {"guest": 3}}),
                      thing("VirtualMachineClusterPreference", "linux", {"cpu": {"preferredCPUTopology": "spread"}}))
    assert causes(machine(NAMES), cluster) == [(
        "FieldValueInvalid", "instancetype.spec.cpu.guest",
        "3 vCPUs provided by the instance type are not divisible by the Spec.PreferSpreadSocketToCoreRatio or "
        "Spec.CPU.PreferSpreadOptions.Ratio of 2 provided by the preference")]


CPU = "spec.template.spec.domain.cpu"


@pytest.mark.parametrize(("preference", "matchers", "domain", "field", "message"), [
    pytest.param({"requirements": {"cpu": {"guest": 4}}}, NAMES, {}, "spec.instancetype",
                 "insufficient CPU resources of 2 vCPU provided by instance type, preference requires 4 vCPU",
                 id="an instance type with too few CPUs"),
    pytest.param({"requirements": {"memory": {"guest": "2Gi"}}}, NAMES, {}, "spec.instancetype",
                 "insufficient Memory resources of 1Gi provided by instance type, preference requires 2Gi",
                 id="an instance type with too little memory"),
    pytest.param({"requirements": {"architecture": "arm64"}}, NAMES, {}, "spec.template.spec.architecture",
                 "preference requires architecture arm64 but amd64 is being requested", id="another architecture"),
    *(pytest.param({"requirements": {"cpu": {"guest": 4}}, "cpu": {"preferredCPUTopology": topology, **more}},
                   {"preference": {"name": "linux"}}, {"cpu": {"sockets": 3, "cores": 1, "threads": 1}},
                   ", ".join(f"{CPU}.{field}" for field in fields),
                   f"insufficient CPU resources of {given} vCPU provided by VirtualMachine, preference requires 4 vCPU "
                   f"provided as {told}", id=f"a machine with too few {told}")
      for topology, more, fields, given, told in (
          ("sockets", {}, ["sockets"], 3, "sockets"), ("cores", {}, ["cores"], 1, "cores"),
          ("threads", {}, ["threads"], 1, "threads"),
          ("any", {}, ["cores", "sockets", "threads"], 3, "cores, sockets and threads"),
          ("spread", {}, ["sockets", "cores"], 3, "SocketsCores"),
          ("spread", {"spreadOptions": {"across": "CoresThreads"}}, ["cores", "threads"], 1, "CoresThreads"),
          ("spread", {"spreadOptions": {"across": "SocketsCoresThreads"}}, ["sockets", "cores", "threads"], 3,
           "SocketsCoresThreads"))),
    pytest.param({"requirements": {"cpu": {"guest": 2}}}, {"preference": {"name": "linux"}}, {}, f"{CPU}.sockets",
                 "insufficient CPU resources of 1 vCPU provided by VirtualMachine, preference requires 2 vCPU provided "
                 "as sockets", id="a machine that says nothing has one CPU"),
    pytest.param({"requirements": {"memory": {"guest": "2Gi"}}}, {"preference": {"name": "linux"}},
                 {"memory": {"guest": "1Gi"}}, "spec.template.spec.domain.memory",
                 "insufficient Memory resources of 1Gi provided by VirtualMachine, preference requires 2Gi",
                 id="a machine with too little memory"),
])
def test_demands_that_are_not_met(preference: dict[str, Any], matchers: dict[str, Any], domain: dict[str, Any],
                                  field: str, message: str) -> None:
    cluster = Cluster(INSTANCETYPE, thing("VirtualMachineClusterPreference", "linux", preference))
    vm = defaulted(machine(matchers, {"domain": {"devices": {}, **domain}}), cluster)
    assert causes(vm, cluster) == [
        ("FieldValueNotFound", field, f"failure checking preference requirements: {message}")]


def test_the_rules_hold_for_the_expanded_template() -> None:
    """The machine alone is fine; with its instance type it has a CPU limit of growth below its number of CPUs."""
    grown = {**SMALL, "cpu": {"guest": 8, "maxSockets": 4}}
    cluster = Cluster(thing("VirtualMachineClusterInstancetype", "small", grown))
    found = causes(machine({"instancetype": {"name": "small"}}), cluster)
    assert found == [("FieldValueInvalid", "spec.template.spec.domain.cpu.sockets",
                      "Number of sockets in CPU topology is greater than the maximum sockets allowed")]


def test_what_admission_stores_is_not_expanded() -> None:
    admitted = admit_vm(machine(NAMES), CONFIG, Cluster(INSTANCETYPE, PREFERENCE).look)
    assert admitted.verdict.allowed
    spec = admitted.object.spec.template.spec
    assert (spec.domain.cpu, spec.domain.memory) == (None, None)


def test_a_volume_without_labels_is_refused_in_one_sentence() -> None:
    volume = {"name": "root", "persistentVolumeClaim": {"claimName": "data"}}
    vm = machine({"preference": {"inferFromVolume": "root"}}, {"domain": {"devices": {}}, "volumes": [volume]})
    admitted = admit_vm(vm, CONFIG, Cluster(thing("PersistentVolumeClaim", "data", labels=labels("small"))).look)
    assert not admitted.verdict.allowed
    assert admitted.verdict.message == (
        "unable to find required instancetype.kubevirt.io/default-preference label on the volume")


def test_an_expanded_machine_stands_for_itself() -> None:
    cluster = Cluster(INSTANCETYPE, PREFERENCE)
    volumes = [{"name": "root", "containerDisk": {"image": "x:1"}}]
    vm = machine(NAMES, {"domain": {"devices": {}}, "volumes": volumes}, status={"instancetypeRef": {"name": "small"}})
    expanded = expand_vm(vm, answered(find_offers(vm), cluster.look), CONFIG)
    assert (expanded.spec.instancetype, expanded.spec.preference) == (None, None)
    assert (expanded.status.instancetype_ref, expanded.status.preference_ref) == (None, None)
    spec = codec.to_builtins(expanded.spec.template.spec)
    assert dig(spec, "domain", "cpu") == {"sockets": 2, "cores": 1, "threads": 1}
    assert dig(spec, "domain", "memory", "guest") == "1Gi"
    assert dig(spec, "domain", "devices", "disks") == [{"disk": {"bus": "virtio"}, "name": "root"}]
    assert dig(spec, "networks") == [{"name": "default", "pod": {}}]
    nothing = Cluster()
    assert causes(expanded, nothing) == []
    assert nothing.asked == []
    assert vm.spec.template.spec.domain.cpu is None  # what was given is left alone


def test_a_machine_in_conflict_cannot_be_expanded() -> None:
    vm = machine(NAMES, {"domain": {"devices": {}, "cpu": {"cores": 2}, "memory": {"guest": "1Gi"}}})
    offers = answered(find_offers(vm), Cluster(INSTANCETYPE, PREFERENCE).look)
    with pytest.raises(Conflicting) as refused:
        expand_vm(vm, offers, CONFIG)
    assert refused.value.cause == (
        "VM field(s) spec.template.spec.domain.cpu.cores, spec.template.spec.domain.memory.guest conflicts with "
        "selected instance type")
