"""Histories of a VM with everything that can be done to it: verbs as virt-api sends them, changes of its template while
it runs, disks that another program fills, deletion with and without its instance, nodes that fall silent, news told
twice.

The rules of `test_controller_histories` go on beside these. More is asked at the end: what could be followed without a
restart was, what could not is said, and at any time a VM that is wanted and does not run has a word for why.
"""

from __future__ import annotations

from typing import Any

from controller_api import Api, as_object
from controller_histories import searched
from controller_objects import FIRMWARE
from controller_world import new_world
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from test_controller_histories import STRATEGIES, VmHistories, compute_state, set_compute

from kubevirt.api.options import RestartOptions, StartOptions, StopOptions
from kubevirt.api.resources import PODS, PVCS, VMIS, VMS
from kubevirt.virt_api import lifecycle
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES
from kubevirt.virt_controller.revision import START_REVISIONS

ORPHAN = "orphan"
LOST_NODE, OTHER_NODE = "node01", "node02"
SAYS_NOTHING = ("", "Unknown", "Running", "Paused")
CHANGES = st.sampled_from([
    {"nodeSelector": {"zone": "a"}}, {"nodeSelector": {"zone": "b"}}, {"tolerations": [{"key": "spare"}]},
    {"hostname": "one"}, {"hostname": "two"}, {"nodeSelector": {}, "tolerations": [], "hostname": ""}])

LAST_WISHES: tuple[dict[str, Any], ...] = (
    {"nodeSelector": {"zone": "z"}}, {"tolerations": [{"key": "last"}]}, {"hostname": "last"})
"""Changes made when all has come to rest: none of them may be missed."""


