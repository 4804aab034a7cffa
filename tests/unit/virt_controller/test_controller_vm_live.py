"""What a change of a running VM's template comes to: a patch of its VMI, `RestartRequired`, or a wait that is told.

One table a kind of change. That interfaces, volumes and disks count as followed or not is the table of neutralized
fields; that the guest really gets what the VMI's spec says is for virt-handler and tested there.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import FIRMWARE, condition, revision, seen, stamp, vm, vmi

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.act import operations_for
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.status import status_after

Json = dict[str, Any]
STAGE = ClusterConfig(live_update=False)
OTHERWISE = "a non-live-updatable field was changed in the template spec"
MIGRATES = {"migrationState": {"startTimestamp": stamp(5)}}
MIGRATABLE = [condition("LiveMigratable", "True")]


def template(*, devices: Json | None = None, domain: Json | None = None, **spec: Any) -> Json:
    """A template's spec."""
    return {"domain": {"firmware": {"uuid": FIRMWARE}, "devices": devices or {}, **(domain or {})}, **spec}


def machine(template_spec: Json, generation: int = 2, **more: Any) -> VirtualMachine:
    return vm(generation=generation, template={"spec": template_spec}, **more)


def running(spec: Json, **kwargs: Any) -> VirtualMachineInstance:
    """The VMI made from this template, with more of its spec filled in by defaults where the test says so."""
    return codec.convert({**codec.to_builtins(vmi(**kwargs)), "spec": spec}, VirtualMachineInstance)


def changed(before: Json, after: Json, instance: VirtualMachineInstance | None = None, *, config: Any = None,
            strategy: str = "", **kwargs: Any) -> Observed:
    """A VM that was started as `before` and now reads `after`."""
    more = {"spec": {"updateVolumesStrategy": strategy}} if strategy else {}
    return seen(machine(after, **more), instance or running(before, **kwargs),
                revisions=(revision(machine(before, generation=1)),), config=config or ClusterConfig())


def restart_of(o: Observed) -> str | None:
    """The message of RestartRequired, None without the condition."""
    told = find(status_after(o, decide(o).problem).conditions, "RestartRequired")
    return told.message if told is not None else None


def patched(o: Observed) -> list[tuple[str, str, Any]]:
    """What is written to the VMI, apart from the guard."""
    found = []
    for action in decide(o).actions:
        assert isinstance(action, Patch)
        assert action.resource.kind == "VirtualMachineInstance"
        guard, *operations = operations_for(action)
        assert guard["op"] == "test"
        found += [(str(op["op"]), str(op["path"]), op.get("value")) for op in operations]
    return found


# What counts as followed: the table of neutralized fields


def hotplug(name: str = "data", claim: str = "c") -> Json:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, "hotpluggable": True}}


def fixed(name: str = "data", claim: str = "c") -> Json:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def disk(name: str = "data", **more: Any) -> Json:
    return {"name": name, "disk": {}, **more}


BRIDGE = {"name": "blue", "bridge": {}}
MASQUERADE = {"name": "default", "masquerade": {}}
POD_NET = {"name": "default", "pod": {}}
BLUE_NET = {"name": "blue", "multus": {"networkName": "blue"}}
BASE = template()


def nics(*interfaces: Json, networks: list[Json]) -> Json:
    return template(devices={"interfaces": list(interfaces)}, networks=networks)


WITH_NIC = nics(MASQUERADE, networks=[POD_NET])
WITH_BOTH = nics(MASQUERADE, BRIDGE, networks=[POD_NET, BLUE_NET])
BLUE_GOES = nics(MASQUERADE, {**BRIDGE, "state": "absent"}, networks=[POD_NET, BLUE_NET])

