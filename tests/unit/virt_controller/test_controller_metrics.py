"""What virt-controller tells Prometheus of machines and instances: names, labels, values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from controller_objects import NOW, condition, stamp, vm, vmi
from prometheus_client.core import Metric

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.instancetypes.lookups import Lookup
from kubevirt.api.instancetypes.resources import CLUSTER_INSTANCETYPES, INSTANCETYPES
from kubevirt.api.objects import ConfigMap, PersistentVolumeClaim
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_controller.metrics import instances, machines
from kubevirt.virt_controller.metrics.page import ControllerMetrics
from kubevirt.virt_controller.metrics.phases import PhaseTransitions
from kubevirt.virt_controller.metrics.shown_labels import ALL, ShownLabels, as_chosen

WHO = {"name": "web", "namespace": "shop"}
Offered = dict[Lookup, Any]


def series(families: Iterable[Metric], name: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(s.labels), s.value) for f in families for s in f.samples if s.name == name]


def of_vm(machine: Any, name: str, claims: dict[str, Any] | None = None, offers: Offered | None = None,
          shown: ShownLabels = ALL) -> list[tuple[dict[str, str], float]]:
    found = machines.families([machine], machines.Known(
        claim=lambda _, claim: (claims or {}).get(claim), look=(offers or {}).get, config=ClusterConfig(),
        labels=shown))
    return [({k: v for k, v in labels.items() if k not in WHO}, value)
            for labels, value in series(found, f"kubevirt_vm_{name}")]


def of_vmi(instance: VirtualMachineInstance, name: str, offers: Offered | None = None
           ) -> list[tuple[dict[str, str], float]]:
    return series(instances.families([instance], {"vmi-uid": "virt-launcher-web-x"}, ClusterConfig(),
                                     (offers or {}).get), f"kubevirt_vmi_{name}")


def spec(**domain: Any) -> dict[str, Any]:
    return {"template": {"metadata": {"labels": {}}, "spec": {"domain": {"devices": {}, **domain}}}}


@pytest.mark.parametrize(("word", "group"), [
    ("Provisioning", "starting"), ("Starting", "starting"), ("WaitingForVolumeBinding", "starting"),
    ("Running", "running"), ("Migrating", "migrating"),
    ("Stopped", "non_running"), ("Paused", "non_running"), ("Stopping", "non_running"), ("Terminating", "non_running"),
    ("CrashLoopBackOff", "error"), ("Unknown", "error"), ("ErrorUnschedulable", "error"), ("ErrImagePull", "error"),
    ("ImagePullBackOff", "error"), ("ErrorPvcNotFound", "error"), ("DataVolumeError", "error"),
    ("WaitingForReceiver", "<unknown>"),
])
def test_statuses_are_grouped(word: str, group: str) -> None:
    told = {"printableStatus": word, "conditions": [condition("Ready", "True")]}
    ((labels, value),) = of_vm(vm(status=told), "info")
    assert (labels["status"], labels["status_group"], value) == (word.lower(), group, 1)
    at = NOW.timestamp() - 30
    for each in machines.GROUPS:
        ((_, turn),) = of_vm(vm(status=told), f"{each}_status_last_transition_timestamp_seconds")
        assert turn == (at if each == group or (each == "error" and group == "<unknown>") else 0)


def test_a_machine_without_conditions_has_taken_no_turn() -> None:
    ((_, turn),) = of_vm(vm(status={"printableStatus": "Running"}), "running_status_last_transition_timestamp_seconds")
    assert turn == -1


def test_a_machine_is_described() -> None:
    annotations = {"vm.kubevirt.io/os": "linux", "vm.kubevirt.io/flavor": "tiny"}
    machine = vm(spec={"instancetype": {"name": "small"}}, template={"metadata": {"annotations": annotations}})
    ((labels, _),) = of_vm(machine, "info")
    assert (labels["os"], labels["flavor"], labels["workload"]) == ("linux", "tiny", "")
    assert (labels["instance_type"], labels["preference"]) == ("<other>", "")


def test_labels_of_the_template_win() -> None:
    machine = vm(template={"metadata": {"labels": {"app.io/x": "inner"}}})
    machine.metadata.labels = {"app.io/x": "outer", "tier": "web"}
    assert of_vm(machine, "labels") == [({"label_app_io_x": "inner", "label_tier": "web"}, 1)]
    assert of_vm(vm(template={"metadata": {}}), "labels") == []


@pytest.mark.parametrize(("data", "shown"), [
    pytest.param(None, ["app", "team", "tier"], id="no ConfigMap: all"),
    pytest.param({}, ["app", "team", "tier"], id="one that says nothing: all"),
    pytest.param({"allowlist": "app, team"}, ["app", "team"], id="only some"),
    pytest.param({"ignorelist": "team"}, ["app", "tier"], id="all but some"),
    pytest.param({"allowlist": "app,team", "ignorelist": "team"}, ["app"], id="ignoring wins"),
    pytest.param({"allowlist": ""}, [], id="an empty list allows nothing"),
])
def test_an_administrator_chooses_labels(data: dict[str, str] | None, shown: list[str]) -> None:
    machine = vm(template={"metadata": {}})
    machine.metadata.labels = {"app": "a", "team": "b", "tier": "c"}
    choice = as_chosen(ConfigMap(data=data) if data is not None else None)
    told = [key.removeprefix("label_") for labels, _ in of_vm(machine, "labels", shown=choice) for key in labels]
    assert told == shown


def offer(kind: Any, name: str, vendor: str = "", namespace: str = "", **spec: Any) -> Offered:
    """What a cache has of an instance type or preference."""
    labels = {"instancetype.kubevirt.io/vendor": vendor} if vendor else {}
    found = codec.convert({"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec},
                          kind.type_)
    return {Lookup(kind, name, namespace): found}


SIZE: dict[str, Any] = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}
TYPE = {"name": "small", "kind": "VirtualMachineInstancetype"}


@pytest.mark.parametrize(("matcher", "annotation", "offers", "told"), [
    pytest.param({"name": "u1"}, "kubevirt.io/cluster-instancetype-name",
                 offer(CLUSTER_INSTANCETYPES, "u1", "kubevirt.io", **SIZE), "u1", id="of this project"),
    pytest.param({"name": "u1"}, "kubevirt.io/cluster-instancetype-name",
                 offer(CLUSTER_INSTANCETYPES, "u1", "redhat.com", **SIZE), "u1", id="of another known vendor"),
    pytest.param({"name": "u1"}, "kubevirt.io/cluster-instancetype-name",
                 offer(CLUSTER_INSTANCETYPES, "u1", "example.org", **SIZE), "<other>", id="of an unknown vendor"),
    pytest.param({"name": "u1"}, "kubevirt.io/cluster-instancetype-name", {}, "<other>", id="not there"),
    pytest.param({**TYPE, "name": "u1"}, "kubevirt.io/instancetype-name",
                 offer(INSTANCETYPES, "u1", "kubevirt.io", "shop", **SIZE), "u1", id="of the namespace"),
    pytest.param({**TYPE, "name": "u1"}, "kubevirt.io/instancetype-name",
                 offer(CLUSTER_INSTANCETYPES, "u1", "kubevirt.io", **SIZE), "<other>", id="of the cluster, not meant"),
])
def test_instance_types_of_known_vendors_are_named(matcher: dict[str, str], annotation: str, offers: Offered, told: str
                                                   ) -> None:
    ((of_machine, _),) = of_vm(vm(spec={"instancetype": matcher}), "info", offers=offers)
    ((of_instance, _),) = of_vmi(vmi(annotations={annotation: "u1"}), "info", offers)
    assert (of_machine["instance_type"], of_instance["instance_type"]) == (told, told)
    assert (of_machine["preference"], of_instance["preference"]) == ("", "")


def test_what_a_machine_asks_for_is_told_with_its_instance_type() -> None:
    machine = vm(marked=False, spec={**spec(), "instancetype": {"name": "u1"}})
    found = of_vm(machine, "resource_requests", offers=offer(CLUSTER_INSTANCETYPES, "u1", **SIZE))
    told = {(a["resource"], a["unit"], a["source"]): value for a, value in found}
    assert told["cpu", "sockets", "domain"] == told["cpu", "cores", "guest_effective"] == 2
    assert told["memory", "bytes", "guest"] == told["memory", "bytes", "guest_effective"] == 2 ** 30
    without = of_vm(machine, "resource_requests")
    assert {a["source"] for a, _ in without} == {"default", "guest_effective"}


@pytest.mark.parametrize(("domain", "expected"), [
    pytest.param({}, {"cpu cores default": 1, "cpu threads default": 1, "cpu sockets default": 1,
                      "cpu cores guest_effective": 1}, id="nothing said"),
    pytest.param({"cpu": {"cores": 2, "threads": 2}}, {"cpu cores domain": 2, "cpu threads domain": 2,
                                                       "cpu cores guest_effective": 4}, id="a topology"),
    pytest.param({"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
                 {"cpu cores requests": 0.5, "cpu cores guest_effective": 1, "memory bytes domain": 2 ** 30,
                  "memory bytes guest_effective": 2 ** 30}, id="requests"),
    pytest.param({"cpu": {"cores": 1}, "memory": {"guest": "64Mi", "hugepages": {"pageSize": "2Mi"}}},
                 {"cpu cores domain": 1, "cpu cores guest_effective": 1, "memory bytes guest": 2 ** 26,
                  "memory bytes hugepages": 2 ** 21, "memory bytes guest_effective": 2 ** 26}, id="guest memory"),
    pytest.param({"cpu": {"cores": 1}, "resources": {"limits": {"memory": "64Mi"}}},
                 {"cpu cores domain": 1, "cpu cores guest_effective": 1, "memory bytes guest_effective": 2 ** 26},
                 id="only a limit"),
])
def test_what_a_machine_asks_for(domain: dict[str, Any], expected: dict[str, float]) -> None:
    found = of_vm(vm(marked=False, spec=spec(**domain)), "resource_requests")
    assert {" ".join((a["resource"], a["unit"], a["source"])): value for a, value in found} == expected


def test_limits() -> None:
    machine = vm(spec=spec(resources={"limits": {"cpu": "2", "memory": "64Mi"}}))
    assert of_vm(machine, "resource_limits") == [
        ({"resource": "cpu", "unit": "cores"}, 2), ({"resource": "memory", "unit": "bytes"}, 2 ** 26)]


def test_disks_with_storage_behind_them() -> None:
    claim = codec.convert({"metadata": {"name": "data"}, "spec": {
        "volumeMode": "Block", "resources": {"requests": {"storage": "1Gi"}}}}, PersistentVolumeClaim)
    machine = vm(volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
                          {"name": "b", "persistentVolumeClaim": {"claimName": "nowhere"}},
                          {"name": "c", "emptyDisk": {"capacity": "1Gi"}}])
    assert of_vm(machine, "disk_allocated_size_bytes", {"data": claim}) == [
        ({"persistentvolumeclaim": "data", "volume_mode": "Block", "device": "a"}, 2 ** 30)]


NICS = {"networks": [{"name": "a", "pod": {}}, {"name": "b", "multus": {"networkName": "vlan"}},
                     {"name": "c", "pod": {}}],
        "domain": {"devices": {"interfaces": [
            {"name": "a", "masquerade": {}}, {"name": "b", "bridge": {}, "model": "e1000"},
            {"name": "c", "binding": {"name": "mine"}}, {"name": "unconnected", "bridge": {}}]}}}


def test_interfaces() -> None:
    found = of_vm(vm(marked=False, spec={"template": {"spec": NICS}}), "vnic_info")
    assert [tuple(labels.values()) for labels, _ in found] == [
        ("a", "core", "pod networking", "masquerade", "<none>"), ("b", "core", "vlan", "bridge", "e1000"),
        ("c", "plugin", "pod networking", "mine", "<none>")]


def test_an_instance_is_described() -> None:
    instance = vmi(annotations={"kubevirt.io/cluster-preference-name": "x"}, status={
        "nodeName": "node01", "machine": {"type": "q35"},
        "guestOSInfo": {"name": "Debian", "versionId": "13", "kernelRelease": "6.12", "machine": "x86_64"}})
    ((labels, value),) = of_vmi(instance, "info")
    assert value == 1
    assert labels == {
        "node": "node01", "namespace": "shop", "name": "web", "phase": "running", "os": "", "workload": "",
        "flavor": "", "instance_type": "", "preference": "<other>", "guest_os_kernel_release": "6.12",
        "guest_os_machine": "q35", "guest_os_arch": "x86_64", "guest_os_name": "Debian", "guest_os_version_id": "13",
        "evictable": "true", "outdated": "false", "vmi_pod": "virt-launcher-web-x"}


@pytest.mark.parametrize(("strategy", "conditions", "stuck"), [
    pytest.param("LiveMigrate", [], 1, id="it cannot be migrated"),
    pytest.param("LiveMigrate", [condition("LiveMigratable", "False")], 1, id="for a reason"),
    pytest.param("LiveMigrate", [condition("LiveMigratable", "True")], 0, id="it can"),
    pytest.param("None", [], 0, id="nobody wants that"),
])
def test_evictions(strategy: str, conditions: list[Any], stuck: float) -> None:
    instance = vmi(conditions=conditions)
    instance.spec.eviction_strategy = strategy
    assert [value for _, value in of_vmi(instance, "non_evictable")] == [stuck]


def test_addresses_and_overhead() -> None:
    instance = vmi(status={"interfaces": [
        {"name": "default", "ipAddress": "10.0.0.7", "interfaceName": "eth0"}, {"name": "other"},
        {"interfaceName": "docker0"}], "memory": {"memoryOverhead": "100Mi"}})
    keys = ("vnic_name", "interface_name", "address", "type")
    found = [tuple(labels[k] for k in keys) for labels, _ in of_vmi(instance, "status_addresses")]
    assert found == [("default", "eth0", "10.0.0.7", "ExternalInterface"), ("other", "", "", "SystemInterface")]
    assert [v for _, v in of_vmi(instance, "launcher_memory_overhead_bytes")] == [100 * 2 ** 20]
    assert of_vmi(vmi(), "launcher_memory_overhead_bytes")[0][1] > 2 ** 20


def test_migrations() -> None:
    state = {"startTimestamp": stamp(60), "endTimestamp": stamp(10), "completed": True}
    instance = vmi(status={"migrationState": state})
    assert [v for _, v in of_vmi(instance, "migration_start_time_seconds")] == [NOW.timestamp() - 60]
    ((labels, value),) = of_vmi(instance, "migration_end_time_seconds")
    assert (labels["status"], value) == ("succeeded", NOW.timestamp() - 10)


def at(phase: str, *times: tuple[str, float], **meta: Any) -> VirtualMachineInstance:
    history = [{"phase": p, "phaseTransitionTimestamp": stamp(ago)} for p, ago in times]
    return codec.convert({"metadata": {"name": "web", "namespace": "shop", **meta}, "spec": {"domain": {"devices": {}}},
                          "status": {"phase": phase, "phaseTransitionTimestamps": history}}, VirtualMachineInstance)


def test_phases_are_timed() -> None:
    transitions = PhaseTransitions()
    meta = {"creationTimestamp": stamp(100), "deletionTimestamp": stamp(50)}
    before = at("Scheduled", ("Pending", 99), ("Scheduled", 97), **meta)
    running = at("Running", ("Pending", 99), ("Scheduled", 97), ("Running", 94), **meta)
    ended = at("Succeeded", ("Running", 94), ("Succeeded", 40), **meta)
    transitions.changed(None, before)
    transitions.changed(before, running)
    transitions.changed(running, running)
    transitions.changed(running, ended)
    transitions.changed(ended, None)
    found = list(transitions.families())
    prefix = "kubevirt_vmi_phase_transition_time"
    between = {(a["phase"], a["last_phase"]): v for a, v in series(found, f"{prefix}_seconds_sum")}
    assert between == {("Running", "Scheduled"): 3, ("Succeeded", "Running"): 54}
    assert {a["phase"]: v for a, v in series(found, f"{prefix}_from_creation_seconds_sum")} == {
        "Running": 6, "Succeeded": 60}
    assert {a["phase"]: v for a, v in series(found, f"{prefix}_from_deletion_seconds_sum")} == {"Succeeded": 10}


async def test_a_copy_that_does_not_lead_tells_of_itself_alone() -> None:
    write = await ControllerMetrics(Measures(), host="api").gather()
    found = list(write())
    assert series(found, "kubevirt_virt_controller_leading_status") == [({}, 0)]
    assert series(found, "kubevirt_virt_controller_ready_status") == [({}, 1)]
    assert len([f for f in found if f.name.startswith("kubevirt_vmi_migrations_in_")]) == 4
    assert not [f for f in found if f.name.startswith("kubevirt_vm_")]
