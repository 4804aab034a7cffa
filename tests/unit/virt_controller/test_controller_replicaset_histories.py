"""Histories of a replica set: users who scale, pause, relabel and delete, guests that end, lost answers, stale caches.

Whatever happens, no write changes nothing, no pass makes or deletes more than the burst, and in the end there are
exactly the instances that are wanted.
"""

from __future__ import annotations

from unittest.mock import patch

from controller_crowds import Crowds, finish, is_deleting
from controller_histories import Histories, searched
from controller_world import Life, Parts
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from kubevirt.api import names
from kubevirt.api.resources import VMI_REPLICASETS, VMIS
from kubevirt.virt_controller.replicaset import decide
from kubevirt.virt_controller.replicaset.controller import ReplicaSetController

BURST = 2
READY = [{"type": "Ready", "status": "True"}]
LABELS = {"app": "crowd"}
FINAL = ("Succeeded", "Failed")


def watched_controller(p: Parts) -> ReplicaSetController:
    """The controller, with a small burst that no pass may exceed."""
    controller = ReplicaSetController(p.stores, p.performer, p.queue, clock=lambda: p.api.now)
    reconcile = controller.reconcile

    async def watched(key: str) -> None:
        before = len(p.api.writes)
        try:
            with patch.object(decide, "BURST", BURST):
                await reconcile(key)
        finally:
            done = p.api.writes[before:]
            assert done.count("create virtualmachineinstances") <= BURST, done
            assert done.count("delete virtualmachineinstances") <= 2 * BURST, done  # too many, and ended ones

    controller.reconcile = watched  # type: ignore[method-assign]  # watched from here on
    return controller


class SetHistories(Histories):
    """Users, guests and the replica set controller in any order."""

    api: Crowds

    def new_api(self) -> Crowds:
        return Crowds()

    def new_life(self) -> Life:
        return Life(self.api, [watched_controller])

    # Users

    @initialize(replicas=st.integers(2, 4))
    def user_creates(self, replicas: int) -> None:
        if not self.api.all(VMI_REPLICASETS):
            template = {"metadata": {"labels": LABELS}, "spec": {"domain": {"devices": {}}}}
            spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
            self.api.make(VMI_REPLICASETS, {"metadata": {"name": "crowd", "namespace": "shop"}, "spec": spec})
            self.all_goes_well_for_a_while(rounds=3)

    @rule(replicas=st.integers(0, 5))
    def user_creates_or_scales(self, replicas: int) -> None:
        self.user_creates(replicas)
        self.api.update(VMI_REPLICASETS, "crowd", lambda o: o["spec"].update(replicas=replicas))

    @rule(paused=st.booleans())
    def user_pauses(self, paused: bool) -> None:
        for found in self.api.all(VMI_REPLICASETS):
            self.api.update(VMI_REPLICASETS, found["metadata"]["name"], lambda o: o["spec"].update(paused=paused))

    @rule(which=st.integers(0, 5), labels=st.sampled_from([LABELS, {"app": "other"}]))
    def user_relabels(self, which: int, labels: dict[str, str]) -> None:
        for vmi in self.api.all(VMIS)[which:which + 1]:
            self.api.update(VMIS, vmi["metadata"]["name"], lambda o: o["metadata"].update(labels=labels))

    @rule(which=st.integers(0, 5))
    def user_deletes_one(self, which: int) -> None:
        for vmi in self.api.all(VMIS)[which:which + 1]:
            if not is_deleting(vmi):
                self.api.remove(VMIS, vmi["metadata"]["name"])

    @rule(orphan=st.booleans(), sure=st.integers(0, 4))
    def user_deletes_the_set(self, orphan: bool, sure: int) -> None:
        for found in self.api.all(VMI_REPLICASETS) if sure == 4 else ():
            for vmi in self.api.all(VMIS) if orphan else ():
                self.api.orphan(VMIS, vmi["metadata"]["name"])
            self.api.remove(VMI_REPLICASETS, found["metadata"]["name"])

    def users_let_it_work(self) -> None:
        self.user_pauses(False)

    @rule(which=st.integers(0, 5), phase=st.sampled_from(FINAL))
    def a_guest_ends(self, which: int, phase: str) -> None:
        for vmi in self.api.all(VMIS)[which:which + 1]:
            self.api.update(VMIS, vmi["metadata"]["name"], lambda o: o["status"].update(phase=phase))

    def others_do_their_part(self) -> None:
        for vmi in self.api.all(VMIS):
            if is_deleting(vmi):
                finish(self.api, VMIS, vmi, names.FINALIZER_VMI_FOREGROUND)
            elif vmi["status"]["phase"] not in FINAL:
                self.api.update(VMIS, vmi["metadata"]["name"],
                                lambda o: o["status"].update(phase="Running", conditions=READY))
        self.api.collect_garbage()

    def all_is_as_wanted(self) -> None:
        sets, vmis = self.api.all(VMI_REPLICASETS), self.api.all(VMIS)
        assert not [v for v in vmis if is_deleting(v)]
        owned = [v for v in vmis if v["metadata"].get("ownerReferences")]
        if not sets:
            assert owned == []
            return
        (found,) = sets
        status = found["status"]
        active = [v for v in owned if v["status"]["phase"] not in FINAL]
        assert status.get("replicas", 0) == status.get("readyReplicas", 0) == len(active)
        assert all(v["metadata"]["labels"] == LABELS for v in owned)
        assert [v for v in vmis if v not in owned and v["metadata"]["labels"] == LABELS] == []
        paused = bool(found["spec"].get("paused"))
        assert [c["type"] for c in status.get("conditions", [])] == (["ReplicaPaused"] if paused else [])
        if not paused:
            assert len(owned) == found["spec"]["replicas"]


TestSetHistories = SetHistories.TestCase
TestSetHistories.settings = searched(20)
