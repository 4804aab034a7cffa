"""Histories of one instance without a machine: claims that come late, pods that find no place or no image, are evicted
or deleted by somebody, guests that end, nodes that fall silent with all that runs on them, and crashes at any write.

Whatever happens, there are never two launchers alive of one name and none without its instance, an instance that has
ended stays ended, and while one waits it says for what.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller_api import Api
from controller_histories import Histories, searched
from controller_objects import FOREGROUND, node
from controller_world import Life, Parts, vmi_controller
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from test_controller_histories import compute_state, set_compute

from kubevirt.api import codec
from kubevirt.api.resources import NODES, PODS, PVCS, VMIS
from kubevirt.virt_controller.node.controller import NodeController
from kubevirt.virt_controller.node.decide import SILENT_FOR

FINAL = ("Succeeded", "Failed")
FIRST, SECOND = "node01", "node02"
HEARTBEAT, SCHEDULABLE = "kubevirt.io/heartbeat", "kubevirt.io/schedulable"
FOR_EVER = "2999-01-01T00:00:00Z"
"""The heartbeat of a node that lives; to renew it all the time would keep histories from coming to rest."""


async def not_missing(_node: str) -> bool:
    return False


def node_controller(p: Parts) -> NodeController:
    return NodeController(p.stores, p.performer, p.queue, handler_missing=not_missing, clock=lambda: p.api.now)


def condition_of(obj: dict[str, Any], type_: str) -> dict[str, Any]:
    found = obj["status"].get("conditions", [])
    return next((c for c in found if c["type"] == type_), {"status": "", "reason": "", "message": ""})


def placed_on(node: str) -> Callable[[dict[str, Any]], None]:
    """What the scheduler writes when it has found a node for a pod."""

    def edit(pod: dict[str, Any]) -> None:
        pod["spec"].update(nodeName=node)
        pod["status"].update(conditions=[])

    return edit


class VmiHistories(Histories):
    """A user, scheduler, kubelets, virt-handlers, and virt-controller in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: set[str] = set()
        self.ended: dict[str, str] = {}

    def new_api(self) -> Api:
        api = Api()
        for name in (FIRST, SECOND):
            api.make(NODES, codec.to_builtins(node(name, annotations={HEARTBEAT: FOR_EVER}, heartbeat_ago_s=None)))
        return api

    def new_life(self) -> Life:
        return Life(self.api, [vmi_controller, node_controller])

    # The user

    @initialize(with_claim=st.booleans(), rounds=st.integers(0, 4))
    def user_creates(self, with_claim: bool, rounds: int) -> None:
        """Histories begin at any point of a start, most of them with a guest that runs."""
        self.with_claim = with_claim
        self.user_creates_it_anew()
        self.all_goes_well_for_a_while(rounds)
        self.life.hear_all()

    @rule()
    def user_creates_it_anew(self) -> None:
        if self.api.all(VMIS):
            return
        claims = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}] if self.with_claim else []
        self.api.make(VMIS, {"metadata": {"name": "web", "namespace": "shop", "finalizers": [FOREGROUND]},
                             "spec": {"domain": {"devices": {}}, "volumes": claims}})

    @rule(what=st.sampled_from([VMIS, PODS]))
    def user_deletes(self, what: Any) -> None:
        for obj in self.api.all(what)[:1]:
            if not obj["metadata"].get("deletionTimestamp"):
                self.api.remove(what, obj["metadata"]["name"])

    @rule()
    def claim_comes(self) -> None:
        if not self.api.all(PVCS):
            self.api.make(PVCS, {"metadata": {"name": "data", "namespace": "shop"}, "status": {"phase": "Bound"}})

    # Nodes

    @rule(name=st.sampled_from([FIRST, SECOND]), silent=st.booleans())
    def node_falls_silent_or_comes_back(self, name: str, silent: bool) -> None:
        (self.silent.add if silent else self.silent.discard)(name)
        beat = self.api.stamp() if silent else FOR_EVER

        def edit(obj: dict[str, Any]) -> None:
            if silent and obj["metadata"]["annotations"][HEARTBEAT] != FOR_EVER:
                return
            obj["metadata"]["annotations"][HEARTBEAT] = beat
            if not silent:
                obj["metadata"]["labels"][SCHEDULABLE] = "true"

        self.api.update(NODES, name, edit)

    @rule()
    def a_node_is_silent_for_long(self) -> None:
        self.node_falls_silent_or_comes_back(FIRST, silent=True)
        self.time_passes(seconds=int(SILENT_FOR.total_seconds()) + 60)
        self.work_until_quiet()

    # Scheduler and kubelets

    def reachable(self) -> list[dict[str, Any]]:
        """Pods whose kubelet lives."""
        return [p for p in self.api.all(PODS) if p["spec"].get("nodeName") not in self.silent]

    @rule(finds_a_place=st.booleans())
    def scheduler_looks(self, finds_a_place: bool) -> None:
        nobody = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
        places = [n for n in (FIRST, SECOND) if n not in self.silent]
        for pod in self.api.all(PODS):
            if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
                continue
            if finds_a_place and places:
                self.api.update(PODS, pod["metadata"]["name"], placed_on(places[0]))
            else:
                self.api.update(PODS, pod["metadata"]["name"], lambda o: o["status"].update(conditions=[nobody]))

    @rule(image=st.sampled_from(["there", "ErrImagePull", "ImagePullBackOff"]))
    def kubelets_start_pods(self, image: str) -> None:
        state = {"running": {}} if image == "there" else {"waiting": {"reason": image, "message": "no such image"}}
        for pod in self.reachable():
            goes = pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName")
            if not goes and not {"running", "terminated"} & compute_state(pod).keys():
                phase = "Running" if image == "there" else "Pending"
                self.api.update(PODS, pod["metadata"]["name"], set_compute(state, phase))

    @rule(exit_code=st.sampled_from([0, 1]))
    def launchers_end(self, exit_code: int) -> None:
        for pod in self.reachable():
            if "running" in compute_state(pod):
                state = {"terminated": {"exitCode": exit_code}}
                phase = "Failed" if exit_code else "Succeeded"
                self.api.update(PODS, pod["metadata"]["name"], set_compute(state, phase))

    @rule()
    def kubelet_evicts(self) -> None:
        for pod in self.reachable():
            if pod["spec"].get("nodeName") and pod["status"]["phase"] not in FINAL:
                self.api.update(PODS, pod["metadata"]["name"], lambda o: o["status"].update(
                    phase="Failed", reason="Evicted", message="the node was low on memory", containerStatuses=[]))

    @rule()
    def kubelets_end_deleted_pods(self) -> None:
        for pod in self.reachable():
            if pod["metadata"].get("deletionTimestamp"):
                self.api.vanish(PODS, pod["metadata"]["name"])

    @rule(name=st.sampled_from([FIRST, SECOND]))
    def pods_of_a_silent_node_are_given_up(self, name: str) -> None:
        """An administrator knows that the node is off."""
        for pod in self.api.all(PODS):
            if pod["spec"].get("nodeName") == name and name in self.silent:
                self.api.vanish(PODS, pod["metadata"]["name"])

    # virt-handlers

    @rule(phase=st.sampled_from(["Running", "Succeeded", "Failed"]))
    def handlers_tell(self, phase: str) -> None:
        for vmi in self.api.all(VMIS):
            now = vmi["status"]["phase"]
            starts = now == "Scheduled" and phase == "Running" and not vmi["metadata"].get("deletionTimestamp")
            if vmi["status"].get("nodeName") not in self.silent and (starts or (now == "Running" and phase in FINAL)):
                self.api.update(VMIS, vmi["metadata"]["name"], lambda o: o["status"].update(phase=phase))

    def others_do_their_part(self) -> None:
        self.claim_comes()
        for name in (FIRST, SECOND):
            self.node_falls_silent_or_comes_back(name, silent=False)
        self.scheduler_looks(finds_a_place=True)
        self.kubelets_start_pods("there")
        self.kubelets_end_deleted_pods()
        self.handlers_tell("Running")
        self.api.collect_garbage()

    # What must always hold

    @invariant()
    def never_two_launchers_and_none_without_its_instance(self) -> None:
        alive = [p for p in self.api.all(PODS)
                 if p["status"]["phase"] not in FINAL
                 and (not p["metadata"].get("deletionTimestamp") or "running" in compute_state(p))]
        assert len(alive) <= 1, [p["metadata"]["name"] for p in alive]
        instances = {v["metadata"]["uid"] for v in self.api.all(VMIS)}
        for pod in alive:
            (owner,) = pod["metadata"]["ownerReferences"]
            assert owner["uid"] in instances, f"nobody keeps {pod['metadata']['name']}"

    @invariant()
    def what_has_ended_stays_ended(self) -> None:
        for vmi in self.api.all(VMIS):
            uid, phase = vmi["metadata"]["uid"], vmi["status"]["phase"]
            assert self.ended.get(uid, phase) == phase
            if phase in FINAL:
                self.ended[uid] = phase

    @rule(trouble=st.sampled_from([
        "no claim", "no place", "ErrImagePull", "ImagePullBackOff", "none", "ends", "fails"]))
    def a_start_comes_so_far(self, trouble: str) -> None:
        """A start that runs into something, or a guest that ends, and somebody who wants to know why."""
        for _ in range(2):
            self.user_deletes(VMIS)
            self.work_until_quiet()
            self.kubelets_end_deleted_pods()
        self.work_until_quiet()
        self.user_creates_it_anew()
        if trouble != "no claim":
            self.claim_comes()
            self.work_until_quiet()
            self.scheduler_looks(finds_a_place=trouble != "no place")
            self.kubelets_start_pods(trouble if "Image" in trouble else "there")
        if trouble in ("ends", "fails"):
            for phase in ("Running", "Succeeded" if trouble == "ends" else "Failed"):
                self.work_until_quiet()
                self.handlers_tell(phase)
        self.a_user_looks_after_a_while()

    @rule()
    def a_user_looks_after_a_while(self) -> None:
        """Whoever waits for a guest is told for what it waits."""
        self.time_passes(seconds=15)
        self.work_until_quiet()
        pods = self.api.all(PODS)
        for vmi in self.api.all(VMIS):
            phase = vmi["status"]["phase"]
            if phase == "Running" or vmi["metadata"].get("deletionTimestamp"):
                continue
            ready, placed, step = (condition_of(vmi, t) for t in ("Ready", "PodScheduled", "Synchronized"))
            if phase not in FINAL:
                assert (ready["status"], bool(ready["reason"]), bool(ready["message"])) == ("False", True, True)
            waits = not pods or any(condition_of(p, "PodScheduled")["status"] == "False"
                                    or "waiting" in compute_state(p) for p in pods)
            if phase in ("Pending", "Scheduling") and waits:
                assert "False" in (placed["status"], step["status"]), vmi["status"]
                assert placed["message"] or step["message"]

    # How it must end

    def all_is_as_wanted(self) -> None:
        pods = self.api.all(PODS)
        assert not [o for o in (*self.api.all(VMIS), *pods) if o["metadata"].get("deletionTimestamp")]
        for vmi in self.api.all(VMIS):
            phase = vmi["status"]["phase"]
            assert phase in ("Running", *FINAL)
            if phase == "Running":
                (pod,) = pods
                assert vmi["status"]["nodeName"] == vmi["metadata"]["labels"]["kubevirt.io/nodeName"]
                assert vmi["status"]["nodeName"] == pod["spec"]["nodeName"]


TestVmiHistories = VmiHistories.TestCase
TestVmiHistories.settings = searched(50)
