"""Simulated nodes: made, kept alive by leases (the kubelet's) and heartbeats (virt-handler's), and removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from benchmarks.simulation import LABEL
from kubevirt.api import names
from kubevirt.api.pods import Node
from kubevirt.api.resources import LEASES, NODES
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import format_micro_time, format_time, now
from kubevirt.kube.client import Client
from kubevirt.kube.requests import PatchKind

LEASE_NAMESPACE = "kube-node-lease"
LEASE_EVERY_S = 20.0  # a node is taken for lost after 50 s
HEARTBEAT_EVERY_S = 60.0
STATUS_EVERY_S = 300.0  # as kubelets do while nothing changes
AT_A_TIME = 8
CAPACITY: JsonObject = {
    "cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "250",
    "devices.kubevirt.io/tun": "1k", "devices.kubevirt.io/vhost-net": "1k", "devices.kubevirt.io/kvm": "0",
}


def name_of(number: int) -> str:
    """The node's name."""
    return f"simulated-{number:03}"


def node(number: int, like: Node) -> JsonObject:
    """A node on which virt-handler says that machines can be placed; labelled like a real one."""
    labels: JsonObject = {**like.metadata.labels, LABEL: "true", "kubernetes.io/hostname": name_of(number)}
    return {
        "metadata": {
            "name": name_of(number),
            "labels": labels,
            "annotations": {names.ANNOTATION_HEARTBEAT: format_time(now())},
        },
        "spec": {"taints": [{"key": LABEL, "value": "true", "effect": "NoSchedule"}]},
    }


def ready_status(number: int) -> JsonObject:
    """What its kubelet says."""
    moment = format_time(now())
    conditions: list[Json] = [
        {"type": kind, "status": "True" if kind == "Ready" else "False", "reason": "Simulated", "message": "",
         "lastHeartbeatTime": moment, "lastTransitionTime": moment}
        for kind in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    address = f"10.64.{number // 250}.{number % 250 + 1}"
    return {"status": {"capacity": CAPACITY, "allocatable": CAPACITY, "conditions": conditions,
                       "addresses": [{"type": "InternalIP", "address": address}]}}


@asynccontextmanager
async def simulated(client: Client, count: int) -> AsyncIterator[None]:
    """So many nodes, alive until the end of the context, and gone after it."""
    await remove(client)
    try:
        await create(client, count)
        async with Tasks() as tasks:
            tasks.spawn(keep_alive(client, count), name="nodes")
            yield
    finally:
        await remove(client)


async def create(client: Client, count: int) -> None:
    """All nodes and their leases."""
    like = (await client.list(NODES, labels=f"{names.LABEL_SCHEDULABLE}=true"))[0]
    for number in range(count):
        await client.create(NODES, node(number, like))
        lease: JsonObject = {"metadata": {"name": name_of(number), "namespace": LEASE_NAMESPACE},
                             "spec": {"holderIdentity": name_of(number), "leaseDurationSeconds": 40,
                                      "renewTime": format_micro_time(datetime.now(UTC))}}
        await client.create(LEASES, lease)
        await client.patch(NODES, name_of(number), None, ready_status(number), PatchKind.MERGE, subresource="status")


async def keep_alive(client: Client, count: int) -> None:
    """Leases, statuses and heartbeats until cancelled; some at a time, so that a busy machine loses no node."""
    beat_after, tell_after = round(HEARTBEAT_EVERY_S / LEASE_EVERY_S), round(STATUS_EVERY_S / LEASE_EVERY_S)
    a_few = asyncio.Semaphore(AT_A_TIME)

    async def renew(number: int, turn: int) -> None:
        async with a_few:
            renewal: JsonObject = {"spec": {"renewTime": format_micro_time(datetime.now(UTC))}}
            await client.patch(LEASES, name_of(number), LEASE_NAMESPACE, renewal, PatchKind.MERGE)
            if (turn + number) % beat_after == 0:
                beat: JsonObject = {"metadata": {"annotations": {names.ANNOTATION_HEARTBEAT: format_time(now())}}}
                await client.patch(NODES, name_of(number), None, beat, PatchKind.MERGE)
            if (turn + number) % tell_after == 0:
                await client.patch(NODES, name_of(number), None, ready_status(number), PatchKind.STRATEGIC,
                                   subresource="status")

    turn = 0
    while True:
        begun = time.monotonic()
        await asyncio.gather(*(renew(number, turn) for number in range(count)))
        await asyncio.sleep(max(0.0, LEASE_EVERY_S - (time.monotonic() - begun)))
        turn += 1


async def remove(client: Client) -> None:
    """All simulated nodes, also those of a run that was interrupted. Their leases go with the garbage collector."""
    await client.delete_collection(NODES, labels=LABEL)
    for lease in await client.list(LEASES, LEASE_NAMESPACE):
        if lease.metadata.name.startswith("simulated-"):
            await client.delete(LEASES, lease.metadata.name, LEASE_NAMESPACE)