NEUTRAL = [
    (BASE, BASE, "nothing"),
    (BASE, template(volumes=[hotplug()], devices={"disks": [disk()]}), "a pluggable volume comes with its disk"),
    (template(volumes=[hotplug()], devices={"disks": [disk()]}), BASE, "a pluggable volume goes with its disk"),
    (template(volumes=[hotplug(claim="a")]), template(volumes=[hotplug(claim="b")]), "a pluggable volume is replaced"),
    (WITH_NIC, WITH_BOTH, "an interface on another network is added"),
    (WITH_BOTH, nics(MASQUERADE, {**BRIDGE, "state": "down"}, networks=[POD_NET, BLUE_NET]), "a link goes down"),
    (WITH_BOTH, BLUE_GOES, "an interface is asked to go"),
    (template(nodeSelector={"a": "b"}), BASE, "the node selector"),
    (BASE, template(affinity={"nodeAffinity": {}}), "the affinity"),
    (BASE, template(tolerations=[{"key": "x", "operator": "Exists"}]), "tolerations"),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(b, a, id=why) for b, a, why in NEUTRAL])
def test_needs_no_restart(before: Json, after: Json) -> None:
    assert restart_of(changed(before, after)) is None


CDROM = template(volumes=[hotplug()], devices={"disks": [{"name": "data", "cdrom": {}}]})
RESTART = [
    (BASE, template(hostname="other"), "a host name"),
    (BASE, template(volumes=[fixed()]), "a fixed volume is added"),
    (template(volumes=[fixed()]), BASE, "a fixed volume is taken out"),
    (template(volumes=[fixed(claim="a")]), template(volumes=[fixed(claim="b")]), "a fixed volume is replaced"),
    (template(devices={"disks": [disk()]}, volumes=[fixed()]),
     template(devices={"disks": [disk(bootOrder=1)]}, volumes=[fixed()]), "a disk of a fixed volume changes"),
    (CDROM, template(volumes=[hotplug()]), "a CD-ROM drive is taken out"),
    (WITH_BOTH, WITH_NIC, "an interface is taken out unasked"),
    (BASE, WITH_NIC, "the pod network is added"),
    (WITH_NIC, nics({"name": "default", "bridge": {}}, networks=[POD_NET]), "an interface changes its binding"),
    (WITH_BOTH, nics(MASQUERADE, BRIDGE, networks=[POD_NET, {"name": "blue", "multus": {"networkName": "green"}}]),
     "an attachment changes under a VMI that cannot move"),
    (BASE, template(domain={"cpu": {"cores": 2}}), "cores"),
    (BASE, template(domain={"memory": {"hugepages": {"pageSize": "2Mi"}}}), "huge pages"),
    (template(domain={"firmware": {"uuid": FIRMWARE}}), template(domain={"firmware": {"uuid": FIRMWARE[::-1]}}),
     "another firmware UUID"),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(b, a, id=why) for b, a, why in RESTART])
def test_needs_a_restart(before: Json, after: Json) -> None:
    o = changed(before, after)
    assert restart_of(o) == OTHERWISE
    assert patched(o) == []


@pytest.mark.parametrize("after", [
    pytest.param(template(nodeSelector={"a": "b"}), id="the node selector"),
    pytest.param(template(tolerations=[{"key": "x", "operator": "Exists"}]), id="tolerations"),
    pytest.param(template(affinity={"nodeAffinity": {}}), id="the affinity"),
    pytest.param(template(domain={"cpu": {"sockets": 2}}), id="sockets"),
    pytest.param(template(domain={"memory": {"guest": "2Gi"}}), id="memory"),
])
def test_under_the_rollout_strategy_stage_everything_waits_for_a_restart(after: Json) -> None:
    o = changed(BASE, after, config=STAGE)
    assert restart_of(o) == OTHERWISE
    assert patched(o) == []


def test_a_firmware_uuid_that_the_guest_already_has_needs_no_restart() -> None:
    bare = {"domain": {"devices": {}}}
    o = seen(machine(BASE), running(BASE), revisions=(revision(vm(marked=False, template={"spec": bare})),))
    assert restart_of(o) is None


def test_an_attachment_may_change_under_a_vmi_that_can_move() -> None:
    other = nics(MASQUERADE, BRIDGE, networks=[POD_NET, {"name": "blue", "multus": {"networkName": "green"}}])
    o = changed(WITH_BOTH, other, conditions=MIGRATABLE)
    assert restart_of(o) is None
    assert patched(o) == [("replace", "/spec/networks", other["networks"])]


