"""The kubelets of all simulated nodes: launcher pods are told to run, and end as soon as they are asked to.

One write a step, as a kubelet makes. A pod is ready as soon as it runs: nobody waits here for a readiness gate.
"""

from __future__ import annotations

import time
from collections import Counter

from kubevirt.api import codec
from kubevirt.api.core import Pod
from kubevirt.api.resources import PODS
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import format_time, now
from kubevirt.kube.cache import key_of
from kubevirt.kube.client import Client
from kubevirt.kube.controller import run_workers
from kubevirt.kube.errors import NotFound
from kubevirt.kube.informer import Informer
from kubevirt.kube.queue import WorkQueue
from kubevirt.kube.requests import PatchKind

WORKERS = 30
Clocks = dict[str, float]


class Kubelets:
    """For the launcher pods of one namespace.

    `created` and `running` say when (on our clock) the pod of each VMI was first seen and was told to run.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._queue = WorkQueue()
        self.pods = Informer(client, PODS, namespace=namespace, labels="kubevirt.io=virt-launcher")
        self.pods.on_change(self._changed)
        self.created: Clocks = {}
        self.running: Clocks = {}
        self.placed: Clocks = {}
        self._addresses: dict[str, int] = {}
        self.writes: Counter[str] = Counter()

    def start(self, tasks: Tasks) -> None:
        """Watches and works until `tasks` end."""
        self.pods.start(tasks)
        run_workers(self._queue, self._reconcile, WORKERS, tasks, name="kubelet")

    def _changed(self, _: Pod | None, pod: Pod | None) -> None:
        if pod is None:
            return
        self.created.setdefault(instance_of(pod), time.monotonic())
        if pod.spec.node_name and (pod.status.phase == "Pending" or pod.metadata.deletion_timestamp is not None):
            self.placed.setdefault(instance_of(pod), time.monotonic())
            self._queue.add(key_of(pod))

    async def _reconcile(self, key: str) -> None:
        pod = self.pods.by_key(key)
        if pod is None:
            return
        meta = pod.metadata
        try:
            if meta.deletion_timestamp is not None:
                await self._client.delete(PODS, meta.name, meta.namespace, grace_s=0, uid=meta.uid)
                self.pods.removed(pod)
                self.writes["delete pods"] += 1
            elif pod.status.phase == "Pending":
                number = self._addresses.setdefault(meta.uid, len(self._addresses))
                address = f"10.{128 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
                self.pods.written(await self._client.patch(
                    PODS, meta.name, meta.namespace, running_status(pod, address), PatchKind.MERGE,
                    subresource="status"))
                self.running.setdefault(instance_of(pod), time.monotonic())
                self.writes["patch pods/status"] += 1
        except NotFound:
            return


def running_status(pod: Pod, address: str) -> JsonObject:
    """What a kubelet says of a pod whose containers run; a merge patch, so with all conditions there are."""
    moment = format_time(now())
    told: list[Json] = [codec.to_builtins(c) for c in pod.status.conditions]
    told += [{"type": kind, "status": "True", "lastTransitionTime": moment}
             for kind in ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")]
    containers: list[Json] = [
        {"name": c.name, "image": c.image, "imageID": "sha256:simulated", "ready": True, "started": True,
         "restartCount": 0, "state": {"running": {"startedAt": moment}}}
        for c in pod.spec.containers
    ]
    return {"status": {"phase": "Running", "startTime": moment, "hostIP": "10.64.0.1", "podIP": address,
                       "podIPs": [{"ip": address}], "conditions": told, "containerStatuses": containers}}


def instance_of(pod: Pod) -> str:
    """The name of the VMI that a launcher pod belongs to."""
    owner = pod.metadata.controller
    return owner.name if owner is not None else ""
