"""Putting everything into the cluster and waiting until it works; run again, it brings everything up to date.

Objects are applied by server-side apply, so what others have added to them (annotations, replicas) stays, and what
earlier versions of ours had set and no longer do goes away. Certificates that are still good are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.names import LABEL_MANAGED_BY
from kubevirt.api.resources import (
    API_SERVICES,
    CONFIGMAPS,
    CRDS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    KUBEVIRTS,
    NAMESPACES,
    PODS,
    SECRETS,
)
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.client import Client, name_of
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound, ServerTrouble, Unreachable
from kubevirt.kube.informer import Informer
from kubevirt.kube.requests import PatchKind
from kubevirt.virt_operator import objects, rollout, status
from kubevirt.virt_operator.kinds import resource_of
from kubevirt.virt_operator.progress import Progress
from kubevirt.virt_operator.rollout import Part
from kubevirt.virt_operator.secrets import AUTHORITY, BUNDLE_KEY, Trust, plan, subjects
from kubevirt.virt_operator.settings import Installation, installation_for

# A part that is waiting for the same thing is not mentioned again before this.
REMIND_S = 15.0
APPLY_ATTEMPTS = 5


class NotComingUp(Problem):
    """Not everything is available in time."""


async def install(client: Client, *, image: str, namespace: str, timeout_s: float, progress: Progress) -> None:
    """Raises NotComingUp after `timeout_s`, saying what is missing and why."""
    progress.step(f"installing into namespace {namespace} of {client.access.server}")
    existing = await existing_kubevirt(client, namespace)
    installation = installation_for(existing, image=image, namespace=namespace)
    await _prepare_namespace(client, namespace)
    await apply_all(client, objects.foundations(installation))
    progress.step("namespace, priority class, roles and accounts are there")
    definitions = objects.definitions()
    await apply_all(client, definitions)
    try:
        async with asyncio.timeout(timeout_s):
            await _established(client, definitions)
    except TimeoutError as e:
        raise NotComingUp(
            cause=f"the API server has not taken up the new kinds within {timeout_s:.0f} s",
            remedy="see the conditions of 'kubectl get crd -o yaml'",
        ) from e
    progress.step(f"{len(definitions)} kinds are known to the API server")
    trust = await _trust(client, installation, progress)
    kubevirt = existing or await _create_kubevirt(client, namespace)
    await apply_all(client, objects.programs(installation, trust))
    progress.step(f"virt-api, virt-controller and virt-handler are to run from image {installation.image}")
    await _write_status(client, kubevirt, status.deploying(kubevirt, installation, _now()))
    try:
        async with asyncio.timeout(max(1.0, timeout_s - progress.seconds)):
            await _watch_until_available(client, namespace, progress)
    except TimeoutError as e:
        missing = [part for part in await _parts_now(client, namespace) if not part.is_available]
        for part in missing:
            progress.bad(f"{part.name}: {part.waits_for}")
        why = "; ".join(f"{part.name}: {part.waits_for}" for part in missing)
        await _write_status(client, kubevirt, status.failed(kubevirt, installation, _now(), why))
        names = ", ".join(part.name for part in missing) or "the last of it came up too late"
        raise NotComingUp(
            cause=f"not available after {timeout_s:.0f} s: {names}",
            remedy=f"see 'kubectl get pods -n {namespace}' and the logs of the pods; a second run goes on from here",
        ) from e
    await _write_status(client, kubevirt, status.deployed(kubevirt, installation, _now()))
    progress.good(f"KubeVirt {installation.version} is available")


async def existing_kubevirt(client: Client, namespace: str) -> KubeVirt | None:
    """The KubeVirt object of the cluster, of which there is at most one. Raises Problem if it is elsewhere."""
    try:
        found = await client.list(KUBEVIRTS)
    except NotFound:  # the kind is not known yet
        return None
    for kubevirt in found:
        if kubevirt.metadata.namespace != namespace:
            raise Problem(
                cause=f"KubeVirt is installed in namespace {kubevirt.metadata.namespace} already",
                remedy=f"use --namespace {kubevirt.metadata.namespace}, or remove that installation first",
            )
    return found[0] if found else None


async def _prepare_namespace(client: Client, name: str) -> None:
    """The namespace, marked as ours only if it is: an administrator's own one must survive an uninstall."""
    wanted = objects.namespace_object(name)
    try:
        is_ours = (await client.get(NAMESPACES, name)).metadata.labels.get(LABEL_MANAGED_BY) == objects.MANAGER
    except NotFound:
        is_ours = True
    await apply_one(client, objects.managed(wanted) if is_ours else wanted)


async def apply_all(client: Client, wanted: Sequence[JsonObject]) -> None:
    """Applies the objects, all together: none of one call may need another of it to be there first."""
    outcomes = await asyncio.gather(*(apply_one(client, obj) for obj in wanted), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def apply_one(client: Client, obj: JsonObject) -> None:
    """Trouble of the moment (conflicts, a server that restarts) is tried again a few times."""
    for attempt in range(1, APPLY_ATTEMPTS + 1):
        try:
            await client.apply(resource_of(obj), obj)
        except (Conflict, ServerTrouble, Unreachable):
            if attempt == APPLY_ATTEMPTS:
                raise
            await asyncio.sleep(0.5 * attempt)
        else:
            return


async def _established(client: Client, definitions: Sequence[JsonObject]) -> None:
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


async def _trust(client: Client, installation: Installation, progress: Progress) -> Trust:
    """Certificates: those that are good are kept, the others made."""
    namespace = installation.namespace
    wanted = {AUTHORITY, *subjects(namespace)}
    held = {secret.metadata.name: secret for secret in await client.list(SECRETS, namespace)
            if secret.metadata.name in wanted}
    try:
        bundle = (await client.get(CONFIGMAPS, AUTHORITY, namespace)).data.get(BUNDLE_KEY, "")
    except NotFound:
        bundle = ""
    trust = plan(installation, held, bundle.encode(), _now())
    await apply_all(client, objects.trust_objects(trust))
    for name, why in trust.renewed.items():
        progress.step(f"certificate {name} was made ({why})")
    if not trust.renewed:
        progress.step("all certificates are good")
    return trust


async def _create_kubevirt(client: Client, namespace: str) -> KubeVirt:
    try:
        return await client.create(KUBEVIRTS, objects.kubevirt_object(namespace))
    except AlreadyExists:
        return await client.get(KUBEVIRTS, name_of(objects.kubevirt_object(namespace)), namespace)


async def _write_status(client: Client, kubevirt: KubeVirt, content: JsonObject) -> None:
    meta = kubevirt.metadata
    written = await client.patch(KUBEVIRTS, meta.name, meta.namespace, {"status": content}, PatchKind.MERGE,
                                 subresource="status")
    kubevirt.status = written.status
    kubevirt.metadata = written.metadata


async def _watch_until_available(client: Client, namespace: str, progress: Progress) -> None:
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


async def _parts_now(client: Client, namespace: str) -> list[Part]:
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


def _now() -> datetime:
    return datetime.now(UTC)
