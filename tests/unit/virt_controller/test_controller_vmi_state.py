"""The claim for a machine's TPM and UEFI variables: in which storage it is made, and what the launcher pod waits for.

What is on it, and how the pod finds it, is tested with the machine.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_api import as_json
from controller_objects import STATE_DOMAIN, owner, vmi
from controller_vmi_seen import STARTED, seen, shaped
from controller_world import Controller, new_world

from kubevirt.api import codec
from kubevirt.api.objects import PersistentVolumeClaim, StorageClass
from kubevirt.api.resources import KUBEVIRTS, PODS, PVCS, VMIS
from kubevirt.machine import backend_storage
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.storage import StorageProfile, access_mode, class_for_state
from kubevirt.virt_controller.vmi.decide import decide

KEEPER = vmi("Pending", domain=STATE_DOMAIN)
NAME = backend_storage.name_for(KEEPER)


def storage_class(name: str, mode: str = "Immediate", **annotations: str) -> StorageClass:
    meta = {"name": name, "annotations": annotations}
    return codec.convert({"metadata": meta, "volumeBindingMode": mode}, StorageClass)


PLAIN = storage_class("plain")
DEFAULT = storage_class("default", **{"storageclass.kubernetes.io/is-default-class": "true"})
FOR_MACHINES = storage_class("machines", **{"storageclass.kubevirt.io/is-default-virt-class": "true"})
LATE = storage_class("late", "WaitForFirstConsumer")


def state(phase: str, *, of_class: str = "plain", going: bool = False) -> PersistentVolumeClaim:
    meta = {"name": NAME, "namespace": "shop", "labels": {"persistent-state-for": "web"}, "ownerReferences": [owner()],
            **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})}
    spec = {"storageClassName": of_class, "accessModes": ["ReadWriteOnce"]}
    return codec.convert({"metadata": meta, "spec": spec, "status": {"phase": phase}}, PersistentVolumeClaim)


@pytest.mark.parametrize(("classes", "configured", "chosen"), [
    pytest.param([DEFAULT, FOR_MACHINES], "mine", "mine", id="the administrator's choice"),
    pytest.param([DEFAULT, FOR_MACHINES, PLAIN], "", "machines", id="the default for machines"),
    pytest.param([PLAIN, DEFAULT], "", "default", id="the default"),
    pytest.param([PLAIN], "", "", id="there is none"),
    pytest.param([storage_class("x", **{"storageclass.kubernetes.io/is-default-class": "false"})], "", "",
                 id="one that is marked as not the default"),
])
def test_which_storage(classes: list[StorageClass], configured: str, chosen: str) -> None:
    assert class_for_state(classes, configured=configured) == chosen


@pytest.mark.parametrize(("sets", "configured", "mode"), [
    pytest.param(None, "", "ReadWriteOnce", id="nothing is known"),
    pytest.param(None, "mine", "ReadWriteMany", id="nothing is known of a class that was chosen"),
    pytest.param([], "mine", "ReadWriteMany", id="the importer knows nothing either"),
    pytest.param([("Filesystem", ["ReadWriteOnce"])], "mine", "ReadWriteOnce", id="one node at a time"),
    pytest.param([("Filesystem", ["ReadWriteOnce", "ReadWriteMany"])], "", "ReadWriteMany", id="several nodes"),
    pytest.param([("Block", ["ReadWriteMany"]), ("Filesystem", ["ReadWriteOnce"])], "", "ReadWriteOnce",
                 id="block devices do not count"),
])
def test_how_it_is_used(sets: Any, configured: str, mode: str) -> None:
    profile = None if sets is None else codec.convert(
        {"status": {"claimPropertySets": [{"volumeMode": v, "accessModes": a} for v, a in sets]}}, StorageProfile)
    assert access_mode(profile, configured=configured) == mode


@pytest.mark.parametrize(("claims", "classes", "reason", "message"), [
    pytest.param([], [PLAIN], "FailedBackendStorageCreate", "no default storage class found", id="no storage for it"),
    pytest.param([state("Pending")], [PLAIN], "BackendStorageNotReady", "PVC pending", id="not bound yet"),
    pytest.param([state("Lost")], [PLAIN], "FailedBackendStorageProbe",
                 f"backend storage PVC {NAME} is lost: its volume has gone", id="lost"),
    pytest.param([state("Bound", going=True)], [DEFAULT], "BackendStorageNotReady",
                 f"PVC {NAME} is being deleted, another one follows when it is gone", id="the old one is not gone"),
])
def test_a_wait_for_the_claim_has_a_reason_and_no_timer(claims: Any, classes: Any, reason: str, message: str) -> None:
    o = seen(KEEPER, state_claims=tuple(claims), storage_classes=tuple(classes))
    decision = decide(o)
    assert not decision.create_pod
    assert decision.problem is not None
    assert not decision.problem.retry
    told = find(shaped(o).status.conditions, "Synchronized")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", reason, message)


@pytest.mark.parametrize(("instance", "claims", "made_in", "pod"), [
    pytest.param(KEEPER, [], "default", False, id="first the claim"),
    pytest.param(KEEPER, [state("Bound")], "", True, id="then the pod"),
    pytest.param(KEEPER, [state("Pending", of_class="late")], "", True, id="which binds the claim, if need be"),
    pytest.param(vmi("Pending"), [], "", True, id="machines without state need none"),
    pytest.param(vmi("Failed", domain=STATE_DOMAIN), [], "", False, id="nor does one that has ended"),
])
def test_the_claim_comes_before_the_pod(instance: Any, claims: Any, made_in: str, pod: bool) -> None:
    decision = decide(seen(instance, state_claims=tuple(claims), storage_classes=(DEFAULT, LATE)))
    assert (decision.create_state_claim, decision.create_pod) == (made_in, pod)
    assert decision.problem is None


def test_the_status_tells_of_the_claim() -> None:
    o = seen(vmi("Scheduling", domain=STATE_DOMAIN), STARTED, state_claims=(state("Bound"),))
    (told,) = shaped(o).status.volume_status
    assert told.name == "persistent-state-for-this-vm"
    info = told.persistent_volume_claim_info
    assert info is not None
    assert (info.claim_name, info.access_modes, info.volume_mode) == (NAME, ["ReadWriteOnce"], "Filesystem")
    assert shaped(seen(shaped(o), STARTED, state_claims=(state("Bound"),))) == shaped(o)


async def test_the_controller_makes_the_claim_once_and_then_the_pod_with_it() -> None:
    api = new_world()
    api.make(KUBEVIRTS, {"metadata": {"name": "kubevirt", "namespace": "kubevirt"},
                         "spec": {"configuration": {"vmStateStorageClass": "shared"}}})
    api.make(VMIS, as_json(vmi("Pending", domain=STATE_DOMAIN)))
    controller = Controller(api)
    controller.queues[1].add("shop/web")
    while await controller.work(1):
        pass
    (claim,) = api.all(PVCS)
    assert claim["spec"]["storageClassName"] == "shared"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert api.all(PODS) == []
    told = [c for c in api.find(VMIS, "web")["status"]["conditions"] if c["type"] == "Synchronized"]
    assert [c["reason"] for c in told] == ["BackendStorageNotReady"]

    again = Controller(api)  # which knows nothing of what the first one did
    api.update(PVCS, claim["metadata"]["name"], lambda o: o.update(status={"phase": "Bound"}))
    again.hear_all()
    while await again.work(1):
        pass
    (pod,) = api.all(PODS)
    assert len(api.all(PVCS)) == 1
    assert {"name": "vm-state", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}} in \
        pod["spec"]["volumes"]


async def test_a_claim_that_is_refused_is_told_with_the_reason() -> None:
    api = new_world()
    api.make(KUBEVIRTS, {"metadata": {"name": "kubevirt", "namespace": "kubevirt"},
                         "spec": {"configuration": {"vmStateStorageClass": "shared"}}})
    api.make(VMIS, as_json(vmi("Pending", domain=STATE_DOMAIN)))
    api.trouble, api.calls_until_trouble = "before", 1
    controller = Controller(api)
    controller.queues[1].add("shop/web")
    await controller.work(1)
    (told,) = [c for c in api.find(VMIS, "web")["status"]["conditions"] if c["type"] == "Synchronized"]
    assert (told["reason"], told["message"]) == ("FailedBackendStorageCreate", "down")
    assert api.all(PVCS) == []