class World(Api):
    """A cluster with an importer and a garbage collector that also knows DataVolumes and orphans."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = new_world().objects
        self.has_importer = True

    def collect_garbage(self) -> None:
        for vm in self.all(VMS):
            if ORPHAN in vm["metadata"].get("finalizers", []):
                self.let_dependents_go(vm["metadata"]["uid"])
                self.update(VMS, "web", lambda o: o["metadata"]["finalizers"].remove(ORPHAN))
                if not self.find(VMS, "web")["metadata"]["finalizers"]:
                    self.vanish(VMS, "web")
        super().collect_garbage()
        uids = {o["metadata"]["uid"] for o in self.objects.values()}
        for obj in self.all(DATA_VOLUMES):
            owners = obj["metadata"].get("ownerReferences", [])
            if owners and all(o["uid"] not in uids for o in owners):
                self.remove(DATA_VOLUMES, obj["metadata"]["name"])

    def let_dependents_go(self, uid: str) -> None:
        """Takes the owner out of all that it owns."""
        for res in (VMIS, START_REVISIONS, DATA_VOLUMES):
            for obj in self.all(res):
                if any(o["uid"] == uid for o in obj["metadata"].get("ownerReferences", [])):
                    self.update(res, obj["metadata"]["name"], lambda o: o["metadata"].update(ownerReferences=[]))


def new_vm(strategy: str, *, with_disk: bool) -> dict[str, Any]:
    """The VM as its user creates it, perhaps with a disk that is to be filled first."""
    spec: dict[str, Any] = {"domain": {"devices": {}, "firmware": {"uuid": FIRMWARE}}}
    vm: dict[str, Any] = {"runStrategy": strategy, "template": {"spec": spec}}
    if with_disk:
        spec["volumes"] = [{"name": "root", "dataVolume": {"name": "root"}}]
        vm["dataVolumeTemplates"] = [{"metadata": {"name": "root"}, "spec": {"source": {"blank": {}}}}]
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": vm}


class MoreHistories(VmHistories):
    """Also the importer, the node that is lost, and all verbs."""

    node_is_lost = False
    was_orphaned = False

    def new_api(self) -> Api:
        return World()

    # Users

    @initialize(strategy=STRATEGIES, with_disk=st.booleans())
    def user_creates(self, strategy: str, with_disk: bool) -> None:
        self.with_disk = with_disk
        self.user_creates_or_switches(strategy)
        self.life.hear_all()

    @rule(strategy=STRATEGIES)
    def user_creates_or_switches(self, strategy: str) -> None:
        if not self.api.all(VMS):
            self.api.make(VMS, new_vm(strategy, with_disk=self.with_disk))
        else:
            self.api.update(VMS, "web", lambda o: o["spec"].update(runStrategy=strategy))

    @rule(verb=st.sampled_from(["start", "start paused", "stop", "restart", "restart by force"]))
    def user_uses_a_verb(self, verb: str) -> None:
        """As virt-api sends it; what it declines changes nothing."""
        if not self.api.all(VMS):
            return
        vm = as_object(VMS, self.api.find(VMS, "web"))
        vmi = as_object(VMIS, self.api.find(VMIS, "web")) if self.api.all(VMIS) else None
        try:
            if verb.startswith("start"):
                patches = lifecycle.start(vm, vmi, StartOptions(paused=verb.endswith("paused")))
            elif verb == "stop":
                patches = lifecycle.stop(vm, vmi, StopOptions())
            else:
                grace = 0 if verb.endswith("force") else None
                patches = lifecycle.restart(vm, vmi, RestartOptions(grace_period_seconds=grace))
        except lifecycle.Declined:
            return
        if patches.instance:
            self.api.change(VMIS, "web", patches.instance)
        if patches.spec:
            self.api.change(VMS, "web", patches.spec)
        if patches.status:
            self.api.change(VMS, "web", patches.status, "status")

    @rule(verb=st.sampled_from(["stop", "restart"]))
    def guest_fails_as_a_verb_is_used(self, verb: str) -> None:
        """The controller hears of the end first, and finds the request with it."""
        self.all_goes_well_for_a_while(rounds=4)
        self.user_uses_a_verb(verb)
        self.guest_ends(1)
        self.life.hear_all()
        self.work(1)

    @rule(change=CHANGES)
    def user_changes_the_template(self, change: dict[str, Any]) -> None:
        def edit(vm: dict[str, Any]) -> None:
            spec = vm["spec"]["template"]["spec"]
            spec.update(change)
            for key in [k for k, v in spec.items() if v in ({}, [], "")]:
                del spec[key]

        if self.api.all(VMS):
            self.api.update(VMS, "web", edit)

    @rule()
    def user_deletes_the_vm_but_not_its_instance(self) -> None:
        for vm in self.api.all(VMS):
            if not vm["metadata"].get("deletionTimestamp"):
                self.was_orphaned = True
                self.api.update(VMS, "web", lambda o: o["metadata"].setdefault("finalizers", []).append(ORPHAN))
                self.api.remove(VMS, "web")

    @rule()
    def user_deletes_a_disk(self) -> None:
        for obj in self.api.all(DATA_VOLUMES):
            self.api.remove(DATA_VOLUMES, obj["metadata"]["name"])

    # The cluster

    @rule(phase=st.sampled_from(["Pending", "ImportInProgress", "Failed", "Succeeded"]))
    def importer_goes_on(self, phase: str) -> None:
        for obj in self.api.all(DATA_VOLUMES):
            name = obj["metadata"]["name"]
            self.api.update(DATA_VOLUMES, name, lambda o: o.update(status={"phase": phase}))
            if phase == "Succeeded" and not self.api.all(PVCS):
                self.api.make(PVCS, {"metadata": {"name": name, "namespace": "shop"}, "status": {"phase": "Bound"}})

    @rule(lost=st.booleans())
    def node_falls_silent_or_comes_back(self, lost: bool) -> None:
        self.node_is_lost = lost

    def is_out_of_reach(self, pod: dict[str, Any]) -> bool:
        return self.node_is_lost and bool(pod["spec"].get("nodeName") == LOST_NODE)

    @rule()
    def scheduler_and_kubelet_start_pods(self) -> None:
        for pod in self.api.all(PODS):
            name, meta = pod["metadata"]["name"], pod["metadata"]
            if not pod["spec"].get("nodeName"):
                node = OTHER_NODE if self.node_is_lost else LOST_NODE
                # Played objects are plain dicts of JSON.
                self.api.update(PODS, name, lambda o, node=node: o["spec"].update(nodeName=node))  # type: ignore[misc]
            elif not compute_state(pod) and not meta.get("deletionTimestamp") and not self.is_out_of_reach(pod):
                self.api.update(PODS, name, set_compute({"running": {}}, "Running"))

    @rule()
    def kubelet_ends_deleted_pods(self) -> None:
        for pod in self.api.all(PODS):
            if pod["metadata"].get("deletionTimestamp") and not self.is_out_of_reach(pod):
                self.api.vanish(PODS, pod["metadata"]["name"])

    @rule()
    def handler_starts_guests(self) -> None:
        if not any(self.is_out_of_reach(pod) for pod in self.api.all(PODS)):
            super().handler_starts_guests()

    # virt-controller

    @rule()
    def a_user_looks_when_the_controller_has_worked(self) -> None:
        """Whoever wants a VM to run and sees that it does not, sees why."""
        self.work_until_quiet()
        for vm in self.api.all(VMS):
            runs = any(v["status"]["phase"] == "Running" for v in self.api.all(VMIS))
            if vm["spec"]["runStrategy"] == "Always" and not runs:
                status = vm.get("status", {})
                failure = any(c["type"] == "Failure" for c in status.get("conditions", []))
                assert failure or status.get("printableStatus", "") not in SAYS_NOTHING, status

    # How it must end

    def calm_down(self) -> None:
        self.node_is_lost = False
        for _ in range(3):  # the VM may make its disk only after it was looked at, and make it anew
            self.a_user_looks_when_the_controller_has_worked()
            self.api.collect_garbage()
            self.importer_goes_on("Succeeded")
        super().calm_down()
        for change in LAST_WISHES:
            self.user_changes_the_template(change)
            super().calm_down()

    def all_is_as_wanted(self) -> None:
        self.no_start_is_remembered_in_vain()
        if not self.api.all(VMS) and self.was_orphaned:
            assert not [v for v in self.api.all(VMIS) if v["metadata"].get("ownerReferences")]
            return
        super().all_is_as_wanted()
        for vm in self.api.all(VMS):
            self.the_running_guest_follows(vm)

    def no_start_is_remembered_in_vain(self) -> None:
        """Each start revision belongs to the VM that is there, or else to an instance that runs without one."""
        uids = {vm["metadata"]["uid"] for vm in self.api.all(VMS)}
        used = {vmi["status"].get("virtualMachineRevisionName") for vmi in self.api.all(VMIS)}
        for meta in (revision["metadata"] for revision in self.api.all(START_REVISIONS)):
            owners = [o["uid"] for o in meta.get("ownerReferences", [])]
            assert set(owners) <= uids, meta
            assert owners or (meta["name"] in used and not uids), meta

    def the_running_guest_follows(self, vm: dict[str, Any]) -> None:
        """Placement is followed unless a restart is due; a restart is due exactly for another host name."""
        running = [v for v in self.api.all(VMIS) if v["status"]["phase"] == "Running"]
        if not running or (self.was_orphaned and not self.api.all(START_REVISIONS)):
            return
        wanted, has = vm["spec"]["template"]["spec"], running[0]["spec"]
        told = {c["type"] for c in vm["status"]["conditions"]}
        assert ("RestartRequired" in told) is (wanted.get("hostname") != has.get("hostname"))
        if "RestartRequired" not in told:
            for key in ("nodeSelector", "tolerations"):
                assert (wanted.get(key) or None) == (has.get(key) or None), key


TestMoreHistories = MoreHistories.TestCase
TestMoreHistories.settings = searched(40)
