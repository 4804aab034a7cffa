"""What a webhook costs: processor time from the bytes of a review to the bytes of its answer. Needs no cluster.

HTTP and TLS are left out; they cost the same whatever the object. The machine is an ordinary one: three disks, two
interfaces, a probe, cloud-init, labels and annotations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from benchmarks.page import line
from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm, default_vmi
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.admission import request_in
from kubevirt.kube.client import Client
from kubevirt.kube.webhooks import Decide, answered
from kubevirt.virt_api.vm_webhooks import VmWebhooks
from kubevirt.virt_api.webhooks import Webhooks

ROUNDS = 5
COUNT = 200
PROMISE = "promise: 5 ms"
CONFIG = ClusterConfig(default_architecture="amd64")

SPEC: JsonObject = {
    "domain": {
        "cpu": {"cores": 2, "sockets": 2},
        "memory": {"guest": "4Gi"},
        "devices": {
            "disks": [{"name": name, "disk": {"bus": "virtio"}} for name in ("root", "data", "init")],
            "interfaces": [{"name": "default", "masquerade": {}, "ports": [{"port": 22}, {"port": 80}]},
                           {"name": "storage", "bridge": {}, "macAddress": "02:00:00:00:00:01"}],
            "rng": {},
        },
        "resources": {"requests": {"memory": "4Gi", "cpu": "1"}},
    },
    "networks": [{"name": "default", "pod": {}}, {"name": "storage", "multus": {"networkName": "storage"}}],
    "readinessProbe": {"tcpSocket": {"port": 22}},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "web"}}}}]}},
    "volumes": [
        {"name": "root", "containerDisk": {"image": "registry.example.org/os:1"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "init", "cloudInitNoCloud": {"userData": "#cloud-config\n" + "# a remark\n" * 80}},
    ],
}
METADATA: JsonObject = {"name": "web", "namespace": "default", "labels": {"app": "web"},
                        "annotations": {f"example.org/note-{i}": "a remark of some length" for i in range(10)}}


def measure() -> None:
    """Each webhook that a machine's way from creation to its first run calls."""
    vm: JsonObject = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": METADATA,
                      "spec": {"runStrategy": "Always", "template": {"metadata": {"labels": {"app": "web"}},
                                                                     "spec": SPEC}}}
    vmi: JsonObject = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": METADATA,
                       "spec": SPEC}
    ready_vm = codec.to_builtins(default_vm(codec.convert(vm, VirtualMachine), CONFIG, create=True))
    ready_vmi = codec.to_builtins(default_vmi(codec.convert(vmi, VirtualMachineInstance), CONFIG))
    machines = VmWebhooks(Client(ClusterAccess(server="https://nowhere.example")), lambda: CONFIG)
    instances = Webhooks(lambda: CONFIG, "kubevirt")
    for what, decide, body in (
        ("defaults of a new VM", machines.mutate_vm, review(vm)),
        ("rules of a new VM", machines.validate_vm, review(ready_vm)),
        ("rules of a changed VM", machines.validate_vm, review(ready_vm, ready_vm)),
        ("defaults of a new VMI", instances.mutate_vmi, review(vmi)),
        ("rules of a new VMI", instances.validate_vmi_create, review(ready_vmi)),
        ("rules of a changed VMI", instances.validate_vmi_update, review(ready_vmi, ready_vmi)),
    ):
        line(f"webhook: {what}, {len(body)} bytes", f"{milliseconds(decide, body):.2f} ms", PROMISE)


def review(new: JsonObject, old: JsonObject | None = None) -> bytes:
    """What the API server sends."""
    request: dict[str, object] = {"uid": "u", "operation": "UPDATE" if old else "CREATE", "namespace": "default",
                                  "name": "web", "object": new, "userInfo": {"username": "somebody"}}
    if old is not None:
        request["oldObject"] = old
    return msgspec.json.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


def milliseconds(decide: Decide, body: bytes) -> float:
    """Processor time of one answer, the best of some rounds."""

    async def answers() -> None:
        for _ in range(COUNT):
            await answered(decide, request_in(body))

    return min(_took(lambda: asyncio.run(answers())) for _ in range(ROUNDS)) / COUNT * 1000


def _took(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    measure()
