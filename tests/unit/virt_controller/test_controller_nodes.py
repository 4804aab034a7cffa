"""Nodes: what they offer to launcher pods, and what is given up when one falls silent."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from controller_objects import NOW, RUNS, VMI_UID, ended, node, pod, stamp, vmi

from kubevirt.api.resources import VMIS
from kubevirt.virt_controller.act import operations_for
from kubevirt.virt_controller.node.controller import NodeController
from kubevirt.virt_controller.node.decide import Observed, is_responsive, look_again_s, lost, mark_node, orphans
from kubevirt.virt_controller.nodes import NOTHING, Offer, Offers, offer_of

UNUSABLE = {"kubevirt.io/kvm-unusable": "no vmx, no svm"}


@pytest.mark.parametrize(("the_node", "expected"), [
    pytest.param(None, NOTHING, id="no node"),
    pytest.param(node(labels={}), NOTHING, id="virt-handler was never there"),
    pytest.param(node(labels={"kubevirt.io/schedulable": "false"}), NOTHING, id="virt-handler says no"),
    pytest.param(node(kvm=None), NOTHING, id="the kubelet has not told of the devices yet"),
    pytest.param(node(kvm="0"), Offer(told=True), id="no KVM"),
    pytest.param(node(kvm="1000"), Offer(told=True, kvm=True), id="KVM"),
    pytest.param(node(kvm=None, annotations=UNUSABLE), Offer(told=True), id="KVM that does not work, known early"),
])
def test_what_a_node_offers(the_node: Any, expected: Offer) -> None:
    assert offer_of(the_node) == expected


def test_the_cluster_has_kvm_if_one_node_has() -> None:
    offers = Offers()
    without, with_kvm = node("a", kvm="0"), node("b")
    assert (offers.told, offers.kvm) == (False, False)
    assert offers.note(None, without)
    assert (offers.told, offers.kvm) == (True, False)
    assert offers.note(None, with_kvm)
    assert offers.kvm
    assert not offers.note(with_kvm, node("b", heartbeat_ago_s=1))
    assert offers.note(with_kvm, None)
    assert (offers.told, offers.kvm) == (True, False)


@pytest.mark.parametrize(("the_node", "expected"), [
    pytest.param(node(heartbeat_ago_s=10), True, id="heard of just now"),
    pytest.param(node(heartbeat_ago_s=299), True, id="heard of within five minutes"),
    pytest.param(node(heartbeat_ago_s=301), False, id="silent for longer"),
    pytest.param(node(heartbeat_ago_s=None), False, id="never heard of"),
    pytest.param(node(heartbeat_ago_s=None, annotations={"kubevirt.io/heartbeat": "soon"}), False, id="gibberish"),
    pytest.param(node(heartbeat_ago_s=None, annotations={"kubevirt.io/heartbeat": f'"{stamp(5)}"'}), True,
                 id="quoted, as some have written it"),
    pytest.param(None, False, id="gone"),
])
def test_responsive(the_node: Any, expected: bool) -> None:
    assert is_responsive(the_node, NOW) is expected


def seen(the_node: Any, instance: Any = None, *launcher_pods: Any, handler_missing: bool = False) -> Observed:
    vmis = (instance,) if instance is not None else ()
    return Observed(name="node01", node=the_node, vmis=vmis, pods={VMI_UID: launcher_pods},
                    handler_missing=handler_missing, now=NOW)


SILENT = node(heartbeat_ago_s=600)
PLACED, PLACED_NOWHERE = vmi("Scheduled", status={"nodeName": "node01"}), vmi("Scheduling")


@pytest.mark.parametrize(("the_node", "marked"), [
    pytest.param(SILENT, True, id="a silent node takes no more pods"),
    pytest.param(node(), False, id="a node that is heard of stays"),
    pytest.param(node(heartbeat_ago_s=600, labels={"kubevirt.io/schedulable": "false"}), False, id="not twice"),
    pytest.param(node(heartbeat_ago_s=600, labels={}), False, id="not one without virt-handler"),
    pytest.param(None, False, id="not one that is gone"),
])
def test_marking(the_node: Any, marked: bool) -> None:
    patch = mark_node(seen(the_node))
    assert (patch is not None) is marked
    if patch is not None:
        assert patch.new.metadata.labels == {"kubevirt.io/schedulable": "false"}
        assert patch.done is not None
        assert (patch.done.reason, patch.done.message) == (
            "NodeUnresponsive", "virt-handler is not responsive, marking node as unresponsive")


@pytest.mark.parametrize(("observed", "given_up"), [
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS, deleting=True)), True, id="its pod should be gone"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS, ends_in_s=20)), False, id="its pod still has time"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=ended(1))), True, id="its launcher has ended"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=ended(1)), pod(uid="b", compute=RUNS)), False,
                 id="another of its pods runs"),
    pytest.param(seen(SILENT, vmi("Running")), True, id="its pod is gone"),
    pytest.param(seen(None, vmi("Running")), True, id="the whole node is gone"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS)), False, id="its pod still runs"),
    pytest.param(seen(node(), vmi("Running")), False, id="the node is fine"),
    pytest.param(seen(SILENT, vmi("Failed")), False, id="it had ended before"),
])
def test_lost_vmis(observed: Observed, given_up: bool) -> None:
    patches = lost(observed)
    assert len(patches) == given_up
    if given_up:
        (patch,) = patches
        assert patch.resource is VMIS
        assert (patch.new.status.phase, patch.new.status.reason) == ("Failed", "NodeUnresponsive")
        assert operations_for(patch)[0]["op"] == "test"
        assert patch.done is not None
        assert patch.done.message == "virt-handler on node node01 is not responsive, marking VMI as failed"


@pytest.mark.parametrize(("observed", "told"), [
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS), handler_missing=True), True, id="nobody is there"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS)), False, id="virt-handler is there, and may come back"),
    pytest.param(seen(node(), vmi("Running"), handler_missing=True), False, id="it was heard of just now"),
    pytest.param(seen(SILENT, vmi("Failed"), handler_missing=True), False, id="nothing runs there"),
    pytest.param(seen(None, vmi("Running"), handler_missing=True), False, id="there is no node to tell of"),
])
def test_orphaned_vmis(observed: Observed, told: bool) -> None:
    event = orphans(observed)
    assert (event is not None) is told
    if event is not None:
        assert (event.type, event.reason, event.message) == (
            "Warning", "NodeUnresponsive", "virt-handler is not present, there are orphaned vmis on this node. "
            "Run virt-handler on this node to migrate or remove them.")


@pytest.mark.parametrize(("observed", "expected"), [
    pytest.param(seen(node()), 60.0, id="a node with virt-handler is looked at each minute"),
    pytest.param(seen(node(labels={})), None, id="one without it is not"),
    pytest.param(seen(None, vmi("Failed")), None, id="nor what has ended"),
    pytest.param(seen(None, vmi("Running"), pod(compute=RUNS)), 60.0, id="what runs on a node that is gone"),
    pytest.param(seen(SILENT, vmi("Running"), pod(compute=RUNS, ends_in_s=20)), 20.5, id="a pod's time is over sooner"),
])
def test_when_to_look_again(observed: Observed, expected: float | None) -> None:
    assert look_again_s(observed) == expected


class Store:
    """A cache with fixed contents; `tell` plays a change."""

    def __init__(self, *objects: Any) -> None:
        self.objects = {o.metadata.name: o for o in objects}
        self.tell: Any = None

    def get(self, _namespace: str, name: str) -> Any:
        return self.objects.get(name)

    def by_index(self, _index: str, _value: str) -> list[Any]:
        return list(self.objects.values())

    def on_change(self, callback: Any) -> None:
        self.tell = callback


class Doer:
    """Everything works; events are kept."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def perform(self, _actions: Any, *, about: Any) -> None:
        assert about is not None

    def tell(self, _about: Any, event: Any) -> None:
        self.events.append(event.message[:27])


