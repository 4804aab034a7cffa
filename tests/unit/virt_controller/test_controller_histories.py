"""Histories of a VM that nobody would think of: crashes between any two writes, lost answers, stale caches, impatient
users.

Whatever happens, there are never two launchers alive for one VM, no write changes nothing, and once everything has
calmed down the VM is what its spec asks for. Tables of single decisions are tested elsewhere; a failing history is
printed as a program that replays it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from controller_objects import FIRMWARE
from controller_world import Api, Controller, new_world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kubevirt.api.resources import PODS, VMIS, VMS

STRATEGIES = st.sampled_from(["Always", "Halted", "Manual", "RerunOnFailure", "Once"])
FINAL = ("Succeeded", "Failed")
CALM_ROUNDS = 60
RECONCILES_PER_ROUND = 100


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


class Histories(RuleBasedStateMachine):
    """Users, kubelet, virt-handler and virt-controller in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.api: Api = new_world()
        self.controller = Controller(self.api)
        self.loop = asyncio.new_event_loop()

    def teardown(self) -> None:
        try:
            self.calm_down()
        finally:
            self.loop.close()

    # Users

    @initialize(strategy=STRATEGIES)
    def user_creates(self, strategy: str) -> None:
        self.user_creates_or_switches(strategy)
        self.controller.hear_all()

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

    @rule(seconds=st.sampled_from([1, 15, 400]))
    def time_passes(self, seconds: int) -> None:
        self.api.now += timedelta(seconds=seconds)

    # virt-controller

    @rule(workers=st.lists(st.sampled_from([0, 1]), min_size=2, max_size=8), call=st.integers(0, 6),
          trouble=st.sampled_from(["before", "after"]))
    def controller_works(self, workers: list[int], call: int, trouble: str) -> None:
        """Some reconciles, of which one call to the API fails, or its answer is lost (call 0: none)."""
        self.api.trouble, self.api.calls_until_trouble = trouble, call
        for worker in workers:
            self.loop.run_until_complete(self.controller.work(worker))
        self.api.calls_until_trouble = 0

    @rule(deaf=st.sets(st.integers(0, 6), max_size=3), events=st.sampled_from([1, 2, 1000]))
    def caches_hear(self, deaf: set[int], events: int) -> None:
        """Some caches fall behind the others."""
        for number, informer in enumerate(self.controller.informers):
            if number not in deaf:
                informer.hear(events)

    @rule()
    def controller_is_killed(self) -> None:
        self.controller = Controller(self.api)

    @rule(rounds=st.integers(1, 4))
    def all_goes_well_for_a_while(self, rounds: int) -> None:
        for _ in range(rounds):
            self.controller.hear_all()
            for worker in (0, 1, 0, 1):
                self.loop.run_until_complete(self.controller.work(worker))
            self.scheduler_and_kubelet_start_pods()
            self.handler_starts_guests()

    # What must always hold

    @invariant()
    def never_two_launchers(self) -> None:
        alive = [p["metadata"]["name"] for p in self.api.all(PODS)
                 if not p["metadata"].get("deletionTimestamp") or "running" in compute_state(p)]
        alive = [n for n in alive if "terminated" not in compute_state(self.api.find(PODS, n))]
        assert len(alive) <= 1, alive

    @invariant()
    def no_write_changes_nothing(self) -> None:
        assert self.api.idle_writes == []

    # How it must end

    def calm_down(self) -> None:
        """Everybody does their part until nothing happens any more; then the VM must be as its spec asks."""
        for _ in range(CALM_ROUNDS):
            before = self.api._version
            self.controller.hear_all()
            for worker in (0, 1):
                for _ in range(RECONCILES_PER_ROUND):
                    if not self.controller.due(worker):
                        break
                    self.loop.run_until_complete(self.controller.work(worker))
                    self.controller.hear_all()
                else:
                    raise AssertionError(f"never at rest: {self.controller.due(worker)}, {self.api.writes[-10:]}")
            self.scheduler_and_kubelet_start_pods()
            self.handler_starts_guests()
            self.kubelet_ends_deleted_pods()
            self.api.collect_garbage()
            if self.api._version == before and not any(q.keys for q in self.controller.queues):
                break
            self.api.now += timedelta(seconds=30)
        else:
            raise AssertionError(f"still busy: {self.api.writes[-20:]}")
        self.never_two_launchers()
        self.no_write_changes_nothing()
        self.all_is_as_wanted()

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


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