def test_the_condition_goes_when_the_difference_does() -> None:
    stored = {"conditions": [condition("RestartRequired", "True", message=OTHERWISE)]}
    o = seen(machine(BASE, generation=3, status=stored), running(BASE), revisions=(revision(machine(BASE)),))
    assert restart_of(o) is None


# CPU sockets


def cpu(sockets: int, cores: int = 1, most: int | None = None, resources: Json | None = None) -> Json:
    topology = {"sockets": sockets, "cores": cores, **({"maxSockets": most} if most else {})}
    return template(domain={"cpu": topology, **({"resources": resources} if resources else {})})


@pytest.mark.parametrize(("now", "asked", "more", "restart", "problem"), [
    pytest.param(cpu(1, most=4), 2, {}, None, "", id="one more"),
    pytest.param(cpu(1, most=4), 5, {}, "CPU sockets updated in template spec to a value higher than what's available",
                 "", id="more than were prepared"),
    pytest.param(cpu(2, most=4), 1, {}, "Reduction of CPU socket count requires a restart", "", id="fewer"),
    pytest.param({**cpu(1), "architecture": "arm64"}, 2, {}, "ARM doesn't support CPU hotplug", "", id="on ARM"),
    pytest.param(cpu(1, most=4), 2, {"conditions": [condition("HotVCPUChange", "True")]}, None,
                 "another CPU hotplug is in progress", id="while the guest still waits for the last ones"),
    pytest.param(cpu(1, most=4), 2, {"status": MIGRATES}, None, "CPU hotplug is not allowed while VMI is migrating",
                 id="while it migrates"),
])
def test_sockets(now: Json, asked: int, more: Json, restart: str | None, problem: str) -> None:
    before = cpu(now["domain"]["cpu"]["sockets"])
    o = changed(before, cpu(asked), running(now, **more))
    assert restart_of(o) == restart
    told = decide(o).problem
    assert (told.message if told else "") == (
        f"Error encountered while handling CPU change request: {problem}" if problem else "")
    assert told is None or told.reason == "HotPlugCPUError"
    expected = [] if restart or problem else [("replace", "/spec/domain/cpu/sockets", asked)]
    assert patched(o) == expected


def test_cpu_amounts_that_the_vm_names_grow_with_the_sockets() -> None:
    amounts = {"requests": {"cpu": "200m"}, "limits": {"cpu": "1"}}
    o = changed(cpu(1, 2, resources=amounts), cpu(3, 2, resources=amounts), running(cpu(1, 2, 4, amounts)))
    assert {path: value for _, path, value in patched(o)} == {
        "/spec/domain/cpu/sockets": 3,
        "/spec/domain/resources/requests/cpu": "600m",
        "/spec/domain/resources/limits/cpu": "1400m",
    }


# Memory


def memory(guest: str, most: str | None = None, resources: Json | None = None, **more: Any) -> Json:
    size = {"guest": guest, **({"maxGuest": most} if most else {})}
    return template(domain={"memory": size, **({"resources": resources} if resources else {}), **more})


HAS_1GI = {"memory": {"guestAtBoot": "1Gi", "guestCurrent": "1Gi", "guestRequested": "1Gi"}}
SINCE_GROWN = {"memory": {"guestAtBoot": "1Gi", "guestCurrent": "2Gi", "guestRequested": "2Gi"}}
PREPARED = memory("1Gi", "4Gi")


