"""Histories of a pool: users who scale, change the template, detach and delete machines, lost answers, stale caches.

Whatever happens, no write changes nothing, no pass makes or deletes more than the burst, and in the end there are the
wanted machines, all with guests of the present template, and no revision that nobody names.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from controller_crowds import Crowds, finish, is_deleting
from controller_histories import Histories, searched
from controller_world import Life, Parts
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from kubevirt.api import names
from kubevirt.api.resources import VMIS, VMS
from kubevirt.virt_controller.pool import healing, scale, update
from kubevirt.virt_controller.pool.controller import PoolController
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.revision import START_REVISIONS

BURST = 2
READY = [{"type": "Ready", "status": "True"}]
LABELS = {"app": "herd"}
MEMORY = ("64Mi", "128Mi")


def made_from(memory: str) -> dict[str, Any]:
    domain = {"devices": {}, "memory": {"guest": memory}}
    inner = {"metadata": {"labels": LABELS}, "spec": {"domain": domain}}
    return {"metadata": {"labels": LABELS}, "spec": {"runStrategy": "Always", "template": inner}}


def memory_of(spec: dict[str, Any]) -> str:
    return str(spec["template"]["spec"]["domain"]["memory"]["guest"])


def watched_controller(p: Parts) -> PoolController:
    """The controller, with a small burst that no pass may exceed."""
    controller = PoolController(p.stores, p.performer, p.queue, clock=lambda: p.api.now)
    reconcile = controller.reconcile

    async def watched(key: str) -> float | None:
        before = len(p.api.writes)
        try:
            with patch.object(scale, "BURST", BURST), patch.object(update, "BURST", BURST), \
                    patch.object(healing, "BURST", BURST):
                return await reconcile(key)
        finally:
            done = p.api.writes[before:]
            assert done.count("create virtualmachines") <= BURST, done
            assert done.count("delete virtualmachines") <= BURST, done
            assert done.count("delete virtualmachineinstances") <= BURST, done

    controller.reconcile = watched  # type: ignore[method-assign]  # watched from here on
    return controller


class PoolHistories(Histories):
    """Users, the VM controller's part, guests, and the pool controller in any order."""

    api: Crowds

    def new_api(self) -> Crowds:
        return Crowds()

    def new_life(self) -> Life:
        return Life(self.api, [watched_controller])

    # Users

    @initialize(replicas=st.integers(2, 4), memory=st.sampled_from(MEMORY))
    def user_creates(self, replicas: int, memory: str) -> None:
        if not self.api.all(POOLS):
            spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "maxUnavailable": 1,
                    "virtualMachineTemplate": made_from(memory)}
            self.api.make(POOLS, {"metadata": {"name": "herd", "namespace": "shop"}, "spec": spec})
            self.all_goes_well_for_a_while(rounds=4)

    def edit(self, **changes: Any) -> None:
        for found in self.api.all(POOLS):
            if not is_deleting(found):
                self.api.update(POOLS, "herd", lambda o: o["spec"].update(changes))

    @rule(replicas=st.integers(0, 4), memory=st.sampled_from(MEMORY))
    def user_creates_or_scales(self, replicas: int, memory: str) -> None:
        self.user_creates(replicas, memory)
        self.edit(replicas=replicas)

    @rule(memory=st.sampled_from(MEMORY))
    def user_changes_the_template(self, memory: str) -> None:
        self.edit(virtualMachineTemplate=made_from(memory))

    @rule(paused=st.booleans())
    def user_pauses(self, paused: bool) -> None:
        self.edit(paused=paused)

    @rule(which=st.integers(0, 4))
    def user_detaches(self, which: int) -> None:
        for vm in self.api.all(VMS)[which:which + 1]:
            self.api.update(VMS, vm["metadata"]["name"], lambda o: o["metadata"]["labels"].update(app="other"))

    @rule(which=st.integers(0, 4), res=st.sampled_from([VMS, VMIS]))
    def user_deletes_one(self, which: int, res: Any) -> None:
        for obj in self.api.all(res)[which:which + 1]:
            if not is_deleting(obj):
                self.api.remove(res, obj["metadata"]["name"])

    @rule(orphan=st.booleans(), sure=st.integers(0, 4))
    def user_deletes_the_pool(self, orphan: bool, sure: int) -> None:
        for found in self.api.all(POOLS):
            if sure == 4 and not is_deleting(found):
                for vm in self.api.all(VMS) if orphan else ():
                    self.api.orphan(VMS, vm["metadata"]["name"])
                self.api.remove(POOLS, "herd")

    def users_let_it_work(self) -> None:
        self.edit(paused=False)

    # The others

    def others_do_their_part(self) -> None:
        for vmi in self.api.all(VMIS):
            if is_deleting(vmi):
                finish(self.api, VMIS, vmi, "guest")
            else:
                self.api.update(VMIS, vmi["metadata"]["name"],
                                lambda o: o["status"].update(phase="Running", conditions=READY))
        for vm in self.api.all(VMS):
            self.vm_controller(vm)
        self.api.collect_garbage()

    def vm_controller(self, vm: dict[str, Any]) -> None:
        """A machine's instance comes from its template, and goes before it."""
        meta = vm["metadata"]
        instance = self.api.objects.get((VMIS.plural, meta["name"]))
        if is_deleting(vm):
            if instance is None:
                finish(self.api, VMS, vm, names.FINALIZER_VM_CONTROLLER)
            elif not is_deleting(instance):
                self.api.remove(VMIS, meta["name"])
        elif instance is None:
            owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": meta["name"], "uid": meta["uid"],
                     "controller": True}
            inner = vm["spec"]["template"]
            self.api.make(VMIS, {"metadata": {
                "name": meta["name"], "namespace": "shop", "labels": inner["metadata"]["labels"],
                "ownerReferences": [owner], "finalizers": ["guest"]}, "spec": inner["spec"]})
        ready = instance is not None and instance["status"]["phase"] == "Running"
        if (VMS.plural, meta["name"]) in self.api.objects:
            told = [{"type": "Ready", "status": str(ready)}]
            self.api.update(VMS, meta["name"], lambda o: o.setdefault("status", {}).update(conditions=told))

    # How it must end

    def all_is_as_wanted(self) -> None:
        pools, vms = self.api.all(POOLS), self.api.all(VMS)
        owned = [v for v in vms if v["metadata"].get("ownerReferences")]
        held = [v for v in vms if names.FINALIZER_POOL in v["metadata"].get("finalizers", [])]
        revisions = {r["metadata"]["name"] for r in self.api.all(START_REVISIONS)}
        if not pools:
            assert (owned, held, revisions) == ([], [], set())
            return
        (pool,) = pools
        spec, status = pool["spec"], pool["status"]
        assert status.get("replicas", 0) == len([v for v in owned if v["metadata"]["labels"]["app"] == "herd"])
        if spec.get("paused"):
            return
        assert not [o for o in [*vms, *self.api.all(VMIS)] if is_deleting(o)]
        assert len(owned) == spec["replicas"] == status.get("readyReplicas", 0)
        assert held == owned
        wanted = memory_of(spec["virtualMachineTemplate"]["spec"])
        for vm in owned:
            assert vm["metadata"]["labels"]["app"] == "herd"
            assert memory_of(vm["spec"]) == wanted
            guest = self.api.find(VMIS, vm["metadata"]["name"])
            assert str(guest["spec"]["domain"]["memory"]["guest"]) == wanted
            assert guest["metadata"]["labels"][names.LABEL_POOL_REVISION] in revisions
        assert revisions == {v["metadata"]["labels"][names.LABEL_POOL_REVISION] for v in owned}
        assert "conditions" not in status or status["conditions"] == []


TestPoolHistories = PoolHistories.TestCase
TestPoolHistories.settings = searched(25)
