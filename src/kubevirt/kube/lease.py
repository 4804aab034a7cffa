"""Leader election on a Lease: of several copies of a program, one works and the others wait.

    async with leader(client, "virt-controller", namespace, identity, on_lost=stop):
        ...                                                    # entered as the leader

Times are those of Kubernetes' own components: a lease not renewed for 15 s may be taken, its holder gives up after
10 s without a successful renewal, and tries every 2 s. How long a lease has gone without renewal is measured on our
own clock from the moment we saw it change; clocks of other machines are never compared with ours. A leader that ends
in an orderly way hands its lease back, so the next takes over at once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from kubevirt.api.objects import Lease
from kubevirt.api.resources import LEASES
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import format_micro_time
from kubevirt.kube.client import Client
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound
from kubevirt.kube.patches import Patch

log = logs.get("leader")


@dataclass(frozen=True, kw_only=True)
class LeaseTimes:
    """In seconds: how long others must wait, how long the holder tries, how often both try."""

    duration_s: int = 15
    renew_deadline_s: float = 10.0
    retry_s: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a Lease says. `record` changes with every renewal; nothing else of the times is used."""

    resource_version: str
    holder: str
    duration_s: int
    transitions: int
    acquired: str
    record: str


def may_take(held: Held, identity: str, unchanged_for_s: float) -> bool:
    """Whether `identity` may write itself into a lease that has not changed for so long (on our clock)."""
    return not held.holder or held.holder == identity or unchanged_for_s >= held.duration_s


class Election:
    """One contender for one Lease."""

    def __init__(self, client: Client, name: str, namespace: str, identity: str, *, times: LeaseTimes | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._times = times or LeaseTimes()
        self._clock = clock
        self._seen = ""
        self._seen_at = 0.0

    async def acquire(self) -> None:
        """Returns as the leader; waits as long as it takes."""
        told = ""
        while True:
            try:
                held = await self._try_once()
            except Problem as e:
                log.warning("the lease cannot be read or written", lease=self._name, cause=str(e))
            else:
                if held is None:
                    log.info("leading", lease=self._name, identity=self._identity)
                    return
                if held.holder != told:
                    told = held.holder
                    log.info("waiting for the leader to give up its lease", lease=self._name, leader=told)
            await asyncio.sleep(self._times.retry_s * random.uniform(1.0, 1.2))  # noqa: S311 (not a secret)

    async def keep(self) -> None:
        """Renews until that has failed for the renew deadline or another holds the lease; then returns."""
        renewed_at = self._clock()
        while True:
            await asyncio.sleep(self._times.retry_s)
            try:
                async with asyncio.timeout(self._times.renew_deadline_s):
                    held = await self._try_once()
                if held is not None:
                    log.error("another holds the lease", lease=self._name, leader=held.holder)
                    return
                renewed_at = self._clock()
            except (Problem, TimeoutError) as e:
                log.warning("the lease could not be renewed", lease=self._name, cause=str(e) or "timed out")
            if self._clock() - renewed_at >= self._times.renew_deadline_s:
                return

    async def release(self) -> None:
        """Hands the lease back, if it is still ours. Trouble is only logged: the lease runs out by itself."""
        try:
            async with asyncio.timeout(self._times.renew_deadline_s):
                held = await self._read()
                if held is not None and held.holder == self._identity:
                    patch = Patch().test_version(held.resource_version)
                    patch.replace("/spec", self._spec(held, holder="", duration_s=1))
                    await self._client.patch(LEASES, self._name, self._namespace, patch.operations)
        except (Problem, TimeoutError) as e:
            log.info("the lease is left to run out", lease=self._name, cause=str(e) or "timed out")

    async def _try_once(self) -> Held | None:
        """None: we hold the lease, renewed. Otherwise who holds it."""
        held = await self._read()
        if held is None:
            return await self._create()
        if held.record != self._seen:
            self._seen, self._seen_at = held.record, self._clock()
        if not may_take(held, self._identity, self._clock() - self._seen_at):
            return held
        patch = Patch().test_version(held.resource_version)
        patch.replace("/spec", self._spec(held, holder=self._identity, duration_s=self._times.duration_s))
        try:
            await self._client.patch(LEASES, self._name, self._namespace, patch.operations)
        except Conflict:
            return await self._read() or held
        return None

    async def _create(self) -> Held | None:
        spec = self._spec(None, holder=self._identity, duration_s=self._times.duration_s)
        lease: JsonObject = {"metadata": {"name": self._name, "namespace": self._namespace}, "spec": spec}
        try:
            await self._client.create(LEASES, lease, self._namespace)
        except AlreadyExists:
            return await self._read()
        return None

    async def _read(self) -> Held | None:
        try:
            return held_in(await self._client.get(LEASES, self._name, self._namespace))
        except NotFound:
            return None

    def _spec(self, held: Held | None, *, holder: str, duration_s: int) -> JsonObject:
        moment = format_micro_time(datetime.now(UTC))
        changes_hands = held is None or held.holder != holder
        transitions = 0 if held is None else held.transitions + (1 if changes_hands else 0)
        acquired = moment if changes_hands or held is None else held.acquired
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": duration_s,
            "acquireTime": acquired or moment,
            "renewTime": moment,
            "leaseTransitions": transitions,
        }


@asynccontextmanager
async def leader(client: Client, name: str, namespace: str, identity: str, on_lost: Callable[[], None], *,
                 times: LeaseTimes | None = None) -> AsyncIterator[None]:
    """Enters once the lease is ours; `on_lost` is called (once) if it is lost while inside, and must end the work."""
    election = Election(client, name, namespace, identity, times=times)
    await election.acquire()

    async def keep() -> None:
        await election.keep()
        log.error("no longer leading", lease=name, identity=identity)
        on_lost()
        await asyncio.Event().wait()

    try:
        async with Tasks() as tasks:
            tasks.spawn(keep(), name=f"renew lease {name}")
            yield
    finally:
        await election.release()


def held_in(lease: Lease) -> Held:
    """A Lease as the API server has it."""
    spec = lease.spec
    holder = spec.holder_identity or ""
    return Held(
        resource_version=lease.metadata.resource_version,
        holder=holder,
        duration_s=spec.lease_duration_seconds or 0,
        transitions=spec.lease_transitions or 0,
        acquired=spec.acquire_time or "",
        record=f"{holder} {spec.renew_time} {spec.lease_transitions}",
    )
