"""Pools, the number of machines: which come, under which names, which go, in which order, and what they leave behind.

What a change of the template does is test_controller_pool_updates'.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import condition, owner, stamp
from controller_pools import FINALIZER, LABELS, UID, down, machine, pool, revision_of, seen, serving, template

from kubevirt.api import codec, names
from kubevirt.api.kinds import POOLS as POOLS_AMONG_KINDS
from kubevirt.api.meta import OwnerReference
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.kit.errors import Refused
from kubevirt.virt_controller.actions import Create, Delete, Patch, SyncProblem
from kubevirt.virt_controller.datavolumes import DataVolume
from kubevirt.virt_controller.pool import course, healing, membership, scale
from kubevirt.virt_controller.pool.machines import new_machine
from kubevirt.virt_controller.pool.observed import BURST, Member, Observed
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.pool.status import events, status_after

UNMANAGED: dict[str, Any] = {"scaleInStrategy": {"unmanaged": {}}}
OPPORTUNISTIC: dict[str, Any] = {"scaleInStrategy": {"opportunistic": {}}}


def said(groups: membership.Groups) -> list[str]:
    """Actions in short."""
    return [", ".join(map(short, group)) for group in groups]


def short(action: Any) -> str:
    match action:
        case Delete():
            return f"delete {action.target.metadata.name}"
        case Patch():
            return f"patch {action.old.metadata.name}"
        case _:
            body = action.body
            return f"create {body['metadata']['name'] if isinstance(body, dict) else body.metadata.name}"


def proactive(**policy: Any) -> dict[str, Any]:
    return {"scaleInStrategy": {"proactive": {"selectionPolicy": policy}}}


# How many


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(pool()), ["create herd-0", "create herd-1"], id="none yet"),
    pytest.param(seen(pool(None)), ["create herd-0"], id="one is wanted where nothing is said"),
    pytest.param(seen(pool(), machine(0), machine(1)), [], id="as many as wanted"),
    pytest.param(seen(pool(3), machine(0), machine(2)), ["create herd-1"], id="a gap is filled"),
    pytest.param(seen(pool(1), taken=("herd-0",)), ["create herd-1"], id="a name is somebody else's"),
    pytest.param(seen(pool(1), machine(0, deleting=True)), [], id="one on its way out keeps its number"),
    pytest.param(seen(pool(1), machine(0, labels={})), ["create herd-1"], id="one that no longer fits does not count"),
    pytest.param(seen(pool(0)), [], id="none is wanted"),
    pytest.param(seen(pool(paused=True)), [], id="paused"),
    pytest.param(seen(pool(deleting=True)), [], id="on its way out"),
    pytest.param(seen(pool(selector={"matchLabels": {"app": "x"}})), [], id="its own machines would not fit"),
    pytest.param(seen(pool(made_from=template(labels={}))), [], id="a template without labels"),
    pytest.param(seen(pool(selector={"matchExpressions": [{"key": "app", "operator": "Like"}]})), [],
                 id="a selector that nobody can read"),
    pytest.param(seen(pool(1000)), [f"create herd-{i}" for i in range(BURST)], id="not all at once"),
])
def test_machines_come(o: Observed, expected: list[str]) -> None:
    assert said(course.scale_out(o)) == expected


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(pool(**proactive(sortPolicy="AscendingOrder")), *map(machine, range(4))),
                 ["delete herd-0", "delete herd-1"], id="the lowest numbers first"),
    pytest.param(seen(pool(**proactive(sortPolicy="DescendingOrder")), *map(machine, (2, 10, 9))), ["delete herd-10"],
                 id="the highest number first, by value"),
    pytest.param(seen(pool(1, **proactive(sortPolicy="Newest")), machine(0, age_s=5), machine(1, age_s=50)),
                 ["delete herd-0"], id="the newest first"),
    pytest.param(seen(pool(1, **proactive(sortPolicy="Oldest")), machine(0, age_s=5), machine(1, age_s=50)),
                 ["delete herd-1"], id="the oldest first"),
    pytest.param(seen(pool(0, **proactive(sortPolicy="AscendingOrder")), machine(0, deleting=True), machine(1)),
                 ["delete herd-1"], id="one goes already"),
    pytest.param(seen(pool(1), machine(0, deleting=True), machine(1)), [], id="those that go are enough"),
    pytest.param(seen(pool(1, **UNMANAGED), machine(0), machine(1)), [], id="unmanaged"),
    pytest.param(seen(pool(1, **OPPORTUNISTIC), machine(0), machine(1)), [], id="opportunistic"),
    pytest.param(seen(pool(1, paused=True), machine(0), machine(1)), [], id="paused"),
    pytest.param(seen(pool(1, deleting=True), machine(0), machine(1)), [], id="the pool itself goes"),
])
def test_machines_go(o: Observed, expected: list[str]) -> None:
    assert said(scale.scale_in(o)) == expected


def test_at_random_by_default_and_never_too_many() -> None:
    many = seen(pool(5), *(machine(i) for i in range(400)))
    gone = said(scale.scale_in(many))
    assert len(gone) == len(set(gone)) == BURST
    assert gone != sorted(gone, key=lambda s: int(s.rpartition("-")[2]))


def special(index: int, *, labels: dict[str, str] | None = None, node: dict[str, str] | None = None) -> Member:
    vm = machine(index)
    vm.spec.template.metadata.labels.update(labels or {})
    vm.spec.template.spec.node_selector = node or {}
    return Member(vm=vm)


HERD = (special(0, labels={"tier": "old"}, node={"zone": "a", "rank": "3"}),
        special(1, node={"zone": "b", "rank": "9"}),
        special(2, node={"rank": "high"}))
ON_NODE = "nodeSelectorRequirementMatcher"


@pytest.mark.parametrize(("selectors", "expected"), [
    pytest.param({"labelSelector": {"matchLabels": {"tier": "old"}}}, [0], id="by label of the template"),
    pytest.param({ON_NODE: [{"key": "zone", "operator": "In", "values": ["a"]}]}, [0], id="In"),
    pytest.param({ON_NODE: [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, [1, 2],
                 id="NotIn"),
    pytest.param({ON_NODE: [{"key": "zone", "operator": "Exists"}]}, [0, 1], id="Exists"),
    pytest.param({ON_NODE: [{"key": "zone", "operator": "DoesNotExist"}]}, [2],
                 id="DoesNotExist"),
    pytest.param({ON_NODE: [{"key": "rank", "operator": "Gt", "values": ["5"]}]}, [1], id="Gt"),
    pytest.param({ON_NODE: [{"key": "rank", "operator": "Lt", "values": ["5"]}]}, [0], id="Lt"),
    pytest.param({"labelSelector": {"matchLabels": {"tier": "old"}},
                  ON_NODE: [{"key": "zone", "operator": "In", "values": ["b"]}]}, [],
                 id="all must hold"),
])
def test_only_those_that_the_selectors_take(selectors: dict[str, Any], expected: list[int]) -> None:
    policy = proactive(sortPolicy="AscendingOrder", selectors=selectors)
    assert said(scale.scale_in(seen(pool(0, **policy), *HERD))) == [f"delete herd-{i}" for i in expected]


@pytest.mark.parametrize("requirement", [
    pytest.param({"key": "zone", "operator": "Near"}, id="an unknown operator"),
    pytest.param({"key": "rank", "operator": "Gt", "values": ["many"]}, id="not a number"),
    pytest.param({"key": "rank", "operator": "Lt"}, id="no number"),
])
def test_a_selector_that_cannot_be_read(requirement: dict[str, Any]) -> None:
    policy = proactive(selectors={ON_NODE: [requirement]})
    with pytest.raises(Refused):
        scale.scale_in(seen(pool(0, **policy), *HERD))


# Names


VOLUMES = [
    {"name": "a", "dataVolume": {"name": "root"}},
    {"name": "b", "persistentVolumeClaim": {"claimName": "root"}},
    {"name": "c", "persistentVolumeClaim": {"claimName": "shared"}},
    {"name": "d", "configMap": {"name": "settings"}},
    {"name": "e", "secret": {"secretName": "key"}},
    {"name": "f", "cloudInitNoCloud": {"secretRef": {"name": "user"}, "networkDataSecretRef": {"name": "net"}}},
    {"name": "g", "cloudInitConfigDrive": {"secretRef": {"name": "user"}}},
]


def names_in(generation: dict[str, bool]) -> list[str | None]:
    the_pool = pool(made_from=template(volumes=VOLUMES, disks=["root"]), nameGeneration=generation)
    spec = new_machine(the_pool, 7, revision="herd-1").spec
    (disk,) = spec.data_volume_templates
    a, b, c, d, e, f, g = (codec.to_builtins(v) for v in spec.template.spec.volumes)
    cloud: Any = f["cloudInitNoCloud"], g["cloudInitConfigDrive"]
    found: list[Any] = [a["dataVolume"], b["persistentVolumeClaim"], c["persistentVolumeClaim"], d["configMap"],
                        e["secret"], cloud[0]["secretRef"], cloud[0]["networkDataSecretRef"], cloud[1]["secretRef"]]
    assert disk.metadata is not None
    return [disk.metadata.name, *(next(iter(source.values())) for source in found)]


@pytest.mark.parametrize(("generation", "expected"), [
    pytest.param({}, ["root-7", "root-7", "root-7", "shared", "settings", "key", "user", "net", "user"],
                 id="data volumes always"),
    pytest.param({"appendIndexToConfigMapRefs": True},
                 ["root-7", "root-7", "root-7", "shared", "settings-7", "key", "user", "net", "user"], id="ConfigMaps"),
    pytest.param({"appendIndexToSecretRefs": True},
                 ["root-7", "root-7", "root-7", "shared", "settings", "key-7", "user-7", "net-7", "user-7"],
                 id="Secrets"),
])
def test_what_carries_the_number(generation: dict[str, bool], expected: list[str]) -> None:
    assert names_in(generation) == expected


def test_a_new_machine() -> None:
    the_pool = pool(generation=4, made_from=template(annotations={"note": "x"}))
    (group,) = course.scale_out(seen(the_pool, machine(0)))
    (action,) = group
    assert isinstance(action, Create)
    vm = action.body
    assert vm.metadata.labels == {**LABELS, names.LABEL_POOL_REVISION: "herd-4"}
    assert vm.metadata.annotations["note"] == "x"
    assert vm.metadata.finalizers == [FINALIZER, names.FINALIZER_VM_CONTROLLER]
    assert vm.spec.template.metadata.labels == {**LABELS, names.LABEL_POOL_REVISION: "herd-4"}
    (ref,) = vm.metadata.owner_references
    assert (ref.api_version, ref.kind, ref.uid, ref.controller) == (
        "pool.kubevirt.io/v1beta1", "VirtualMachinePool", UID, True)
    assert action.done is not None
    assert (action.done.reason, action.done.message) == ("SuccessfulCreate", "Created VM shop/herd-1")
    assert action.failed.event == "Error creating VM: "


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(pool(), revisions=()), ["create herd-1"], id="before the first machine"),
    pytest.param(seen(pool()), [], id="it is there"),
    pytest.param(seen(pool(generation=2)), ["create herd-2"], id="before the next machine"),
    pytest.param(seen(pool(generation=2), machine(0), machine(1)), [], id="no new machine"),
])
def test_a_revision_is_kept_before_machines_name_it(o: Observed, expected: list[str]) -> None:
    assert said(course.record_for_new(o)) == expected


# Whose they are


@pytest.mark.parametrize(("o", "expected"), [
    pytest.param(seen(pool(finalizers=[])), ["patch herd"], id="the pool holds on to itself"),
    pytest.param(seen(pool(), machine(0)), [], id="all is well"),
    pytest.param(seen(pool(), machine(0, labels={"app": "mine"})), ["patch herd-0"], id="one was detached"),
    pytest.param(seen(pool(), strays=(machine(0, owned=None),)), ["patch herd-0"], id="one whose owner was taken away"),
    pytest.param(seen(pool(paused=True), machine(0, labels={})), [], id="paused"),
])
def test_whose_machines_are_whose(o: Observed, expected: list[str]) -> None:
    assert said(membership.claim(o)) == expected


def test_a_detached_machine_is_free_of_the_pool() -> None:
    others = owner("Fleet", "all", "fleet")
    vm = machine(0, labels={}, finalizers=[FINALIZER, "x/y"])
    vm.metadata.owner_references.append(codec.convert({**others, "controller": False}, OwnerReference))
    patch = membership.let_go(vm, UID)
    assert [ref.uid for ref in patch.new.metadata.owner_references] == ["fleet"]
    assert patch.new.metadata.finalizers == ["x/y"]


@pytest.mark.parametrize(("o", "first", "last"), [
    pytest.param(seen(pool(deleting=True), machine(0), machine(1, finalizers=[])), ["patch herd-0", "delete herd-1"],
                 ["patch herd"], id="machines are freed, revisions dropped, then it goes"),
    pytest.param(seen(pool(deleting=True, finalizers=["foregroundDeletion"])), ["delete herd-1"], [], id="again"),
])
def test_the_end_of_a_pool(o: Observed, first: list[str], last: list[str]) -> None:
    assert tuple(map(said, membership.end(o))) == (first, last)


# What a machine leaves behind


def with_disks(**rest: Any) -> Any:
    made = template(volumes=[{"name": "a", "dataVolume": {"name": "root-0"}},
                             {"name": "b", "persistentVolumeClaim": {"claimName": "more"}}], disks=["root-0"])
    return machine(0, deleting=True, made_from=made, **rest)


def claim(name: str, owner_uid: str = "uid-herd-0") -> Any:
    refs = [owner("VirtualMachine", "herd-0", owner_uid)]
    return codec.convert({"metadata": {"name": name, "namespace": "shop", "ownerReferences": refs}},
                         PersistentVolumeClaim)


DISKS = {"persistentvolumeclaims/root-0": claim("root-0"), "persistentvolumeclaims/more": claim("more", "another"),
         "datavolumes/root-0": DataVolume(metadata=claim("root-0").metadata)}


@pytest.mark.parametrize(("strategy", "vm", "expected"), [
    pytest.param({}, with_disks(), ["patch herd-0"], id="nothing, by default"),
    pytest.param({"proactive": {"statePreservation": "Disabled"}}, with_disks(), ["patch herd-0"], id="Disabled"),
    pytest.param({"proactive": {"statePreservation": "Offline"}}, with_disks(),
                 ["patch root-0, patch root-0, patch herd-0"], id="its own disks; Offline"),
    pytest.param({"opportunistic": {"statePreservation": "Online"}}, with_disks(),
                 ["patch root-0, patch root-0, patch herd-0"], id="its own disks; Online"),
    pytest.param({"proactive": {"statePreservation": "Offline"}},
                 with_disks(finalizers=[FINALIZER, "foregroundDeletion"]), ["patch herd-0"],
                 id="deleted with all it owns"),
    pytest.param({"unmanaged": {}}, with_disks(), [], id="unmanaged"),
    pytest.param({}, with_disks(finalizers=[]), [], id="cleaned up already"),
    pytest.param({}, machine(0), [], id="it stays"),
])
def test_what_stays_of_a_machine(strategy: dict[str, Any], vm: Any, expected: list[str]) -> None:
    assert said(scale.clean_up(seen(pool(1, scaleInStrategy=strategy), vm, disks=DISKS))) == expected


def test_the_disks_that_are_asked_after() -> None:
    strategy = {"proactive": {"statePreservation": "Offline"}}
    o = seen(pool(1, scaleInStrategy=strategy), with_disks())
    assert scale.disks_to_keep(o, o.members[0]) == ["root-0", "more"]
    (group,) = scale.clean_up(seen(pool(1, scaleInStrategy=strategy), with_disks(), disks=DISKS))
    assert isinstance(group[0], Patch)
    assert group[0].new.metadata.owner_references == []


# Healing


def sick(word: str, since_s: float = 400, ready: str = "False") -> dict[str, Any]:
    is_ready = {**condition("Ready", ready), "lastTransitionTime": stamp(since_s)}
    return {"printableStatus": word, "conditions": [is_ready]}


def failed(times: int) -> dict[str, Any]:
    return {"startFailure": {"consecutiveFailCount": times}}


HEAL: dict[str, Any] = {"autohealing": {}}


@pytest.mark.parametrize(("the_pool", "status", "is_replaced"), [
    *(pytest.param(pool(**HEAL), sick(word), True, id=word) for word in sorted(healing.SICK)),
    pytest.param(pool(**HEAL), sick("Stopped"), False, id="stopped"),
    pytest.param(pool(**HEAL), sick("ErrorUnschedulable", 100), False, id="not for long enough"),
    pytest.param(pool(**HEAL), sick("ErrImagePull", ready="True"), False, id="it serves"),
    pytest.param(pool(autohealing={"minFailingToStartDuration": "1m"}), sick("ErrImagePull", 100), True, id="1m"),
    pytest.param(pool(autohealing={"minFailingToStartDuration": "soon"}), sick("ErrImagePull", 100), False,
                 id="a duration that nobody can read"),
    pytest.param(pool(**HEAL), failed(3), True, id="failed three times"),
    pytest.param(pool(**HEAL), failed(2), False, id="failed twice"),
    pytest.param(pool(autohealing={"startUpFailureThreshold": 1}), failed(1), True, id="once is too often"),
    pytest.param(pool(), failed(9), False, id="no healing"),
    pytest.param(pool(paused=True, **HEAL), failed(9), False, id="paused"),
])
def test_healing(the_pool: Any, status: dict[str, Any], is_replaced: bool) -> None:
    assert said(healing.heal(seen(the_pool, machine(0, status=status)))) == (["delete herd-0"] if is_replaced else [])


def test_healing_where_clean_up_is_unmanaged() -> None:
    o = seen(pool(**HEAL, **UNMANAGED), machine(0, status=failed(5)))
    assert said(healing.heal(o)) == ["patch herd-0, delete herd-0"]
    o = seen(pool(**HEAL), machine(0, status=failed(5), deleting=True))
    assert said(healing.heal(o)) == []


def test_healing_looks_again_in_time() -> None:
    assert healing.next_look_s(seen(pool(**HEAL), machine(0, status=sick("ErrImagePull", 100)))) == 200
    assert healing.next_look_s(seen(pool(**HEAL), machine(0))) is None
    assert healing.next_look_s(seen(pool(), machine(0, status=sick("ErrImagePull", 100)))) is None


# Status


READY_VM = {"conditions": [condition("Ready", "True")]}
IS_PAUSED = {"conditions": [condition("ReplicaPaused", "True", "SuccessfulPaused", "Pool controller is paused")]}
HAS_FAILED = {"conditions": [condition("ReplicaFailure", "True", "FailedScaleOut", "error during scale out: quota")]}
FAILED = SyncProblem(reason="FailedScaleOut", message="error during scale out: quota")


def test_the_status_counts() -> None:
    o = seen(pool(), machine(0, status=READY_VM), machine(1, deleting=True), machine(2, labels={}, status=READY_VM))
    status = status_after(o, None)
    assert (status.replicas, status.ready_replicas, status.label_selector) == (2, 1, "app=herd")
    assert status.conditions == []


@pytest.mark.parametrize(("o", "problem", "conditions", "told"), [
    pytest.param(seen(pool()), None, [], [], id="all is well"),
    pytest.param(seen(pool()), FAILED, [("ReplicaFailure", "FailedScaleOut", "error during scale out: quota")],
                 [("FailedScaleOut", "error during scale out: quota")], id="it failed"),
    pytest.param(seen(pool(status=HAS_FAILED)), FAILED,
                 [("ReplicaFailure", "FailedScaleOut", "error during scale out: quota")], [], id="it still fails"),
    pytest.param(seen(pool(status=HAS_FAILED)), None, [], [], id="it works again"),
    pytest.param(seen(pool(paused=True)), None, [("ReplicaPaused", "SuccessfulPaused", "Pool controller is paused")],
                 [("SuccessfulPaused", "Pool is paused")], id="paused"),
    pytest.param(seen(pool(paused=True, status=IS_PAUSED)), None,
                 [("ReplicaPaused", "SuccessfulPaused", "Pool controller is paused")], [], id="still paused"),
    pytest.param(seen(pool(status=IS_PAUSED)), None, [], [("SuccessfulResume", "Pool is unpaused")], id="goes on"),
])
def test_conditions_and_events(o: Observed, problem: SyncProblem | None, conditions: list[Any], told: list[Any]
                               ) -> None:
    new = status_after(o, problem)
    assert [(c.type, c.reason, c.message) for c in new.conditions] == conditions
    assert [(e.reason, e.message) for e in events(o, new)] == told


@pytest.mark.parametrize(("action", "done", "failed_event"), [
    pytest.param(scale.delete(machine(0)), ("SuccessfulDelete", "Deleted VM shop/herd-0 with uid uid-herd-0 from pool"),
                 "Error deleting virtual machine shop/herd-0: ", id="scale in"),
    pytest.param(scale.clean_up(seen(pool(1), with_disks()))[0][0], None,
                 "Error removing finalizer for VM shop/herd-0: ", id="clean-up"),
])
def test_the_words_of_actions(action: Any, done: tuple[str, str] | None, failed_event: str) -> None:
    assert (None if action.done is None else (action.done.reason, action.done.message)) == done
    assert action.failed.event == failed_event


def test_the_resource_is_the_one_among_all_kinds() -> None:
    assert POOLS == POOLS_AMONG_KINDS
    assert down(0).is_available is False
    assert serving(0).is_available is True
    assert revision_of(template()).metadata.name == "herd-1"
