"""Objects of a cluster that `virtctl why` and `virtctl doctor` explain: each as it looks in one state."""

from __future__ import annotations

from datetime import UTC, datetime

from kubevirt.api import codec
from kubevirt.api.core import Event, Node, PersistentVolumeClaim, Pod
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virtctl.explain.facts import Facts

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLIER = "2026-01-02T03:03:05Z"


def vm(strategy: str, printable: str = "", **status: Json) -> VirtualMachine:
    return codec.convert(
        {
            "metadata": {"name": "a", "creationTimestamp": EARLIER},
            "spec": {"runStrategy": strategy, "template": {"spec": {}}},
            "status": {"printableStatus": printable, **status},
        },
        VirtualMachine,
    )


def vmi(phase: str, *conditions: JsonObject, node: str = "n1", cpu: JsonObject | None = None
        ) -> VirtualMachineInstance:
    status: JsonObject = {"phase": phase, "nodeName": node, "conditions": list(conditions)}
    return codec.convert(
        {"metadata": {"name": "a", "creationTimestamp": EARLIER}, "spec": {"domain": {"cpu": cpu}}, "status": status},
        VirtualMachineInstance,
    )


def condition(type_: str, status: str, reason: str, message: str = "") -> JsonObject:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": EARLIER}


def pod(node: str = "", waiting: str = "", message: str = "", unschedulable: str = "") -> Pod:
    status: JsonObject = {"phase": "Pending"}
    if unschedulable:
        status["conditions"] = [condition("PodScheduled", "False", "Unschedulable", unschedulable)]
    if waiting:
        state: JsonObject = {"waiting": {"reason": waiting, "message": message}}
        status["containerStatuses"] = [{"name": "volumedisk0", "state": state}]
    raw: JsonObject = {
        "metadata": {"name": "virt-launcher-a", "creationTimestamp": EARLIER},
        "spec": {"nodeName": node, "containers": [{"name": "volumedisk0", "image": "reg/img:1"}]},
        "status": status,
    }
    return codec.convert(raw, Pod)


def node(name: str, *, ready: bool = True, annotations: dict[str, Json] | None = None, **labels: Json) -> Node:
    raw: JsonObject = {
        "metadata": {"name": name, "annotations": annotations or {}, "labels": labels or {
            "kubevirt.io/schedulable": "true"}},
        "status": {
            "conditions": [condition("Ready", str(ready), "Kubelet", "kubelet stopped posting node status")],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.2.3"},
        },
    }  # fmt: skip
    return codec.convert(raw, Node)


def event(kind: str, name: str, reason: str, message: str) -> Event:
    return codec.convert(
        {"involvedObject": {"kind": kind, "name": name}, "reason": reason, "message": message,
         "lastTimestamp": EARLIER},
        Event,
    )  # fmt: skip


def claim(phase: str) -> PersistentVolumeClaim:
    metadata: JsonObject = {"name": "data", "creationTimestamp": EARLIER}
    return codec.convert({"metadata": metadata, "status": {"phase": phase}}, PersistentVolumeClaim)


def data_volume(phase: str, progress: str = "N/A") -> JsonObject:
    waiting = condition("Running", "False", "ContainerCreating", "pulling the image")
    return {"metadata": {"name": "dv", "creationTimestamp": EARLIER},
            "status": {"phase": phase, "progress": progress, "conditions": [waiting]}}  # fmt: skip


def facts(**given: object) -> Facts:
    return Facts(namespace="ns", name="a", **given)  # type: ignore[arg-type]  # names from the case
