"""VMs with an instance type or a preference: copies, the start, what the status says, policies, restarts that are
required. What instance types and preferences make of a spec is tested beside the types.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from controller_objects import owner, revision, seen, vm, vmi
from msgspec.structs import replace

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.instancetypes.lookups import Lookup
from kubevirt.api.instancetypes.resources import CLUSTER_INSTANCETYPES, CLUSTER_PREFERENCES
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.json import dig
from kubevirt.virt_controller.actions import Create, Delete, Patch
from kubevirt.virt_controller.revision import StartRevision
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.offered import gather, offers_of_vm, parted_from
from kubevirt.virt_controller.vm.offers import copy_of
from kubevirt.virt_controller.vm.status import status_after

SIZE: dict[str, Any] = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}
LIKED: dict[str, Any] = {"devices": {"preferredDiskBus": "virtio", "preferredInterfaceModel": "e1000e"}}
KINDS = {"instancetype": CLUSTER_INSTANCETYPES, "preference": CLUSTER_PREFERENCES}
BOTH = {"instancetype": {"name": "small", "kind": "VirtualMachineClusterInstancetype"},
        "preference": {"name": "linux", "kind": "VirtualMachineClusterPreference"}}
SIZE_COPY, LIKED_COPY = "web-small-v1beta1-small-uid-3", "web-linux-v1beta1-linux-uid-3"


def offer(kind: str, name: str, spec: dict[str, Any], generation: int = 3) -> Any:
    meta = {"name": name, "uid": f"{name}-uid", "generation": generation, "labels": {"own": "label"}}
    return codec.convert({"metadata": meta, "spec": spec}, KINDS[kind].type_)


SMALL, LINUX = offer("instancetype", "small", SIZE), offer("preference", "linux", LIKED)


def stored(source: Any, the_vm: VirtualMachine) -> StartRevision:
    """The copy as the API server has it."""
    body: Any = copy_of(the_vm, source)
    return StartRevision(metadata=codec.convert(body["metadata"], ObjectMeta), data=body["data"])


def observed(the_vm: VirtualMachine, instance: Any = None, *, cluster: tuple[Any, ...] = (SMALL, LINUX),
             copies: tuple[StartRevision, ...] = (), policy: str = "", **rest: Any) -> Observed:
    there = {Lookup(KINDS["instancetype" if "nstancetype" in obj.kind else "preference"], obj.metadata.name, ""): obj
             for obj in cluster}
    kubevirt = {"spec": {"configuration": {"instancetype": {"referencePolicy": policy}}}} if policy else {}
    return seen(the_vm, instance, offered=gather(the_vm, copies, there.get),
                config=ClusterConfig.of(codec.convert(kubevirt, KubeVirt)), **rest)


def machine(spec: dict[str, Any] | None = None, **rest: Any) -> VirtualMachine:
    return vm(spec=spec if spec is not None else BOTH, **rest)


def copies_of(the_vm: VirtualMachine) -> tuple[StartRevision, ...]:
    return stored(SMALL, the_vm), stored(LINUX, the_vm)


def test_copies_are_made_before_anything_else() -> None:
    actions = decide(observed(machine())).actions
    bodies = [a.body for a in actions if isinstance(a, Create)]
    assert [dig(b, "metadata", "name") for b in bodies] == [SIZE_COPY, LIKED_COPY]
    assert len(bodies) == len(actions)
    assert dig(bodies[0], "metadata", "labels") == {
        "instancetype.kubevirt.io/object-generation": "3", "instancetype.kubevirt.io/object-name": "small",
        "instancetype.kubevirt.io/object-kind": "VirtualMachineClusterInstancetype",
        "instancetype.kubevirt.io/object-uid": "small-uid", "instancetype.kubevirt.io/object-version": "v1beta1"}
    assert dig(bodies[0], "metadata", "ownerReferences") == [owner()]
    data = msgspec.json.decode(bytes(bodies[0]["data"]))
    assert (data["kind"], data["spec"]) == ("VirtualMachineClusterInstancetype", SIZE)
    assert data["metadata"] == {"name": "small", "uid": "small-uid", "generation": 3}


def test_a_halted_vm_gets_its_copies_too() -> None:
    assert [type(a) for a in decide(observed(machine(strategy="Halted"))).actions] == [Create, Create]


def test_with_its_copies_the_vm_is_started_as_they_say() -> None:
    the_vm = machine(volumes=[{"name": "root", "containerDisk": {"image": "x"}}])
    actions = decide(observed(the_vm, copies=copies_of(the_vm))).actions
    remembered, made = (a.body for a in actions if isinstance(a, Create))
    domain = codec.to_builtins(made.spec.domain)
    assert dig(domain, "cpu") == {"sockets": 2, "cores": 1, "threads": 1}
    assert dig(domain, "memory", "guest") == "1Gi"
    assert dig(domain, "devices", "disks") == [{"disk": {"bus": "virtio"}, "name": "root"}]
    assert dig(domain, "devices", "interfaces") == [{"bridge": {}, "model": "e1000e", "name": "default"}]
    assert made.metadata.annotations.items() >= {
        "kubevirt.io/cluster-instancetype-name": "small", "kubevirt.io/cluster-preference-name": "linux"}.items()
    spec = msgspec.json.decode(bytes(remembered["data"]))["spec"]
    assert (spec["instancetype"]["revisionName"], spec["preference"]["revisionName"]) == (SIZE_COPY, LIKED_COPY)
    assert the_vm.spec.template.spec.domain.cpu is None


def test_the_status_names_the_copies_once_they_are_there() -> None:
    the_vm = machine()
    before, after = (status_after(observed(the_vm, copies=copies), None) for copies in ((), copies_of(the_vm)))
    assert (before.instancetype_ref, before.preference_ref) == (None, None)
    assert codec.to_json(after.instancetype_ref) == {
        "name": "small", "kind": "VirtualMachineClusterInstancetype", "controllerRevisionRef": {"name": SIZE_COPY}}
    assert codec.to_json(after.preference_ref) == {
        "name": "linux", "kind": "VirtualMachineClusterPreference", "controllerRevisionRef": {"name": LIKED_COPY}}


def named(the_vm: VirtualMachine) -> VirtualMachine:
    """The VM once its status names the copies."""
    status = codec.to_builtins(status_after(observed(the_vm, copies=copies_of(the_vm)), None))
    return machine(status=status)


def test_a_changed_instance_type_does_not_reach_a_vm_with_a_copy() -> None:
    the_vm = named(machine())
    larger = offer("instancetype", "small", {**SIZE, "cpu": {"guest": 8}}, generation=4)
    o = observed(the_vm, cluster=(larger, LINUX), copies=copies_of(the_vm))
    made = decide(o).actions[-1]
    assert isinstance(made, Create)
    assert made.body.spec.domain.cpu.sockets == 2
    assert status_after(o, None).instancetype_ref == the_vm.status.instancetype_ref


def test_a_copy_keeps_a_vm_when_what_it_was_made_of_is_gone() -> None:
    the_vm = named(machine())
    assert decide(observed(the_vm, cluster=(), copies=copies_of(the_vm))).problem is None


def test_another_name_means_another_copy() -> None:
    the_vm = named(machine())
    moved = machine({**BOTH, "instancetype": {"name": "large", "kind": "VirtualMachineClusterInstancetype"}},
                    status=codec.to_builtins(the_vm.status))
    large = offer("instancetype", "large", SIZE)
    (made,) = decide(observed(moved, cluster=(SMALL, large, LINUX), copies=copies_of(the_vm))).actions
    assert isinstance(made, Create)
    assert dig(made.body, "metadata", "name") == "web-large-v1beta1-large-uid-3"


@pytest.mark.parametrize(("spec", "reason", "message"), [
    pytest.param({"instancetype": {"name": "x"}}, "FailedFindInstancetype",
                 'virtualmachineclusterinstancetypes.instancetype.kubevirt.io "x" not found', id="instance type"),
    pytest.param({"instancetype": {"name": "x", "kind": "Pod"}}, "FailedFindInstancetype",
                 "got unexpected kind in InstancetypeMatcher: Pod", id="kind"),
    pytest.param({"preference": {"name": "x"}}, "FailedFindPreference",
                 'virtualmachineclusterpreferences.instancetype.kubevirt.io "x" not found', id="preference"),
    pytest.param({"preference": {"name": "linux", "revisionName": "gone"}}, "FailedFindPreference",
                 'controllerrevisions.apps "gone" not found', id="copy"),
])
def test_what_is_missing_is_said_and_nothing_is_started(spec: dict[str, Any], reason: str, message: str) -> None:
    decision = decide(observed(machine(spec)))
    assert decision.actions == ()
    assert decision.problem is not None
    assert (decision.problem.reason, decision.problem.message) == (reason, message)
    assert not decision.problem.retry  # the caches wake the VM when it comes


def test_a_vm_whose_instance_type_is_missing_can_still_be_stopped() -> None:
    decision = decide(observed(machine({"instancetype": {"name": "x"}}, strategy="Halted"), vmi()))
    assert [type(a) for a in decision.actions] == [Delete]


STORING = "error encountered while storing instancetype.kubevirt.io controllerRevisions: "


def test_a_copy_with_other_content_is_not_taken() -> None:
    the_vm = machine()
    wrong = stored(offer("instancetype", "small", {**SIZE, "cpu": {"guest": 8}}), the_vm)
    decision = decide(observed(the_vm, copies=(wrong,)))
    message = f"{STORING}found existing ControllerRevision with unexpected data: {SIZE_COPY}"
    assert decision.actions == ()
    assert decision.problem is not None
    assert (decision.problem.reason, decision.problem.message) == ("FailedCreate", message)
    assert [(event.type, event.reason, event.message) for event in decision.news] == [
        ("Warning", "FailedCreate", message)]
    told = {"conditions": [{"type": "Failure", "status": "True", "reason": "FailedCreate", "message": message}]}
    assert decide(observed(machine(status=told), copies=(wrong,))).news == ()


CORES = {"template": {"spec": {"domain": {"devices": {}, "cpu": {"cores": 2}, "firmware": {"uuid": "u"}}}}}


def test_a_template_in_conflict_gets_no_copy() -> None:
    decision = decide(observed(machine({**BOTH, **CORES})))
    assert decision.actions == ()
    assert decision.problem is not None
    assert decision.problem.message == (
        f"{STORING}VM field(s) spec.template.spec.domain.cpu.cores conflicts with selected instance type")


def test_a_template_in_conflict_with_its_copy_is_not_started() -> None:
    the_vm = machine({**BOTH, **CORES})
    decision = decide(observed(the_vm, copies=copies_of(the_vm)))
    cause = "VMI conflicts with instancetype spec in fields: [spec.domain.cpu.cores]"
    assert decision.actions == ()
    assert decision.problem is not None
    assert decision.problem.message == f"Failure while starting VMI: {cause}"
    assert [event.message for event in decision.news] == [
        f"Error creating virtual machine instance: Failed to apply instancetype: {cause}"]


@pytest.mark.parametrize("policy", ["expand", "expandAll"])
def test_by_policy_everything_becomes_the_vms_own(policy: str) -> None:
    (patch,) = decide(observed(machine(), policy=policy)).actions
    assert isinstance(patch, Patch)
    assert (patch.new.spec.instancetype, patch.new.spec.preference) == (None, None)
    assert patch.new.spec.template.spec.domain.cpu.sockets == 2
    assert status_after(observed(patch.new), None).instancetype_ref is None


def test_a_vm_with_copies_is_expanded_only_with_all_others() -> None:
    the_vm = named(machine(strategy="Halted"))
    copies = copies_of(the_vm)
    assert not [a for a in decide(observed(the_vm, policy="expand", copies=copies)).actions if isinstance(a, Patch)]
    actions = decide(observed(the_vm, policy="expandAll", copies=copies)).actions
    assert [type(a) for a in actions] == [Patch, Delete, Delete]
    assert [a.target for a in actions if isinstance(a, Delete)] == list(copies)


def restarting(now: VirtualMachine, then: VirtualMachine, **more: Any) -> bool:
    """Whether a restart is required of a VM that was started from its former state."""
    o = observed(now, vmi(), revisions=(revision(then),), **more)
    return any(c.type == "RestartRequired" for c in status_after(o, None).conditions)


def pinned_to(name: str, generation: int = 1) -> VirtualMachine:
    matcher = {"name": name, "kind": "VirtualMachineClusterInstancetype"}
    return machine({"instancetype": {**matcher, "revisionName": f"web-{name}-v1beta1-{name}-uid-3"}},
                   generation=generation)


def test_a_restart_is_required_when_the_expanded_specs_differ() -> None:
    other_model = offer("instancetype", "fancy", {**SIZE, "cpu": {"guest": 2, "model": "host-passthrough"}})
    same = offer("instancetype", "twin", SIZE)
    then = pinned_to("small")
    copies = tuple(stored(source, then) for source in (SMALL, other_model, same))
    assert restarting(pinned_to("fancy", 2), then, copies=copies)
    assert not restarting(pinned_to("twin", 2), then, copies=copies)
    assert not restarting(pinned_to("fancy", 2), then, cluster=(), copies=copies[1:])  # nobody knows what it was


def test_orphaning_a_vm_leaves_no_copies() -> None:
    the_vm = vm(spec=BOTH, deleting=True,
                finalizers=["kubevirt.io/virtualMachineControllerFinalize", "orphan"])
    copies = copies_of(the_vm)
    actions = decide(observed(the_vm, vmi(), copies=copies)).actions
    assert [a.target for a in actions if isinstance(a, Delete)] == list(copies)


def parted(copies: tuple[StartRevision, ...]) -> tuple[StartRevision, ...]:
    """The copies without their owner."""
    return tuple(replace(c, metadata=replace(c.metadata, owner_references=[])) for c in copies)


def test_copies_that_the_garbage_collector_parted_from_a_vm_first_go_with_it_all_the_same() -> None:
    the_vm = named(machine())
    going = vm(spec=BOTH, deleting=True, status=codec.to_builtins(the_vm.status))
    copies = parted(copies_of(the_vm))
    actions = decide(observed(going, vmi(owned=False), copies=copies)).actions
    assert [a.target for a in actions if isinstance(a, Delete)] == list(copies)


def test_copies_that_a_former_vm_of_the_name_has_left_become_the_vms_own() -> None:
    the_vm = named(machine())
    copies = parted(copies_of(the_vm))
    taken = [a for a in decide(observed(the_vm, copies=copies)).actions if isinstance(a, Patch)]
    assert [a.old for a in taken] == list(copies)
    assert all(codec.to_json(a.new.metadata.owner_references) == [owner()] for a in taken)
    assert all(a.only_while_alive == (VMS, the_vm) for a in taken)


def test_only_such_copies_count_as_parted_from_a_vm() -> None:
    the_vm = named(machine())
    copies = parted(copies_of(the_vm))
    there = {copy.metadata.name: copy for copy in copies}
    assert list(parted_from(the_vm, there.get)) == list(copies)
    assert list(parted_from(the_vm, {c.metadata.name: c for c in copies_of(the_vm)}.get)) == []  # it controls them
    assert list(parted_from(machine(), there.get)) == []  # its status names none
    other = replace(the_vm, metadata=replace(the_vm.metadata, name="shop"))
    assert list(parted_from(other, there.get)) == []  # named by hand


@pytest.mark.parametrize(("spec", "keys"), [
    ({}, []),
    (BOTH, ["virtualmachineclusterinstancetypes//small", "virtualmachineclusterpreferences//linux"]),
    ({"instancetype": {"name": "s", "kind": "VirtualMachineInstancetype"}}, ["virtualmachineinstancetypes/shop/s"]),
    ({"instancetype": {"name": "s", "kind": "Pod"}}, []),
])
def test_a_vm_is_found_by_what_it_names(spec: dict[str, Any], keys: list[str]) -> None:
    assert list(offers_of_vm(machine(spec))) == keys


def test_a_vm_without_either_is_offered_nothing() -> None:
    o = observed(machine({}))
    assert (dict(o.offered.found), o.offered.copies) == ({}, ())
