"""The control plane under many machines: thousands of VMIs on simulated nodes, and a thousand that cannot be placed.

The API server, scheduler, virt-api and the deployed virt-controller are real; guests, kubelets and virt-handlers are
simulated (`benchmarks.simulation`). A queue's age is not asked of the controller but seen from outside: how long after
a VMI is made its launcher pod is there, and how long after the pod runs the VMI is handed over. The age of what waits
in a queue is never more than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import memory, simulation, start_time
from benchmarks.page import MIB, line
from benchmarks.simulation import agents, nodes
from kubevirt.api.resources import NAMESPACES, NODES, PODS, VMIS
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.config import load_access
from kubevirt.kube.errors import NotFound
from kubevirt.kube.requests import PatchKind
from tests.e2e.harness import BIN, run
from tests.e2e.requests_seen import seen

NAMESPACE = "scale"
INSTALLATION = "kubevirt"
ACCOUNTS = f"system:serviceaccount:{INSTALLATION}:"
WRITES = frozenset({"create", "update", "patch", "delete"})
APART = frozenset({"events", "leases", "subjectaccessreviews"})
PATIENCE_S = 600.0


@dataclass(kw_only=True)
class Program:
    """One of our programs while it is watched: memory in bytes, processor seconds since the watch began."""

    pid: int
    at_first: memory.ProcessMemory
    highest: memory.ProcessMemory

    @classmethod
    async def find(cls, client: Client, name: str) -> Program:
        """The one process of a deployment of one copy; of several copies, the one that has worked most."""
        pods = await client.list(PODS, INSTALLATION, labels=f"kubevirt.io={name}")
        processes = [process for pod in pods for process in memory.of_pod(pod.metadata.uid)]
        found = max(processes, key=lambda process: process.cpu_s)
        return cls(pid=found.pid, at_first=found, highest=found)

    def look(self) -> memory.ProcessMemory:
        """What it takes now."""
        found = memory.measure(self.pid)
        if found.rss > self.highest.rss:
            self.highest = found
        return found

    @property
    def cpu_s(self) -> float:
        """Spent since the watch began."""
        return self.look().cpu_s - self.at_first.cpu_s


async def scale(client: Client, *, instances: int, node_count: int, rate: float) -> None:
    """All created at a rate, all Running, all deleted."""
    since = datetime.now(UTC)
    controller, api = await Program.find(client, "virt-controller"), await Program.find(client, "virt-api")
    names = [nodes.name_of(number) for number in range(node_count)]
    handlers_of = agents.handler_clients(load_access(), f"{ACCOUNTS}kubevirt-handler", names)
    gone: set[str] = set()
    async with namespace(client), handlers_of as on_node, Tasks() as tasks:
        await nodes.remove(client)
        try:
            await nodes.create(client, node_count)
            tasks.spawn(nodes.keep_alive(client, node_count), name="nodes")
            tasks.spawn(watch(controller, api), name="memory")
            await until("the simulated nodes to be ready", lambda: nodes_ready(client, node_count))
            kubelets = agents.Kubelets(client, NAMESPACE)
            handlers = agents.Handlers(client, NAMESPACE, on_node=on_node, on_end=gone.add)
            kubelets.start(tasks)
            handlers.start(tasks)
            line(f"virt-controller before, {node_count} nodes: RSS", f"{controller.look().rss / MIB:.1f} MiB")

            begun = time.monotonic()
            created = await create(client, instances, rate)
            made_s = time.monotonic() - begun
            await until("all instances to be Running", lambda: enough(handlers.phases["Running"], instances))
            line(f"{instances} instances created, asked for {rate:.0f}/s", f"{instances / made_s:.1f} /s")
            line("created -> all Running", f"{time.monotonic() - begun:.0f} s")
            reaction("VMI created -> its launcher pod is there", created, kubelets.created)
            reaction("pod runs -> VMI is handed over to its node", kubelets.running, handlers.scheduled)
            memory_of(controller, f"virt-controller with {instances} instances", "promise: 400 MiB")
            line("processor seconds: virt-controller, virt-api", f"{controller.cpu_s:.0f} s, {api.cpu_s:.0f} s")

            begun = time.monotonic()
            await delete(client, created, rate * 2)
            await until("all instances to be gone", lambda: enough(len(gone), instances))
            line(f"{instances} instances deleted", f"{time.monotonic() - begun:.0f} s")
            memory_of(controller, "virt-controller after", "")
            line("processor seconds in all: virt-controller, virt-api", f"{controller.cpu_s:.0f} s, {api.cpu_s:.0f} s")
            writes_and_lists(since, instances, kubelets.writes + handlers.writes)
        finally:
            await nodes.remove(client)


async def pending(client: Client, count: int) -> None:
    """Instances that no node can take: what they cost while they wait."""
    controller, api = await Program.find(client, "virt-controller"), await Program.find(client, "virt-api")
    async with namespace(client), Tasks() as tasks:
        tasks.spawn(watch(controller, api), name="memory")
        created = await create(client, count, rate=1000.0)

        async def waiting() -> bool:
            pods = await client.list(PODS, NAMESPACE, labels="kubevirt.io=virt-launcher")
            return len(pods) == count and all(p.condition("PodScheduled") is not None for p in pods)

        await until("all launcher pods to wait for a node", waiting)
        await asyncio.sleep(10)  # what follows from the pods' conditions
        added = controller.look().rss - controller.at_first.rss
        line(f"{count} pending instances: controller's memory added", f"{added / MIB:.1f} MiB", "promise: 35 MB")
        line("  processor seconds, virt-controller", f"{controller.cpu_s:.1f} s", "promise: 8 s")
        line("  processor seconds, virt-api", f"{api.cpu_s:.1f} s", "promise: 6 s")
        await delete(client, created, 1000.0)


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
    manifest["spec"] = agents.placed_here(manifest["spec"])
    return manifest


async def create(client: Client, count: int, rate: float) -> agents.Clocks:
    """Creates so many at this rate; when each was answered, by name."""
    created: agents.Clocks = {}

    async def one(number: int) -> None:
        made = await client.create(VMIS, instance(number))
        created[made.metadata.name] = time.monotonic()

    await paced(one, count, rate)
    return created


async def delete(client: Client, names: agents.Clocks, rate: float) -> None:
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


async def watch(*programs: Program) -> None:
    """Looks at memory every second, until cancelled."""
    while True:
        for program in programs:
            program.look()
        await asyncio.sleep(1)


async def nodes_ready(client: Client, count: int) -> bool:
    """Kubernetes has taken its own taints off them."""
    there = await client.list(NODES, labels=simulation.LABEL)
    return sum(all(taint.key == simulation.LABEL for taint in node.spec.taints) for node in there) == count


async def enough(found: int, wanted: int) -> bool:
    """For `until`."""
    return found >= wanted


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for an asynchronous condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        if time.monotonic() > deadline:
            raise Problem(cause=f"waited {PATIENCE_S:.0f} s in vain for {what}", remedy="look at the programs' logs")
        await asyncio.sleep(1)


def reaction(what: str, before: agents.Clocks, after: agents.Clocks) -> None:
    """How long the controller let things lie, at worst."""
    times = sorted(after[name] - before[name] for name in before if name in after)
    line(f"{what}: p50, p99", f"{statistics.median(times):.2f} s, {times[len(times) * 99 // 100]:.2f} s")
    line(f"{what}: longest", f"{times[-1]:.2f} s", "promise: 5 s")


def memory_of(program: Program, what: str, promise: str) -> None:
    """Resident and proportional memory now, and the highest seen."""
    found = program.look()
    line(f"{what}: RSS", f"{found.rss / MIB:.1f} MiB", promise)
    line("  PSS; highest RSS so far", f"{found.pss / MIB:.1f}, {program.highest.rss / MIB:.1f} MiB")


def writes_and_lists(since: datetime, instances: int, simulated: Counter[str]) -> None:
    """From the audit log: writes per machine by component, lists and watches of the controller."""
    log = Path(run(str(BIN / "localkube"), "audit-log").ok().out.strip())
    writes: Counter[tuple[str, str, str]] = Counter()
    lists: Counter[str] = Counter()
    watches = 0
    for asked in seen(log, ACCOUNTS, since.isoformat()):
        if asked.account == "kubevirt-controller" and asked.verb in ("list", "watch"):
            lists[asked.resource] += asked.verb == "list"
            watches += asked.verb == "watch"
        elif asked.verb in WRITES and asked.resource not in APART and asked.namespace == NAMESPACE:
            writes[asked.account, asked.verb, asked.resource] += 1
    line("lists by virt-controller in the meantime", str(lists.total()), "promise: 0")
    line("  watches begun anew, as they run out", str(watches))
    for (account, verb, resource), count in writes.most_common():
        line(f"  writes per instance: {account} {verb} {resource}", f"{count / instances:.2f}")
    for what, count in simulated.most_common():
        line(f"  writes per instance: simulated node, {what}", f"{count / instances:.2f}")
    line("writes per instance in its whole life, by virt-controller", f"{writes.total() / instances:.2f}")
