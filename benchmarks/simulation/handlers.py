"""The virt-handlers of all simulated nodes: they bring VMIs to Running, and down again.

One write a step, as the real virt-handler makes; the status is made by the real one's own functions. All speak over the
connections of one client, and each request says whose it is, as only a node's own virt-handler may write its instances.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from benchmarks.simulation import LABEL
from benchmarks.simulation.kubelets import WORKERS, Clocks
from kubevirt.api import codec
from kubevirt.api.phase import is_final
from kubevirt.api.resources import VMIS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import now
from kubevirt.kube import requests
from kubevirt.kube.cache import key_of
from kubevirt.kube.client import Client
from kubevirt.kube.controller import run_workers
from kubevirt.kube.errors import Conflict, Invalid, NotFound
from kubevirt.kube.informer import Informer
from kubevirt.kube.patches import Patch
from kubevirt.kube.queue import WorkQueue
from kubevirt.kube.transport import Transport
from kubevirt.machine.domain_report import DomainReport, Reason, State
from kubevirt.machine.status import Observed, status_after
from kubevirt.virt_handler.instances.status_patch import status_patch

BY_NODE = "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name"


class Handlers:
    """For the VMIs of one namespace. `transport` may act for others; `account` is virt-handler's.

    `phases` counts VMIs by phase; `scheduled` says when each was first seen to be handed over; `on_end` is told of each
    VMI that is gone.
    """

    def __init__(self, client: Client, namespace: str, *, transport: Transport, account: str,
                 on_end: Callable[[str], None]) -> None:
        self._transport = transport
        self._account = account
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
        phase = new.status.phase
        self.phases[phase] += 1
        if phase == "Scheduled":
            self.scheduled.setdefault(new.metadata.name, time.monotonic())
        if phase == "Scheduled" or (phase == "Running" and new.metadata.deletion_timestamp is not None):
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
        try:
            written = await self._write(instance, patch)
        except (NotFound, Conflict, Invalid):  # what changed it comes by watch
            return
        self.writes["patch virtualmachineinstances"] += 1
        self.instances.written(written)

    async def _write(self, instance: VirtualMachineInstance, patch: Patch) -> VirtualMachineInstance:
        meta = instance.metadata
        request = requests.patch(VMIS, meta.name, meta.namespace, patch.operations, manager="virt-handler")
        by_whom = (("Impersonate-User", self._account), (BY_NODE, instance.status.node_name))
        return codec.decode(VMIS.type_, await self._transport.send(replace(request, headers=by_whom)))


def domain(instance: VirtualMachineInstance, *, ending: bool) -> DomainReport:
    """What a launcher would say."""
    meta = instance.metadata
    state, reason = (State.SHUTOFF, Reason.DESTROYED) if ending else (State.RUNNING, Reason.NONE)
    return DomainReport(namespace=meta.namespace, name=meta.name, uid=meta.uid, state=state, reason=reason,
                        domain_type="kvm", machine_type="pc-q35-9.2", vcpus=1, memory_bytes=64 << 20)


def placed_here(spec: JsonObject) -> JsonObject:
    """A VMI's spec, bound for simulated nodes; also for those whose sign of life is late on a busy machine."""
    return {**spec, "nodeSelector": {LABEL: "true"},
            "tolerations": [{"key": key, "operator": "Exists"} for key in (
                LABEL, "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")]}