@pytest.mark.parametrize(("after", "instance", "restart", "problem"), [
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE), None, "", id="more memory"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI,
                                        conditions=[*MIGRATABLE, condition("HotMemoryChange", "False")]),
                 "memory updated in template spec. Memory-hotplug failed and is not available for this VM "
                 "configuration", "", id="the last try failed"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI),
                 "memory updated in template spec. Memory-hotplug is only available for migratable VMs", "",
                 id="the VMI cannot move"),
    pytest.param(memory("2Gi"), running(memory("1Gi"), status=HAS_1GI, conditions=MIGRATABLE),
                 "memory updated in template spec. Memory-hotplug is not available for this VM configuration", "",
                 id="nothing was prepared"),
    pytest.param(memory("2Gi", launchSecurity={"sev": {}}), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 OTHERWISE, "", id="something else changed as well"),
    pytest.param(memory("1025Mi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 "memory hotplug not supported, Guest memory must be 2Mi aligned", "", id="an odd size"),
    pytest.param(memory("1Gi"), running(memory("2Gi", "4Gi"), conditions=MIGRATABLE, status={
        "memory": {"guestAtBoot": "2Gi", "guestCurrent": "2Gi"}}),
                 "memory updated in template spec to a value lower than what the VM started with", "",
                 id="less than at the start"),
    pytest.param(memory("8Gi"), running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE),
                 "memory updated in template spec to a value higher than what's available", "",
                 id="more than was prepared"),
    pytest.param(memory("2Gi"), running(PREPARED, status=HAS_1GI,
                                        conditions=[*MIGRATABLE, condition("HotMemoryChange", "True")]),
                 None, "another memory hotplug is in progress", id="while the guest still waits for the last change"),
    pytest.param(memory("2Gi"), running(PREPARED, status={**HAS_1GI, **MIGRATES}, conditions=MIGRATABLE),
                 None, "memory hotplug is not allowed while VMI is migrating", id="while it migrates"),
])
def test_memory(after: Json, instance: VirtualMachineInstance, restart: str | None, problem: str) -> None:
    o = changed(memory("512Mi"), after, instance)
    assert restart_of(o) == restart
    told = decide(o).problem
    assert (told.message if told else "") == (
        f"error encountered while handling memory hotplug requests: {problem}" if problem else "")
    assert told is None or told.reason == "HotPlugMemoryError"
    if restart or problem:
        assert patched(o) == []
    else:
        assert ("replace", "/spec/domain/memory/guest", "2Gi") in patched(o)


OBSTACLES = [
    (memory("512Mi"), "Memory hotplug is only available for VMs with at least 1Gi of guest memory"),
    ({**memory("2Gi"), "architecture": "s390x"}, "Memory hotplug is only available for x86_64 VMs"),
    (memory("2Gi", cpu={"realtime": {}}), "Memory hotplug is not compatible with realtime VMs"),
    (memory("2Gi", cpu={"numa": {"guestMappingPassthrough": {}}}),
     "Memory hotplug is not compatible with guest mapping passthrough"),
    (memory("2Gi", launchSecurity={"sev": {}}), "Memory hotplug is not compatible with encrypted VMs"),
]


@pytest.mark.parametrize(("after", "why"), [pytest.param(a, w, id=w) for a, w in OBSTACLES])
def test_guests_whose_memory_cannot_grow(after: Json, why: str) -> None:
    before = codec.convert(after, type(machine(after).spec.template.spec))
    as_started = codec.to_builtins(before)
    as_started["domain"]["memory"] = {"guest": "1Gi"}
    o = changed(as_started, after, running(PREPARED, status=HAS_1GI, conditions=MIGRATABLE))
    assert restart_of(o) == f"memory hotplug not supported, {why}"


