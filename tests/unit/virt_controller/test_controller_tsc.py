"""Guests that trust their time stamp counter: the frequency they get, and the nodes that promise it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from controller_objects import NOW, node, vmi
from controller_vmi_seen import STARTED, seen, shaped

from kubevirt.virt_controller import tsc
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.node.controller import NodeController
from kubevirt.virt_controller.vmi.decide import decide
from kubevirt.virt_controller.vmi.shape import hold_s

GHZ = 1_000_000_000
STEADY: dict[str, Any] = {"cpu": {"features": [{"name": "invtsc", "policy": "require"}]}}
WINDOWS: dict[str, Any] = {"features": {"hyperv": {"reenlightenment": {"enabled": True}}}}
SCHEDULABLE = {"kubevirt.io/schedulable": "true"}
PROMISE = "scheduling.node.kubevirt.io/tsc-frequency-"
OLDER_PROMISE: dict[str, Any] = {f"{PROMISE}7": "true"}


def counting(hz: int, *, scalable: bool = False, name: str = "node01", schedulable: str = "true", **more: str) -> Any:
    return node(name, labels={
        "kubevirt.io/schedulable": schedulable, "cpu-timer.node.kubevirt.io/tsc-frequency": str(hz),
        "cpu-timer.node.kubevirt.io/tsc-scalable": "true" if scalable else "false", **more})


@pytest.mark.parametrize(("nodes", "configured", "hz"), [
    pytest.param([], None, 0, id="no nodes"),
    pytest.param([node()], None, 0, id="none that tells"),
    pytest.param([counting(3 * GHZ), counting(2 * GHZ)], None, 2 * GHZ, id="the lowest"),
    pytest.param([counting(3 * GHZ), counting(2 * GHZ, schedulable="false")], None, 3 * GHZ,
                 id="of nodes that take guests"),
    pytest.param([counting(3 * GHZ)], GHZ, GHZ, id="what the administrator says"),
    pytest.param([counting(0)], None, 0, id="nonsense"),
])
def test_the_frequency_of_new_guests(nodes: list[Any], configured: int | None, hz: int) -> None:
    assert tsc.lowest_hz(nodes, configured=configured) == hz


@pytest.mark.parametrize(("scalable", "hz", "can"), [
    pytest.param(False, 2 * GHZ, True, id="its own"),
    pytest.param(False, 2 * GHZ + 500_000, True, id="250 millionth more"),
    pytest.param(False, 2 * GHZ - 500_000, True, id="250 millionth less"),
    pytest.param(False, 2 * GHZ - 500_001, False, id="and not one hertz further"),
    pytest.param(True, GHZ, True, id="a slower one, scaled"),
    pytest.param(True, 3 * GHZ, False, id="never a faster one"),
])
def test_what_a_node_can_count(scalable: bool, hz: int, can: bool) -> None:
    assert tsc.Counter(2 * GHZ, scalable).can_count(hz) is can


@pytest.mark.parametrize(("the_node", "promised"), [
    pytest.param(node(), [], id="a node that tells nothing"),
    pytest.param(node(labels={**SCHEDULABLE, f"{PROMISE}7": "true"}), [], id="what it told once is over"),
    pytest.param(counting(3 * GHZ), [3 * GHZ], id="its own"),
    pytest.param(counting(3 * GHZ, scalable=True), [GHZ, 3 * GHZ], id="and what it can scale to"),
    pytest.param(counting(3 * GHZ, **OLDER_PROMISE), [3 * GHZ], id="in place of an older promise"),
])
def test_what_a_node_promises(the_node: Any, promised: list[int]) -> None:
    found = tsc.labels(the_node, {GHZ, 4 * GHZ})
    assert sorted(key for key in found if key.startswith(PROMISE)) == [f"{PROMISE}{hz}" for hz in promised]
    assert found["kubevirt.io/schedulable"] == "true"
    the_node.metadata.labels = found
    assert tsc.label(the_node, {GHZ, 4 * GHZ}) is None, "what was written is not written again"


@pytest.mark.parametrize(("domain", "hz", "hint", "waits"), [
    pytest.param({}, GHZ, None, False, id="an ordinary guest"),
    pytest.param(STEADY, GHZ, GHZ, True, id="a steady counter: the hint comes first, then the pod"),
    pytest.param(WINDOWS, GHZ, GHZ, False, id="Hyper-V guests need it to migrate"),
    pytest.param(WINDOWS, 0, None, False, id="but do without"),
])
def test_hints(domain: dict[str, Any], hz: int, hint: int | None, waits: bool) -> None:
    o = seen(vmi("Pending", domain=domain), tsc_hz=hz)
    assert decide(o).create_pod is not waits
    new = shaped(o)
    hints = new.status.topology_hints
    assert (hints.tsc_frequency if hints is not None else None) == hint
    if hint:
        assert hold_s(o, new) == 0.0
        assert decide(seen(new, tsc_hz=0)).create_pod


def test_a_steady_counter_that_no_node_has_is_told_of() -> None:
    o = seen(vmi("Pending", domain=STEADY))
    decision = decide(o)
    assert not decision.create_pod
    assert decision.event is not None
    assert (decision.event.type, decision.event.reason) == ("Warning", "FailedGatherhingClusterTopologyHints")
    assert decision.event.message.startswith("failed to determine the lowest tsc frequency on the cluster: ")
    told = find(shaped(o).status.conditions, "Synchronized")
    assert told is not None
    assert (told.reason, told.message) == (decision.event.reason, decision.event.message)


def test_a_running_guest_keeps_its_frequency() -> None:
    told = {"topologyHints": {"tscFrequency": GHZ}}
    new = shaped(seen(vmi("Running", domain=STEADY, status=told), STARTED, tsc_hz=2 * GHZ))
    assert new.status.topology_hints is not None
    assert new.status.topology_hints.tsc_frequency == GHZ


class Store:
    """A cache that tells of changes by hand."""

    def __init__(self, *objects: Any) -> None:
        self.objects = {o.metadata.name: o for o in objects}
        self.tell: Any = None

    def get(self, _namespace: str, name: str) -> Any:
        return self.objects.get(name)

    def all(self) -> list[Any]:
        return list(self.objects.values())

    def by_index(self, _index: str, _key: str) -> list[Any]:
        return []

    def on_change(self, callback: Any) -> None:
        self.tell = callback


def test_nodes_promise_what_guests_have() -> None:
    fast, slow = counting(3 * GHZ, scalable=True), counting(2 * GHZ, name="node02")
    stores: Any = SimpleNamespace(nodes=Store(fast, slow), vmis=Store(), pods=Store())
    queue: Any = SimpleNamespace(keys=[])
    queue.add = queue.keys.append
    sent: list[Any] = []

    async def perform(actions: Any, *, about: Any) -> None:
        assert about is not None
        sent.extend(actions)

    async def never(_name: str) -> bool:
        return False

    doer: Any = SimpleNamespace(perform=perform, tell=lambda *_: None)
    made = NodeController(stores, doer, queue, handler_missing=never, clock=lambda: NOW)
    running = vmi("Running", domain=STEADY, status={"topologyHints": {"tscFrequency": GHZ}})
    stores.vmis.tell(None, running)
    assert queue.keys == ["node01", "node02"]
    stores.vmis.tell(running, running)
    assert queue.keys == ["node01", "node02"], "a frequency that is in use already is no news"
    asyncio.run(made.reconcile("node01"))
    (patch,) = sent
    assert sorted(key for key in patch.new.metadata.labels if key.startswith(PROMISE)) == [
        f"{PROMISE}{hz}" for hz in (GHZ, 2 * GHZ, 3 * GHZ)]
    stores.vmis.tell(running, None)
    sent.clear()
    asyncio.run(made.reconcile("node01"))
    (patch,) = sent
    assert sorted(key for key in patch.new.metadata.labels if key.startswith(PROMISE)) == [
        f"{PROMISE}{hz}" for hz in (2 * GHZ, 3 * GHZ)]
    stores.nodes.tell(node("node03"), counting(GHZ, name="node03"))
    assert queue.keys.count("node01") == 2, "what is lowest may have changed for all"
