"""Thousands of instances made and removed at a rate, in a namespace of their own, for simulated nodes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from benchmarks import start_time
from benchmarks.simulation.handlers import placed_here
from benchmarks.simulation.kubelets import Clocks
from kubevirt.api.resources import NAMESPACES, PODS, VMIS
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound
from kubevirt.kube.requests import PatchKind

NAMESPACE = "scale"
PATIENCE_S = 1200.0


@asynccontextmanager
async def namespace(client: Client) -> AsyncIterator[None]:
    """The namespace of the simulation, made anew."""
    await removed(client)
    await client.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
    try:
        yield
    finally:
        await removed(client)


async def removed(client: Client) -> None:
    """The namespace is gone, with what an interrupted run left in it: nobody else ends pods of simulated nodes."""
    with contextlib.suppress(NotFound):
        await client.delete(NAMESPACES, NAMESPACE)
        for pod in await client.list(PODS, NAMESPACE):
            with contextlib.suppress(NotFound):
                await client.delete(PODS, pod.metadata.name, NAMESPACE, grace_s=0)
        for left in await client.list(VMIS, NAMESPACE):
            with contextlib.suppress(NotFound):
                await client.patch(VMIS, left.metadata.name, NAMESPACE, {"metadata": {"finalizers": None}},
                                   PatchKind.MERGE)

        async def is_gone() -> bool:
            try:
                await client.get(NAMESPACES, NAMESPACE)
            except NotFound:
                return True
            return False

        await until("the namespace of the simulation to be gone", is_gone)


def instance(number: int) -> JsonObject:
    """One machine for simulated nodes."""
    manifest = start_time.diskless(f"m-{number:05}")
    manifest["metadata"]["namespace"] = NAMESPACE
    manifest["spec"] = placed_here(manifest["spec"])
    return manifest


async def create(client: Client, count: int, rate: float) -> Clocks:
    """Creates so many at this rate; when each was answered, by name."""
    created: Clocks = {}

    async def one(number: int) -> None:
        made = await client.create(VMIS, instance(number))
        created[made.metadata.name] = time.monotonic()

    await paced(one, count, rate)
    return created


async def delete(client: Client, names: Clocks, rate: float) -> None:
    """Deletes them at this rate."""
    in_order = list(names)
    await paced(lambda number: client.delete(VMIS, in_order[number], NAMESPACE), len(in_order), rate)


async def paced(work: Callable[[int], Awaitable[object]], count: int, rate: float) -> None:
    """Begins one after the other at a rate, with at most 20 under way."""
    begun, under_way = time.monotonic(), asyncio.Semaphore(20)

    async def one(number: int) -> None:
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        async with under_way:
            await work(number)

    await asyncio.gather(*(one(number) for number in range(count)))


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for an asynchronous condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        if time.monotonic() > deadline:
            raise Problem(cause=f"waited {PATIENCE_S:.0f} s in vain for {what}", remedy="look at the programs' logs")
        await asyncio.sleep(1)
