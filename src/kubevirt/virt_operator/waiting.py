"""Waiting for what was applied: kinds that the API server takes up, programs that become available.

Level-based: after each change in the cluster everything is looked at anew. Who waits is told what for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from kubevirt.api.resources import API_SERVICES, CRDS, DAEMONSETS, DEPLOYMENTS, EVENTS, PODS
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client, name_of
from kubevirt.kube.informer import Informer
from kubevirt.virt_operator import rollout
from kubevirt.virt_operator.progress import Progress
from kubevirt.virt_operator.rollout import Part

# A part that is waiting for the same thing is not mentioned again before this.
REMIND_S = 15.0


async def established(client: Client, definitions: Sequence[JsonObject]) -> None:
    """Returns once the API server serves the kinds."""
    missing = {name_of(definition) for definition in definitions}
    async with Tasks() as tasks:
        crds = Informer(client, CRDS)
        changed = _changes(crds)
        crds.start(tasks)
        await crds.synced()
        while True:
            changed.clear()
            served = {
                crd.metadata.name for crd in crds.all()
                if any(c.type == "Established" and c.status == "True" for c in crd.status.conditions)
            }
            if missing <= served:
                return
            await changed.wait()


async def watch_until_available(client: Client, namespace: str, progress: Progress) -> None:
    """Returns once every part is available; tells of each part when it becomes so, and what the others wait for."""
    async with Tasks() as tasks:
        deployments = Informer(client, DEPLOYMENTS, namespace=namespace)
        daemonsets = Informer(client, DAEMONSETS, namespace=namespace)
        pods = Informer(client, PODS, namespace=namespace)
        events = Informer(client, EVENTS, namespace=namespace)
        services = Informer(client, API_SERVICES)
        informers = (deployments, daemonsets, pods, events, services)
        changed = _changes(*informers)
        for informer in informers:
            informer.start(tasks)
            await informer.synced()
        told = _Told(progress)
        while True:
            changed.clear()
            parts = rollout.parts(rollout.Seen(
                deployments=deployments.all(), daemonsets=daemonsets.all(), services=services.all(), pods=pods.all(),
                events=events.all()
            ))
            told.tell(parts)
            if all(part.is_available for part in parts):
                return
            await changed.wait()


async def parts_now(client: Client, namespace: str) -> list[Part]:
    """The parts as they are at this moment, for the report at the end of the time."""
    return rollout.parts(rollout.Seen(
        deployments=await client.list(DEPLOYMENTS, namespace),
        daemonsets=await client.list(DAEMONSETS, namespace),
        services=await client.list(API_SERVICES),
        pods=await client.list(PODS, namespace),
        events=await client.list(EVENTS, namespace),
    ))


class _Told:
    """Says each thing once, and again when it has not changed for long."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: dict[str, tuple[str, float]] = {}

    def tell(self, parts: Sequence[Part]) -> None:
        for part in parts:
            last, at = self._last.get(part.name, ("?", 0.0))
            if part.waits_for == last and (part.is_available or self._progress.seconds - at < REMIND_S):
                continue
            self._last[part.name] = (part.waits_for, self._progress.seconds)
            if part.is_available:
                self._progress.good(f"{part.name} is available")
            else:
                self._progress.waiting(f"{part.name}: {part.waits_for}")


class _Observable(Protocol):
    def on_change(self, callback: Callable[[object, object], None]) -> None: ...


def _changes(*informers: _Observable) -> asyncio.Event:
    """An event that is set whenever one of the informers hears of something."""
    changed = asyncio.Event()

    def tell(_old: object, _new: object) -> None:
        changed.set()

    for informer in informers:
        informer.on_change(tell)
    return changed