def controller(the_node: Any, *, missing: bool) -> tuple[NodeController, Doer, list[str], SimpleNamespace]:
    stores = SimpleNamespace(nodes=Store(the_node), vmis=Store(vmi("Running", status={"nodeName": "node01"})),
                             pods=Store(pod(compute=RUNS)))
    doer, queue, asked = Doer(), SimpleNamespace(keys=[]), []
    queue.add = queue.keys.append

    async def handler_missing(name: str) -> bool:
        asked.append(name)
        return missing

    # A stand-in: it has what is used here, not the whole type.
    made: Any = NodeController(stores, doer, queue, handler_missing=handler_missing, clock=lambda: NOW)  # type: ignore[arg-type]
    return made, doer, asked, stores


@pytest.mark.parametrize(("the_node", "missing", "told", "asked"), [
    pytest.param(SILENT, True, ["virt-handler is not present"], 1, id="said once"),
    pytest.param(SILENT, False, [], 2, id="not while virt-handler may come back"),
    pytest.param(node(), True, [], 0, id="of a node that is heard of nothing is asked"),
])
def test_orphans_are_told_of_once(the_node: Any, missing: bool, told: list[str], asked: int) -> None:
    made, doer, questions, _ = controller(the_node, missing=missing)
    for _ in range(2):
        assert asyncio.run(made.reconcile("node01")) == 60.0
    assert (doer.events, len(questions)) == (told, asked)


