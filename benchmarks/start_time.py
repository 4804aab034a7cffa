"""How long machines take to start, beside a plain pod on the same idle node, in the same run.

A pod's way is created -> Ready, an instance's created -> Running. Both are measured by this process: from just before
the create request to the arrival of the watch event, since the API's own time stamps have whole seconds only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from kubevirt.api.core import Pod
from kubevirt.api.resources import PODS, VMIS, VMS, Resource
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound
from kubevirt.kube.requests import Selection
from tests.e2e.manifests import vm, vmi

T = TypeVar("T", bound=msgspec.Struct)
NAMESPACE = f"bench-{os.getpid()}"
"""A new name each time: half a minute after a namespace's removal the API server still reads one of that name anew for
each object that is created in it."""
LIMIT_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Seconds from created to there, one a run."""

    pod_s: list[float]
    vmi_s: list[float]

    @property
    def difference_s(self) -> float:
        """How much longer an instance takes than a pod, between medians."""
        return statistics.median(self.vmi_s) - statistics.median(self.pod_s)


def plain_pod(name: str) -> dict[str, Any]:
    """The pod that instances are compared with."""
    container = {
        "name": "main",
        "image": "localkube/busybox:latest",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "600"],
    }
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def diskless(name: str) -> dict[str, Any]:
    """An instance without disks: nothing but the machine itself."""
    manifest = vmi(name)
    manifest["metadata"]["namespace"] = NAMESPACE
    manifest["spec"]["terminationGracePeriodSeconds"] = 0
    manifest["spec"]["domain"]["memory"]["guest"] = "64Mi"
    manifest["spec"]["domain"]["devices"]["disks"] = []
    manifest["spec"]["volumes"] = []
    return manifest


def pod_is_ready(pod: Pod) -> bool:
    """The pod's Ready condition."""
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def is_running(instance: VirtualMachineInstance) -> bool:
    """The instance's phase."""
    return instance.status.phase == "Running"


def vm_is_running(machine: VirtualMachine) -> bool:
    """What a user sees of a machine."""
    return machine.status.printable_status == "Running"


async def compare(client: Client, runs: int = 10) -> Starts:
    """Start pods and instances one after the other, alternating, each removed before the next."""
    pod_s, vmi_s = [], []
    for run in range(runs):
        pod_s.append(await one(client, PODS, plain_pod(f"pod-{run}"), pod_is_ready))
        vmi_s.append(await one(client, VMIS, diskless(f"vmi-{run}"), is_running))
    return Starts(pod_s=pod_s, vmi_s=vmi_s)


@contextlib.asynccontextmanager
async def together(client: Client, count: int) -> AsyncIterator[dict[str, float]]:
    """Create `count` machines at once; by name, the seconds until each is Running. All are removed afterwards."""

    async def start(name: str) -> float:
        manifest = vm(name)
        manifest["metadata"]["namespace"] = NAMESPACE
        manifest["spec"]["template"]["spec"] = diskless("any")["spec"]
        return await one(client, VMS, manifest, vm_is_running, keep=True)

    names = [f"crowd-{number}" for number in range(count)]
    try:
        yield dict(zip(names, await asyncio.gather(*(start(name) for name in names)), strict=True))
    finally:
        for name in names:
            await remove(client, VMS, name)


async def one(
    client: Client, res: Resource[T], manifest: dict[str, Any], done: Callable[[T], bool], *, keep: bool = False
) -> float:
    """Create an object and wait until it is `done`; seconds between. Removed afterwards unless kept."""
    name = manifest["metadata"]["name"]
    begun = time.monotonic()
    created = await client.create(res, manifest, NAMESPACE)
    version = created.metadata.resource_version  # type: ignore[attr-defined]  # every resource has metadata
    chosen = Selection(namespace=NAMESPACE, fields=f"metadata.name={name}")
    async with asyncio.timeout(LIMIT_S):
        async for event in client.watch(res, chosen, resource_version=version):
            if event.obj is not None and done(event.obj):
                break
    seconds = time.monotonic() - begun
    if not keep:
        await remove(client, res, name)
    return seconds


async def remove(client: Client, res: Resource[T], name: str) -> None:
    """Delete an object and wait until it is gone."""
    try:
        await client.delete(res, name, NAMESPACE)
        async with asyncio.timeout(LIMIT_S):
            while True:
                await client.get(res, name, NAMESPACE)
                await asyncio.sleep(0.1)
    except NotFound:
        return
