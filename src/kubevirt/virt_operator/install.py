"""Putting everything into the cluster and waiting until it works; run again, it brings everything up to date.

Objects are applied by server-side apply, so what others have added to them (annotations, replicas) stays, and what
earlier versions of ours had set and no longer do goes away. Certificates that are still good are kept.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.names import LABEL_MANAGED_BY
from kubevirt.api.resources import CONFIGMAPS, KUBEVIRTS, NAMESPACES, SECRETS
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client, name_of
from kubevirt.kube.errors import AlreadyExists, NotFound
from kubevirt.kube.requests import PatchKind
from kubevirt.virt_operator import objects, status
from kubevirt.virt_operator.applying import apply_all, apply_one
from kubevirt.virt_operator.progress import Progress
from kubevirt.virt_operator.secrets import AUTHORITY, BUNDLE_KEY, Trust, plan, subjects
from kubevirt.virt_operator.settings import Installation, installation_for
from kubevirt.virt_operator.waiting import established, parts_now, watch_until_available


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
            await established(client, definitions)
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
            await watch_until_available(client, namespace, progress)
    except TimeoutError as e:
        missing = [part for part in await parts_now(client, namespace) if not part.is_available]
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


def _now() -> datetime:
    return datetime.now(UTC)
