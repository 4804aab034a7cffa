"""The control plane under many machines: thousands of VMIs on simulated nodes, and a thousand that cannot be placed.

The API server, scheduler, virt-api and the deployed virt-controller are real; guests, kubelets and virt-handlers are
simulated (`benchmarks.simulation`). The age of virt-controller's queues is its own word. Beside it stands what is seen
from outside, in which the API server's, the scheduler's and the simulation's own delays are contained: how long after
a VMI is made its launcher pod is there, and how long after the pod runs the VMI is handed over.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import load, queues, simulation
from benchmarks.load import NAMESPACE, until
from benchmarks.page import MIB, line
from benchmarks.programs import INSTALLATION, Processors, Program
from benchmarks.simulation import nodes
from benchmarks.simulation.handlers import Handlers
from benchmarks.simulation.kubelets import Clocks, Kubelets
from kubevirt.api.resources import NODES, PODS
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.config import load_access
from kubevirt.kube.transport import Transport
from tests.e2e.harness import BIN, run
from tests.e2e.requests_seen import seen

ACCOUNTS = f"system:serviceaccount:{INSTALLATION}:"
WRITES = frozenset({"create", "update", "patch", "delete"})
APART = frozenset({"events", "leases", "subjectaccessreviews"})


async def scale(client: Client, *, instances: int, node_count: int, rate: float) -> None:
    """All created at a rate, all Running, all deleted."""
    since = datetime.now(UTC)
    gone: set[str] = set()
    transport = Transport(load_access(), user_agent="simulated-handlers")
    async with load.namespace(client), nodes.simulated(client, node_count), transport, Tasks() as tasks:
        await until("the simulated nodes to be ready", lambda: nodes_ready(client, node_count))
        kubelets = Kubelets(client, NAMESPACE)
        handlers = Handlers(client, NAMESPACE, transport=transport, account=f"{ACCOUNTS}kubevirt-handler",
                            on_end=gone.add)
        kubelets.start(tasks)
        handlers.start(tasks)
        await asyncio.gather(kubelets.pods.synced(), handlers.instances.synced())
        controller, processors = await watched(client, tasks)
        line(f"virt-controller before, {node_count} nodes: RSS", f"{controller.look().rss / MIB:.1f} MiB")

        before = await queues.read(client, controller.pod)
        processors.spent()
        begun = time.monotonic()
        created = await load.create(client, instances, rate)
        made_s = time.monotonic() - begun
        line(f"{instances} instances created, asked for {rate:.0f}/s", f"{instances / made_s:.1f} /s")
        await until("all instances to be Running", lambda: enough(handlers.phases["Running"], instances))
        took_s = time.monotonic() - begun
        line("created -> all Running", f"{took_s:.0f} s", f"the last {took_s - made_s:.0f} s after its creation")
        processors.print(took_s, instances)
        reaction("VMI created -> its launcher pod is there", created, kubelets.created)
        reaction("launcher pod made -> placed by the scheduler", kubelets.created, kubelets.placed)
        reaction("pod placed -> it runs (the simulation)", kubelets.placed, kubelets.running)
        reaction("pod runs -> VMI is handed over to its node", kubelets.running, handlers.scheduled)
        memory_of(controller, f"virt-controller with {instances} instances", "promise: 400 MiB")
        between = await queues.read(client, controller.pod)
        queues.print_ages(between, beside=before)

        processors.spent()
        begun = time.monotonic()
        await load.delete(client, created, rate)
        asked_s = time.monotonic() - begun
        line(f"{instances} instances asked to go, at {rate:.0f}/s", f"{instances / asked_s:.1f} /s")
        await until("all instances to be gone", lambda: enough(len(gone), instances))
        took_s = time.monotonic() - begun
        line(f"{instances} instances gone", f"{took_s:.0f} s", f"the last {took_s - asked_s:.0f} s after its turn")
        processors.print(took_s, instances)
        memory_of(controller, "virt-controller after", "")
        queues.print_ages(await queues.read(client, controller.pod), beside=between)
        writes_and_lists(since, instances, kubelets.writes + handlers.writes)


async def pending(client: Client, count: int) -> None:
    """Instances that no node can take: what they cost while they wait."""
    async with load.namespace(client), Tasks() as tasks:
        controller, processors = await watched(client, tasks)
        since, begun = datetime.now(UTC), time.monotonic()
        created = await load.create(client, count, rate=1000.0)
        line(f"{count} pending instances: created", f"{count / (time.monotonic() - begun):.0f} /s")

        async def waiting() -> bool:
            pods = await client.list(PODS, NAMESPACE, labels="kubevirt.io=virt-launcher")
            return len(pods) == count and all(p.condition("PodScheduled") is not None for p in pods)

        await until("all launcher pods to wait for a node", waiting)
        await asyncio.sleep(10)  # what follows from the pods' conditions
        added = controller.look().rss - controller.at_first.rss
        line(f"{count} pending instances: controller's memory added", f"{added / MIB:.1f} MiB", "promise: 35 MB")
        line("  promised: processor seconds of virt-controller, virt-api", "8 s, 6 s")
        processors.print(time.monotonic() - begun, count)
        writes_and_lists(since, count, Counter())
        await load.delete(client, created, 1000.0)


async def watched(client: Client, tasks: Tasks) -> tuple[Program, Processors]:
    """virt-controller, whose memory is looked at until `tasks` end, and the processors that all programs use."""
    names = ("virt-controller", "virt-api")
    ours = {name: await Program.find(client, name) for name in names}
    binaries = Path(run(str(BIN / "localkube"), "which", "kubectl").ok().out.strip()).parent
    controller = ours["virt-controller"][0]
    tasks.spawn(watch(controller), name="memory")
    return controller, Processors(binaries, ours)


async def watch(program: Program) -> None:
    """Looks at its memory now and then, until cancelled."""
    while True:
        program.look()
        await asyncio.sleep(5)


async def nodes_ready(client: Client, count: int) -> bool:
    """Kubernetes has taken its own taints off them."""
    there = await client.list(NODES, labels=simulation.LABEL)
    return sum(all(taint.key == simulation.LABEL for taint in node.spec.taints) for node in there) == count


async def enough(found: int, wanted: int) -> bool:
    """For `until`."""
    return found >= wanted


def reaction(what: str, before: Clocks, after: Clocks) -> None:
    """How long something was left lying."""
    times = sorted(after[name] - before[name] for name in before if name in after)
    line(f"{what}: p50, p99", f"{statistics.median(times):.2f} s, {times[len(times) * 99 // 100]:.2f} s",
         f"longest {times[-1]:.2f} s")


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
    line("writes per instance, by virt-controller, events apart", f"{writes.total() / instances:.2f}")
