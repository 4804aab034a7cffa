"""`make soak`: our pods are killed at random moments while machines are made, restarted, stopped and deleted.

    python -m benchmarks.soak [--minutes 10] [--machines 4] [--every 5] [--seed N]

At the end every machine must be as it was last asked to be, with one guest or none, and when all are deleted nothing of
them may be left: no object, process or mount. At no moment may two guests of one machine run. What an API call answers
while virt-api is dead does not matter, as it would not to a user who tries again. The seed gives the same choices
again; moments differ. The nodes must be this machine's own (a localkube), as processes are looked for in its table.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import Enum

import click

from benchmarks import start_time
from benchmarks.page import line
from kubevirt.api.resources import CONTROLLER_REVISIONS, NAMESPACES, PODS, VMIS, VMS
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client
from kubevirt.kube.config import load_access
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound
from tests.e2e import machine
from tests.e2e.manifests import vm

NAMESPACE = "soak"
INSTALLATION = "kubevirt"
PROGRAMS = ("virt-api", "virt-controller", "virt-handler")
SUBRESOURCES = f"/apis/subresources.kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachines"
STRATEGIES = {"start": "Always", "stop": "Halted"}
IN_THE_END_S = 240.0


class Wanted(Enum):
    """What a machine was last asked to be."""

    ABSENT = "absent"
    STOPPED = "Stopped"
    RUNNING = "Running"


class Machine:
    """One machine and what is done to it, one thing after the other."""

    def __init__(self, client: Client, number: int, chance: random.Random) -> None:
        self.name = f"soak-{number}"
        self.wanted = Wanted.ABSENT
        self.done: Counter[str] = Counter()
        self._client = client
        self._chance = chance

    async def live(self, until: float) -> None:
        """Something new every few seconds. What is under way in the end is finished."""
        while time.monotonic() < until:
            await self.step()
            await asyncio.sleep(self._chance.uniform(1, 12))

    async def delete(self) -> None:
        """For good."""
        if self.wanted is not Wanted.ABSENT:
            await insist(lambda: self._ask("delete"))

    async def step(self) -> None:
        """One thing that makes sense to a user now."""
        choices = {Wanted.ABSENT: ["create"], Wanted.STOPPED: ["start", "start", "delete"],
                   Wanted.RUNNING: ["restart", "restart", "stop", "delete"]}
        what = self._chance.choice(choices[self.wanted])
        becomes = {"create": Wanted.RUNNING, "start": Wanted.RUNNING, "restart": Wanted.RUNNING,
                   "stop": Wanted.STOPPED, "delete": Wanted.ABSENT}
        await insist(lambda: self._ask(what))
        self.wanted = becomes[what]
        self.done[what] += 1

    async def _ask(self, what: str) -> None:
        """Raises a Problem when it has to be asked again. A lost answer shows as "there already" or "not there"."""
        match what:
            case "create":
                manifest = vm(self.name)
                manifest["metadata"]["namespace"] = NAMESPACE
                manifest["spec"]["template"]["spec"] = start_time.diskless(self.name)["spec"]
                with contextlib.suppress(AlreadyExists):
                    await self._client.create(VMS, manifest)
            case "delete":
                with contextlib.suppress(NotFound):
                    await self._client.delete(VMS, self.name, NAMESPACE)
                await eventually(f"{self.name} to be deleted", self._is_gone)
            case _:
                try:
                    await self._client.raw("PUT", f"{SUBRESOURCES}/{self.name}/{what}", body=b"{}")
                except Conflict:
                    # Nothing runs that could be restarted, or it is started or stopped already; else it is too early.
                    found = await self._client.get(VMS, self.name, NAMESPACE)
                    if what != "restart" and found.spec.run_strategy != STRATEGIES[what]:
                        raise

    async def _is_gone(self) -> str:
        try:
            await self._client.get(VMS, self.name, NAMESPACE)
        except NotFound:
            return ""
        return "it is still there"

    async def fault(self) -> str:
        """What is not as it was last asked for; empty when all is well."""
        vms = {found.metadata.name: found for found in await self._client.list(VMS, NAMESPACE)}
        guests = len(machine.qemu_of(NAMESPACE, self.name))
        found = vms.get(self.name)
        status = found.status.printable_status if found is not None else Wanted.ABSENT.value
        if status != self.wanted.value:
            return f"{self.name} is {status}, not {self.wanted.value}"
        if guests != (1 if self.wanted is Wanted.RUNNING else 0):
            return f"{self.name} is {status} and has {guests} guests"
        return ""


async def insist(ask: Callable[[], Awaitable[None]]) -> None:
    """Asks until it is taken, as a user would whose request met a dead program."""
    deadline = time.monotonic() + IN_THE_END_S
    while True:
        try:
            return await ask()
        except Problem:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.5)


async def kill(client: Client, every_s: float, chance: random.Random, killed: Counter[str]) -> None:
    """One of our pods after the other, until cancelled: programs at once, launchers within a second."""
    while True:
        await asyncio.sleep(chance.uniform(0.2, 2 * every_s))
        kind = chance.choice([*PROGRAMS, "virt-launcher"])
        place = NAMESPACE if kind == "virt-launcher" else INSTALLATION
        with contextlib.suppress(Problem):
            pods = await client.list(PODS, place, labels=f"kubevirt.io={kind}")
            if pods:
                # What is taken away by force may live on for a while: not done to guests, which must never be two.
                grace_s = 1 if kind == "virt-launcher" else 0
                await client.delete(PODS, chance.choice(pods).metadata.name, place, grace_s=grace_s)
                killed[kind] += 1


async def look(client: Client, machines: list[Machine], twice: set[str], uids: set[str]) -> None:
    """Every half second, until cancelled: no machine has two guests; notes the launcher pods that there were."""
    while True:
        twice |= {m.name for m in machines if len(machine.qemu_of(NAMESPACE, m.name)) > 1}
        with contextlib.suppress(Problem):
            uids |= {pod.metadata.uid for pod in await client.list(PODS, NAMESPACE)}
        await asyncio.sleep(0.5)


async def eventually(what: str, fault: Callable[[], Awaitable[str]]) -> None:
    """Until nothing is wrong any more."""
    deadline = time.monotonic() + IN_THE_END_S
    while wrong := await fault():
        if time.monotonic() > deadline:
            raise Problem(cause=f"waited {IN_THE_END_S:.0f} s in vain for {what}: {wrong}", remedy="see the logs")
        await asyncio.sleep(1)


async def soak(minutes: float, count: int, every_s: float, seed: int) -> None:
    """All of it. Raises a Problem that says what was lost or left."""
    chance, killed, twice, uids = random.Random(seed), Counter[str](), set[str](), set[str]()  # noqa: S311
    async with Client(load_access(), program="soak") as client:
        await client.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        machines = [Machine(client, number, random.Random(seed + number + 1)) for number in range(count)]  # noqa: S311
        async with Tasks() as tasks:
            tasks.spawn(look(client, machines, twice, uids), name="look")
            await for_a_while(minutes, client, machines, every_s, chance, killed)
            for one in machines:
                await eventually(f"{one.name} to be as asked for", one.fault)
            line("machines as they were asked for, in the end", f"{count} of {count}")
            for one in machines:
                await one.delete()
            await eventually("everything to be gone", lambda: left(client, uids))
        await client.delete(NAMESPACES, NAMESPACE)
    done = sum((one.done for one in machines), Counter[str]())
    line("killed", ", ".join(f"{n} {kind}" for kind, n in sorted(killed.items())))
    line("done meanwhile", ", ".join(f"{n} {what}" for what, n in sorted(done.items())))
    line("launcher pods looked after, of which nothing is left", str(len(uids)))
    if twice:
        raise Problem(cause=f"two guests at a time: {', '.join(sorted(twice))}", remedy=f"run with --seed {seed}")


async def for_a_while(minutes: float, client: Client, machines: list[Machine], every_s: float, chance: random.Random,
                      killed: Counter[str]) -> None:
    """The unrest."""
    until = time.monotonic() + minutes * 60
    async with Tasks() as tasks:
        tasks.spawn(kill(client, every_s, chance, killed), name="kill")
        await asyncio.gather(*(one.live(until) for one in machines))


async def left(client: Client, uids: set[str]) -> str:
    """What is left of machines that were all deleted; empty for nothing."""
    for kind in (VMS, VMIS, PODS, CONTROLLER_REVISIONS):
        if there := await client.list(kind, NAMESPACE):
            return f"{len(there)} {kind.plural}"
    if processes := machine.guest_processes(NAMESPACE):
        return f"processes {processes}"
    mounts = [mount for uid in uids for mount in machine.mounts_of_pod(uid)]
    return f"mounts {mounts[:3]}" if mounts else ""


@click.command()
@click.option("--minutes", default=10.0, help="How long")
@click.option("--machines", default=4, help="How many at a time")
@click.option("--every", default=5.0, help="Seconds between two kills, on average")
@click.option("--seed", default=lambda: int(time.time()), type=int, help="Of the choices")
def main(minutes: float, machines: int, every: float, seed: int) -> None:
    """Kill our pods at random moments while machines live; nothing may be lost or left."""
    print(f"soak: {minutes:g} minutes, seed {seed}", flush=True)
    try:
        asyncio.run(soak(minutes, machines, every, seed))
    except Problem as problem:
        print(f"soak failed (seed {seed}): {problem}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
