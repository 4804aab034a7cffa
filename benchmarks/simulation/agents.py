"""What runs on simulated nodes: kubelets that start and end launcher pods, virt-handlers that bring VMIs to Running and
down again. One write a step, as the real virt-handler makes; the status is made by the real one's own functions.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from benchmarks.simulation import LABEL
from kubevirt.api.core import Pod
from kubevirt.api.resources import PODS, VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import format_time, now
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.cache import key_of
from kubevirt.kube.client import Client
from kubevirt.kube.controller import run_workers
from kubevirt.kube.errors import Conflict, NotFound
from kubevirt.kube.informer import Informer
from kubevirt.kube.queue import WorkQueue
from kubevirt.kube.requests import PatchKind
from kubevirt.machine.domain_report import DomainReport, Reason, State
from kubevirt.machine.phase import is_final
from kubevirt.machine.status import Observed, status_after
from kubevirt.virt_handler.instances.status_patch import status_patch

WORKERS = 8
BY_NODE = "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name"
Clocks = dict[str, float]


class Kubelets:
    """The kubelets of all simulated nodes, for the launcher pods of one namespace.

    `created` and `running` say when (on our clock) the pod of each VMI was first seen and was told to run.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._queue = WorkQueue()
        self.pods = Informer(client, PODS, namespace=namespace, labels="kubevirt.io=virt-launcher")
        self.pods.on_change(self._changed)
        self.created: Clocks = {}
        self.running: Clocks = {}
        self._addresses: dict[str, int] = {}
        self.writes: Counter[str] = Counter()

    def start(self, tasks: Tasks) -> None:
        """Watches and works until `tasks` end."""
        self.pods.start(tasks)
        run_workers(self._queue, self._reconcile, WORKERS, tasks, name="kubelet")

    def _changed(self, _: Pod | None, pod: Pod | None) -> None:
        if pod is not None:
            self.created.setdefault(instance_of(pod), time.monotonic())
            self._queue.add(key_of(pod))

    async def _reconcile(self, key: str) -> None:
        pod = self.pods.by_key(key)
        if pod is None or not pod.spec.node_name:
            return
        meta = pod.metadata
        try:
            if meta.deletion_timestamp is not None:
                await self._client.delete(PODS, meta.name, meta.namespace, grace_s=0, uid=meta.uid)
                self.writes["delete pods"] += 1
            elif pod.status.phase == "Pending":
                number = self._addresses.setdefault(meta.uid, len(self._addresses))
                address = f"10.{128 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
                await self._client.patch(PODS, meta.name, meta.namespace, running_status(pod, address),
                                         PatchKind.STRATEGIC, subresource="status")
                self.running.setdefault(instance_of(pod), time.monotonic())
                self.writes["patch pods/status"] += 1
        except NotFound:
            return


class Handlers:
    """The virt-handlers of all simulated nodes, for the VMIs of one namespace.

    Each speaks for itself (`on_node`), as only the node's own virt-handler may write an instance.
    `phases` counts VMIs by phase; `scheduled` says when each was first seen to be handed over; `on_end` is told of each
    VMI that is gone.
    """

    def __init__(self, client: Client, namespace: str, *, on_node: dict[str, Client], on_end: Callable[[str], None]
                 ) -> None:
        self._on_node = on_node
        self._queue = WorkQueue()
        self._on_end = on_end
        self.instances = Informer(client, VMIS, namespace=namespace)
        self.instances.on_change(self._changed)
        self.scheduled: Clocks = {}
        self.phases: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()

    def start(self, tasks: Tasks) -> None:
        """Watches and works until `tasks` end."""
        self.instances.start(tasks)
        run_workers(self._queue, self._reconcile, WORKERS, tasks, name="handler")

    def _changed(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        if old is not None:
            self.phases[old.status.phase] -= 1
        if new is None:
            if old is not None:
                self._on_end(old.metadata.name)
            return
        self.phases[new.status.phase] += 1
        if new.status.phase == "Scheduled":
            self.scheduled.setdefault(new.metadata.name, time.monotonic())
        if new.status.phase in ("Scheduled", "Running"):
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> None:
        instance = self.instances.by_key(key)
        if instance is None or is_final(instance.status.phase):
            return
        ending = instance.metadata.deletion_timestamp is not None
        wanted = status_after(instance, Observed(now=now(), node=instance.status.node_name,
                                                 report=domain(instance, ending=ending)))
        patch = status_patch(instance, wanted)
        if patch is None:
            return
        meta, here = instance.metadata, self._on_node[instance.status.node_name]
        try:
            written = await here.patch(VMIS, meta.name, meta.namespace, patch.operations)
        except (NotFound, Conflict):  # what changed it comes by watch
            return
        self.writes["patch virtualmachineinstances"] += 1
        self.instances.written(written)


@asynccontextmanager
async def handler_clients(access: ClusterAccess, account: str, node_names: Iterable[str]
                          ) -> AsyncIterator[dict[str, Client]]:
    """By node: the virt-handler there, as the API server would know it by its pod's token."""
    async with AsyncExitStack() as stack:
        clients = {}
        for name in node_names:
            who = (("Impersonate-User", account), (BY_NODE, name))
            clients[name] = await stack.enter_async_context(
                Client(replace(access, impersonation=who), program="simulated-handler"))
        yield clients


def domain(instance: VirtualMachineInstance, *, ending: bool) -> DomainReport:
    """What a launcher would say."""
    meta = instance.metadata
    state, reason = (State.SHUTOFF, Reason.DESTROYED) if ending else (State.RUNNING, Reason.NONE)
    return DomainReport(namespace=meta.namespace, name=meta.name, uid=meta.uid, state=state, reason=reason,
                        domain_type="kvm", machine_type="pc-q35-9.2", vcpus=1, memory_bytes=64 << 20)


def running_status(pod: Pod, address: str) -> JsonObject:
    """What a kubelet says of a pod whose containers run."""
    moment = format_time(now())
    conditions: list[Json] = [
        {"type": kind, "status": "True", "lastTransitionTime": moment}
        for kind in ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
    ]
    containers: list[Json] = [
        {"name": c.name, "image": c.image, "imageID": "sha256:simulated", "ready": True, "started": True,
         "restartCount": 0, "state": {"running": {"startedAt": moment}}}
        for c in pod.spec.containers
    ]
    return {"status": {"phase": "Running", "startTime": moment, "hostIP": "10.64.0.1", "podIP": address,
                       "podIPs": [{"ip": address}], "conditions": conditions, "containerStatuses": containers}}


def instance_of(pod: Pod) -> str:
    """The name of the VMI that a launcher pod belongs to."""
    owner = pod.metadata.controller
    return owner.name if owner is not None else ""


def placed_here(spec: JsonObject) -> JsonObject:
    """A VMI's spec, bound for simulated nodes; also for those whose sign of life is late on a busy machine."""
    return {**spec, "nodeSelector": {LABEL: "true"},
            "tolerations": [{"key": key, "operator": "Exists"} for key in (
                LABEL, "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")]}