@pytest.mark.parametrize(("old", "new", "looked_at"), [
    pytest.param(node(heartbeat_ago_s=70), node(heartbeat_ago_s=10), False, id="one more heartbeat"),
    pytest.param(node(heartbeat_ago_s=70), SILENT, True, id="a heartbeat of long ago"),
    pytest.param(node(), node(labels={"kubevirt.io/schedulable": "false"}), True, id="it takes no more pods"),
    pytest.param(node(), None, True, id="it is gone"),
])
def test_when_a_node_is_looked_at(old: Any, new: Any, looked_at: bool) -> None:
    made, _, _, stores = controller(old, missing=False)
    stores.nodes.tell(old, new)
    queue: Any = made.queue
    assert (queue.keys == ["node01"]) is looked_at


@pytest.mark.parametrize(("the_node", "old", "new", "looked_at"), [
    pytest.param(SILENT, pod(compute=RUNS), pod(deleting=True), True, id="a pod of a silent node is asked to end"),
    pytest.param(SILENT, pod(deleting=True), None, True, id="it is gone"),
    pytest.param(SILENT, pod(deleting=True), pod(deleting=True, compute=RUNS), False, id="nothing new"),
    pytest.param(SILENT, None, pod(), False, id="a pod that comes"),
    pytest.param(node(), pod(), pod(deleting=True), False, id="virt-handler is there"),
])
def test_when_a_pod_brings_a_look_at_its_node(the_node: Any, old: Any, new: Any, looked_at: bool) -> None:
    made, _, _, stores = controller(the_node, missing=False)
    stores.pods.tell(old, new)
    queue: Any = made.queue
    assert (queue.keys == ["node01"]) is looked_at


@pytest.mark.parametrize(("the_node", "old", "new", "looked_at"), [
    pytest.param(SILENT, PLACED_NOWHERE, PLACED, True, id="a VMI comes to run on a silent node"),
    pytest.param(node("another"), PLACED_NOWHERE, PLACED, True, id="on one that is not there"),
    pytest.param(node(labels={}), None, PLACED, True, id="on one that virt-handler has never called its own"),
    pytest.param(SILENT, PLACED, PLACED, False, id="it is there already"),
    pytest.param(SILENT, None, PLACED_NOWHERE, False, id="it runs nowhere yet"),
    pytest.param(node(), PLACED_NOWHERE, PLACED, False, id="virt-handler is there"),
])
def test_when_an_instance_brings_a_look_at_its_node(the_node: Any, old: Any, new: Any, looked_at: bool) -> None:
    made, _, _, stores = controller(the_node, missing=False)
    stores.vmis.tell(old, new)
    queue: Any = made.queue
    assert (queue.keys == ["node01"]) is looked_at
