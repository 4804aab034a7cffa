"""Objects for the tests of virt-controller, each with no more than what the test says about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kubevirt.api import codec
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.pods import Node, Pod
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.revision import StartRevision
from kubevirt.virt_controller.vm.observed import Observed

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
VM_UID, VMI_UID = "vm-uid", "vmi-uid"
FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
FOREGROUND = "kubevirt.io/foregroundDeleteVirtualMachine"
MARKS = {"kubevirt.io/latest-observed-api-version": "v1", "kubevirt.io/storage-observed-api-version": "v1"}
STATE_DOMAIN: dict[str, Any] = {"devices": {"tpm": {"persistent": True}}}
"""Of a machine whose TPM keeps its contents."""
FIRMWARE = "11111111-2222-3333-4444-555555555555"


def stamp(seconds_ago: float = 0) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner(kind: str = "VirtualMachine", name: str = "web", uid: str = VM_UID) -> dict[str, Any]:
    return {"apiVersion": "kubevirt.io/v1", "kind": kind, "name": name, "uid": uid, "controller": True,
            "blockOwnerDeletion": True}


def vm(strategy: str | None = "Always", *, running: bool | None = None, marked: bool = True, deleting: bool = False,
       status: dict[str, Any] | None = None, volumes: list[Any] | None = None, finalizers: list[str] | None = None,
       annotations: dict[str, str] | None = None, generation: int = 1, spec: dict[str, Any] | None = None,
       template: dict[str, Any] | None = None) -> VirtualMachine:
    """A VM `web`; `marked` ones carry all that the controller puts on every VM."""
    domain: dict[str, Any] = {"devices": {}}
    if marked:
        domain["firmware"] = {"uuid": FIRMWARE}
    meta: dict[str, Any] = {
        "name": "web", "namespace": "shop", "uid": VM_UID, "resourceVersion": "5", "generation": generation,
        "annotations": {**(MARKS if marked else {}), **(annotations or {})},
        "finalizers": finalizers if finalizers is not None else ([FINALIZER] if marked else []),
    }
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    body: dict[str, Any] = {
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"domain": domain, "volumes": volumes or []}},
        **(spec or {}),
    }
    body["template"] = {**body["template"], **(template or {})}
    if strategy is not None:
        body["runStrategy"] = strategy
    if running is not None:
        body["running"] = running
    return codec.convert({"metadata": meta, "spec": body, "status": status or {}}, VirtualMachine)


def vmi(phase: str = "Running", *, uid: str = VMI_UID, owned: bool | dict[str, Any] = True, deleting: bool = False,
        ran: bool | None = None, status: dict[str, Any] | None = None, conditions: list[Any] | None = None,
        annotations: dict[str, str] | None = None, age_s: float = 60, finalizers: list[str] | None = None,
        name: str = "web", volumes: list[Any] | None = None, disks: list[Any] | None = None,
        domain: dict[str, Any] | None = None) -> VirtualMachineInstance:
    """The VMI of that VM. `ran` says whether it has ever been Running (by default: if its phase says so)."""
    history = [{"phase": "Pending", "phaseTransitionTimestamp": stamp(age_s)}]
    if ran if ran is not None else phase == "Running":
        history.append({"phase": "Running", "phaseTransitionTimestamp": stamp(age_s)})
    meta: dict[str, Any] = {
        "name": name, "namespace": "shop", "uid": uid, "resourceVersion": "7", "creationTimestamp": stamp(age_s),
        "annotations": {"kubevirt.io/vm-generation": "1", **(annotations or {})},
        "finalizers": finalizers if finalizers is not None else [FOREGROUND, FINALIZER],
    }
    if owned:
        meta["ownerReferences"] = [owned if isinstance(owned, dict) else owner()]
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    body = {"domain": {"devices": {"disks": disks or []}, "firmware": {"uuid": FIRMWARE}, **(domain or {})},
            "volumes": volumes or []}
    told = {"phase": phase, "phaseTransitionTimestamps": history, "conditions": conditions or [], **(status or {})}
    return codec.convert({"metadata": meta, "spec": body, "status": told}, VirtualMachineInstance)


def condition(type_: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": stamp(30)}


def seen(vm_: VirtualMachine, instance: VirtualMachineInstance | None = None, **rest: Any) -> Observed:
    """What the VM controller sees."""
    return Observed(vm=vm_, named=instance, now=NOW, **rest)


def start(**data: str) -> dict[str, Any]:
    return {"action": "Start", **({"data": data} if data else {})}


def stop(uid: str = VMI_UID) -> dict[str, Any]:
    return {"action": "Stop", "uid": uid}


def revision(vm_: VirtualMachine, generation: int = 1) -> StartRevision:
    """The revision that a start of this VM at this generation has left."""
    meta = {"name": f"revision-start-vm-{VM_UID}-{generation}", "namespace": "shop", "uid": f"r{generation}",
            "ownerReferences": [owner()]}
    return StartRevision(metadata=codec.convert(meta, ObjectMeta), revision=generation,
                         data=msgspec.Raw(codec.encode({"spec": vm_.spec})))


def claim(name: str, phase: str = "Bound", *modes: str) -> PersistentVolumeClaim:
    return codec.convert({"metadata": {"name": name, "namespace": "shop"}, "spec": {"accessModes": list(modes)},
                          "status": {"phase": phase}}, PersistentVolumeClaim)


def uses_claim(name: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


def pod(*, phase: str = "Pending", compute: dict[str, Any] | None = None, deleting: bool = False, node: str = "node01",
        uid: str = "pod-uid", conditions: list[Any] | None = None, others: list[Any] | None = None, age_s: float = 5,
        image: str = "virt:1", ends_in_s: float | None = None, **status: Any) -> Pod:
    """A launcher pod; `compute` is the state of its main container, `ends_in_s` what is left of its grace period."""
    statuses = [*others] if others else []
    if compute is not None:
        statuses.append({"name": "compute", "state": compute, "ready": "running" in compute})
    meta: dict[str, Any] = {
        "name": f"virt-launcher-web-{uid}", "namespace": "shop", "uid": uid, "creationTimestamp": stamp(age_s),
        "ownerReferences": [owner("VirtualMachineInstance", uid=VMI_UID)],
    }
    if deleting or ends_in_s is not None:
        meta["deletionTimestamp"] = stamp(1 if ends_in_s is None else -ends_in_s)
    return codec.convert({
        "metadata": meta,
        "spec": {"nodeName": node, "containers": [{"name": "compute", "image": image}]},
        "status": {"phase": phase, "qosClass": "Burstable", "containerStatuses": statuses,
                   "conditions": conditions or [], **status},
    }, Pod)


RUNS: dict[str, Any] = {"running": {"startedAt": stamp(2)}}


def ended(exit_code: int = 0, message: str = "", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": exit_code, "message": message, **more}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def node(name: str = "node01", *, labels: dict[str, str] | None = None, kvm: str | None = "1000",
         heartbeat_ago_s: float | None = 10, annotations: dict[str, str] | None = None) -> Node:
    notes = dict(annotations or {})
    if heartbeat_ago_s is not None:
        notes["kubevirt.io/heartbeat"] = stamp(heartbeat_ago_s)
    return codec.convert({
        "metadata": {"name": name, "labels": {"kubevirt.io/schedulable": "true"} if labels is None else labels,
                     "annotations": notes},
        "status": {"allocatable": {"devices.kubevirt.io/kvm": kvm} if kvm is not None else {}},
    }, Node)
