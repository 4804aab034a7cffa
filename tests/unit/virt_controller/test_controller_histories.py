"""Histories of a VM that nobody would think of: crashes between any two writes, lost answers, stale caches, impatient
users.

Whatever happens, there are never two launchers alive for one VM, no write changes nothing, and once everything has
calmed down the VM is what its spec asks for. Tables of single decisions are tested elsewhere; a failing history is
printed as a program that replays it.
"""

from __future__ import annotations

from typing import Any

from controller_api import Api
from controller_histories import Histories, searched
from controller_objects import FIRMWARE
from controller_world import Controller, Life, new_world
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from kubevirt.api.resources import PODS, VMIS, VMS

STRATEGIES = st.sampled_from(["Always", "Halted", "Manual", "RerunOnFailure", "Once"])
FINAL = ("Succeeded", "Failed")


def compute_state(pod: dict[str, Any]) -> dict[str, Any]:
    """The state of the launcher container."""
    statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
    state: dict[str, Any] = statuses[0]["state"]
    return state


def set_compute(state: dict[str, Any], phase: str) -> Any:
    def edit(pod: dict[str, Any]) -> None:
        pod["status"]["phase"] = phase
        pod["status"]["containerStatuses"] = [{"name": "compute", "ready": "running" in state, "state": state}]
    return edit


def new_vm(strategy: str) -> dict[str, Any]:
    """The VM as its user creates it."""
    template = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}}}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"runStrategy": strategy, "template": template}}


class VmHistories(Histories):
    """Users, kubelet, virt-handler and virt-controller in any order."""

    def new_api(self) -> Api:
        return new_world()

    def new_life(self) -> Life:
        return Controller(self.api)

    # Users

    @initialize(strategy=STRATEGIES)
    def user_creates(self, strategy: str) -> None:
        self.user_creates_or_switches(strategy)
        self.life.hear_all()

    @rule(strategy=STRATEGIES)
    def user_creates_or_switches(self, strategy: str) -> None:
        if not self.api.all(VMS):
            self.api.make(VMS, new_vm(strategy))
        else:
            self.api.update(VMS, "web", lambda o: o["spec"].update(runStrategy=strategy))

    @rule(restart=st.booleans())
    def user_asks(self, restart: bool) -> None:
        """virtctl start or restart on a VM of any strategy, as virt-api would store it."""
        if not self.api.all(VMS):
            return
        asked: list[dict[str, Any]] = [{"action": "Start"}]
        if restart and (vmis := self.api.all(VMIS)):
            asked.insert(0, {"action": "Stop", "uid": vmis[0]["metadata"]["uid"]})
        self.api.update(VMS, "web", lambda o: o.setdefault("status", {}).update(stateChangeRequests=asked))

    @rule(what=st.sampled_from([VMS, VMIS, PODS]))
    def user_deletes(self, what: Any) -> None:
        for obj in self.api.all(what)[:1]:
            if not obj["metadata"].get("deletionTimestamp"):
                self.api.remove(what, obj["metadata"]["name"])

    # The cluster

    @rule()
    def scheduler_and_kubelet_start_pods(self) -> None:
        for pod in self.api.all(PODS):
            name, meta = pod["metadata"]["name"], pod["metadata"]
            if not pod["spec"].get("nodeName"):
                self.api.update(PODS, name, lambda o: o["spec"].update(nodeName="node01"))
            elif not compute_state(pod) and not meta.get("deletionTimestamp"):
                self.api.update(PODS, name, set_compute({"running": {}}, "Running"))

    @rule(exit_code=st.sampled_from([0, 1]))
    def guest_ends(self, exit_code: int) -> None:
        for pod in self.api.all(PODS):
            if "running" in compute_state(pod):
                phase = "Succeeded" if exit_code == 0 else "Failed"
                state = {"terminated": {"exitCode": exit_code}}
                self.api.update(PODS, pod["metadata"]["name"], set_compute(state, phase))

    @rule()
    def kubelet_ends_deleted_pods(self) -> None:
        for pod in self.api.all(PODS):
            if pod["metadata"].get("deletionTimestamp"):
                self.api.vanish(PODS, pod["metadata"]["name"])

    @rule()
    def handler_starts_guests(self) -> None:
        for vmi in self.api.all(VMIS):
            if vmi["status"]["phase"] == "Scheduled" and not vmi["metadata"].get("deletionTimestamp"):
                self.api.update(VMIS, vmi["metadata"]["name"], self.running)

    def running(self, vmi: dict[str, Any]) -> None:
        vmi["status"]["phase"] = "Running"
        vmi["status"]["phaseTransitionTimestamps"].append(
            {"phase": "Running", "phaseTransitionTimestamp": self.api.stamp()})

    @rule()
    def garbage_is_collected(self) -> None:
        self.api.collect_garbage()

    def others_do_their_part(self) -> None:
        self.scheduler_and_kubelet_start_pods()
        self.handler_starts_guests()
        self.kubelet_ends_deleted_pods()
        self.api.collect_garbage()

    # What must always hold

    @invariant()
    def never_two_launchers(self) -> None:
        alive = [p["metadata"]["name"] for p in self.api.all(PODS)
                 if not p["metadata"].get("deletionTimestamp") or "running" in compute_state(p)]
        alive = [n for n in alive if "terminated" not in compute_state(self.api.find(PODS, n))]
        assert len(alive) <= 1, alive

    def all_is_as_wanted(self) -> None:
        vms, vmis, pods = self.api.all(VMS), self.api.all(VMIS), self.api.all(PODS)
        assert not [o for o in [*vms, *vmis, *pods] if o["metadata"].get("deletionTimestamp")]
        if not vms:
            assert (vmis, pods) == ([], [])
            return
        (vm,) = vms
        phases = [v["status"]["phase"] for v in vmis]
        strategy, told = vm["spec"]["runStrategy"], vm["status"]["printableStatus"]
        if strategy == "Always":
            assert (phases, told) == (["Running"], "Running")
        elif strategy == "Halted":
            assert (phases, told) == ([], "Stopped")
        elif phases == ["Running"]:
            assert told == "Running"
        else:
            assert told in ("Stopped", "CrashLoopBackOff")
            assert all(p in FINAL for p in phases)
        assert vm["status"].get("created", False) is bool(vmis)
        asked = [r["action"] for r in vm["status"].get("stateChangeRequests", [])]
        assert not (phases == ["Running"] and asked[:1] == ["Start"]), "a request that is served is kept"


async def test_a_lost_answer_and_deaf_caches_make_no_second_pod() -> None:
    """The pod is there, but nobody has told the controller: neither the API server's answer nor the watch."""
    api = new_world()
    controller = Controller(api)
    api.make(VMS, new_vm("Always"))
    controller.hear_all()
    await controller.work(0)
    api.trouble, api.calls_until_trouble = "after", 1
    await controller.work(1)
    assert "create pods" in api.writes
    for _ in range(3):
        await controller.work(1)
    assert len(api.all(PODS)) == 1


TestVmHistories = VmHistories.TestCase
TestVmHistories.settings = searched(60)