@pytest.mark.parametrize(("has", "status", "to", "expected"), [
    pytest.param({"requests": {"memory": "1Gi"}}, HAS_1GI, "2Gi", {"requests": {"memory": "2Gi"}}, id="up by as much"),
    pytest.param({"requests": {"memory": "512Mi"}}, HAS_1GI, "2Gi", {"requests": {"memory": "2Gi"}},
                 id="never below the guest"),
    pytest.param({"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}}, HAS_1GI, "2Gi",
                 {"requests": {"memory": "2Gi"}, "limits": {"memory": "4Gi"}}, id="the limit, too"),
])
def test_memory_amounts_move_with_the_guest(has: Json, status: Json, to: str, expected: Json) -> None:
    o = changed(memory("1Gi"), memory(to), running(memory("1Gi", "4Gi", has), status=status, conditions=MIGRATABLE))
    (action,) = decide(o).actions
    assert isinstance(action, Patch)
    resources = codec.to_builtins(action.new.spec.domain.resources)
    assert {k: v for k, v in resources.items() if v} == expected


# Where it may run


@pytest.mark.parametrize(("before", "after", "expected"), [
    pytest.param(BASE, template(nodeSelector={"a": "b"}), [("add", "/spec/nodeSelector", {"a": "b"})], id="added"),
    pytest.param(template(nodeSelector={"a": "b"}), template(nodeSelector={"a": "c"}),
                 [("replace", "/spec/nodeSelector/a", "c")], id="replaced"),
    pytest.param(template(nodeSelector={"a": "b"}), BASE, [("remove", "/spec/nodeSelector", None)], id="removed"),
    pytest.param(BASE, template(affinity={"podAffinity": {}}), [("add", "/spec/affinity", {"podAffinity": {}})],
                 id="affinity"),
    pytest.param(BASE, template(tolerations=[{"key": "x"}]), [("add", "/spec/tolerations", [{"key": "x"}])],
                 id="tolerations"),
])
def test_placement(before: Json, after: Json, expected: list[Any]) -> None:
    assert patched(changed(before, after)) == expected


@pytest.mark.parametrize(("after", "reason", "message"), [
    (template(nodeSelector={"a": "b"}), "AffinityChangeError",
     "Node affinity should not be changed during VMI migration"),
    (template(affinity={"podAffinity": {}}), "AffinityChangeError",
     "Node affinity should not be changed during VMI migration"),
    (template(tolerations=[{"key": "x"}]), "TolerationsChangeError",
     "tolerations should not be changed during VMI migration"),
])
def test_placement_is_not_changed_during_a_migration(after: Json, reason: str, message: str) -> None:
    o = changed(BASE, after, status=MIGRATES)
    problem = decide(o).problem
    assert problem is not None
    assert (problem.reason, problem.message, problem.retry) == (reason, message, False)
    assert patched(o) == []


# Interfaces


def reported(*names: str, ordinal: bool = False) -> Json:
    return {"interfaces": [{"name": n, "podInterfaceName": f"net{i}" if ordinal else f"pod{n}"}
                           for i, n in enumerate(names)]}


def states(o: Observed) -> dict[str, str | None]:
    """The interfaces of the VMI afterwards, with their states."""
    (action,) = decide(o).actions or (None,)
    new = action.new if isinstance(action, Patch) else None
    instance = new if isinstance(new, VirtualMachineInstance) else o.vmi
    assert instance is not None
    return {i.name: i.state for i in instance.spec.domain.devices.interfaces}


@pytest.mark.parametrize(("before", "after", "status", "expected"), [
    pytest.param(WITH_NIC, WITH_BOTH, {}, {"default": None, "blue": None}, id="a new one is added"),
    pytest.param(WITH_NIC, BLUE_GOES, {}, {"default": None}, id="one that is to go at once is not"),
    pytest.param(WITH_BOTH, BLUE_GOES, reported("default", "blue"), {"default": None, "blue": "absent"},
                 id="one is asked to go"),
    pytest.param(WITH_BOTH, BLUE_GOES, reported("default", "blue", ordinal=True), {"default": None, "blue": None},
                 id="not where others would be renamed"),
    pytest.param(BLUE_GOES, BLUE_GOES, reported("default"), {"default": None}, id="one that is gone leaves the VMI"),
    pytest.param(BLUE_GOES, WITH_BOTH, reported("default", "blue"), {"default": None, "blue": "absent"},
                 id="nothing brings back one on its way out"),
    pytest.param(WITH_BOTH, nics(MASQUERADE, {**BRIDGE, "state": "down"}, networks=[POD_NET, BLUE_NET]),
                 reported("default", "blue"), {"default": None, "blue": "down"}, id="a link goes down"),
])
def test_interfaces(before: Json, after: Json, status: Json, expected: dict[str, str | None]) -> None:
    assert states(changed(before, after, status=status)) == expected


def test_interfaces_follow_under_the_rollout_strategy_stage_too() -> None:
    assert states(changed(WITH_NIC, WITH_BOTH, config=STAGE)) == {"default": None, "blue": None}


def test_a_new_interface_comes_with_its_network() -> None:
    assert ("replace", "/spec/networks", [POD_NET, BLUE_NET]) in patched(changed(WITH_NIC, WITH_BOTH))


def test_an_interface_that_is_gone_from_the_instance_leaves_the_template() -> None:
    o = changed(WITH_BOTH, BLUE_GOES, running(WITH_NIC, status=reported("default")))
    (action,) = decide(o).actions
    assert isinstance(action, Patch)
    assert action.resource.kind == "VirtualMachine"
    assert [i.name for i in action.new.spec.template.spec.domain.devices.interfaces] == ["default"]
    assert [n.name for n in action.new.spec.template.spec.networks] == ["default"]


# Volumes that would have to migrate


TWO = template(volumes=[fixed(claim="a")], devices={"disks": [disk()]})


@pytest.mark.parametrize(("after", "conditions", "message"), [
    pytest.param(template(volumes=[fixed(claim="b")], devices={"disks": [disk()]}),
                 [condition("StorageLiveMigratable", "False", message="a host device")],
                 "cannot migrate the volumes as the VMI isn't migratable: a host device", id="what the node says"),
    pytest.param(template(volumes=[fixed(claim="b")], devices={"disks": [disk()]}), [],
                 "cannot migrate the volumes as the VMI isn't migratable: live migration is not available in this "
                 "version of KubeVirt", id="nothing can be migrated yet"),
    pytest.param(template(volumes=[hotplug(claim="b")], devices={"disks": [disk()]}), [],
                 "invalid volumes to update with migration: hotplugged: [data]", id="a plugged volume"),
])
def test_claims_replaced_for_a_migration(after: Json, conditions: list[Any], message: str) -> None:
    o = changed(TWO, after, strategy="Migration", conditions=conditions)
    assert restart_of(o) == message
    assert patched(o) == []


@pytest.mark.parametrize(("devices", "kind"), [
    ({"filesystems": [{"name": "data", "virtiofs": {}}]}, "filesystems"),
    ({"disks": [disk(shareable=True)]}, "shareable"),
    ({"disks": [{"name": "data", "lun": {}}]}, "luns"),
])
def test_claims_that_could_not_be_migrated_at_all(devices: Json, kind: str) -> None:
    before, after = (template(volumes=[fixed(claim=c)], devices=devices) for c in "ab")
    assert restart_of(changed(before, after, strategy="Migration")) == (
        f"invalid volumes to update with migration: {kind}: [data]")


# Together


def test_what_can_be_followed_is_one_write() -> None:
    after = {**cpu(2), "nodeSelector": {"a": "b"}, "tolerations": [{"key": "x"}]}
    o = changed(cpu(1), after, running(cpu(1, most=4)))
    assert len(decide(o).actions) == 1
    assert {path for _, path, _ in patched(o)} == {"/spec/domain/cpu/sockets", "/spec/nodeSelector",
                                                   "/spec/tolerations"}


def test_a_change_that_needs_a_restart_keeps_back_the_others() -> None:
    o = changed(BASE, template(hostname="other", nodeSelector={"a": "b"}))
    assert patched(o) == []


def test_a_template_that_was_changed_back_still_needs_a_restart_for_sockets_plugged_meanwhile() -> None:
    """The guest has two; the generation must not say that it is what the template asks for."""
    o = changed(cpu(1), cpu(1), running(cpu(2, most=4)))
    assert restart_of(o) == "Reduction of CPU socket count requires a restart"
    assert patched(o) == []


def test_once_followed_there_is_nothing_left_to_write() -> None:
    after = template(nodeSelector={"a": "b"})
    assert patched(changed(BASE, after, running(after))) == []


@pytest.mark.parametrize("instance", [
    pytest.param(running(BASE, phase="Succeeded", ran=True), id="an ended VMI"),
    pytest.param(running(BASE, deleting=True), id="a VMI on its way out"),
])
def test_what_is_ending_follows_nothing(instance: VirtualMachineInstance) -> None:
    o = seen(vm("Manual", generation=2, template={"spec": template(nodeSelector={"a": "b"})}), instance,
             revisions=(revision(machine(BASE)),))
    assert patched(o) == []
    assert restart_of(o) is None
