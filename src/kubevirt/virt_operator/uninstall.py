"""Taking everything out again: virtual machines first, while the controllers can still end them in an orderly way."""

from __future__ import annotations

import asyncio

import msgspec

from kubevirt.api.names import LABEL_MANAGED_BY
from kubevirt.api.resources import CRDS, KUBEVIRTS, NAMESPACES, NODES, VMI_REPLICASETS, VMIS, VMS, Resource
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client, name_of, namespace_of
from kubevirt.kube.errors import NotFound
from kubevirt.kube.requests import PatchKind
from kubevirt.virt_operator import endpoints, objects
from kubevirt.virt_operator.kinds import AnyObject, resource_of
from kubevirt.virt_operator.progress import Progress
from kubevirt.virt_operator.rbac import account_objects
from kubevirt.virt_operator.settings import Installation
from kubevirt.virt_operator.user_roles import user_role_objects
from kubevirt.virt_operator.workloads import workload_objects

POLL_S = 0.5
_WORKLOADS: tuple[tuple[Resource[AnyObject], str], ...] = tuple(
    (Resource(group=res.group, version=res.version, plural=res.plural, kind=res.kind, type_=AnyObject), words)
    for res, words in (
        (VMI_REPLICASETS, "Virtual Machine Instance Replica Sets"),
        (VMS, "Virtual Machines"),
        (VMIS, "Virtual Machine Instances"),
    )
)


async def uninstall(client: Client, *, namespace: str, force: bool, timeout_s: float, progress: Progress) -> None:
    """Raises Problem while workloads exist, unless `force`; and when something does not go away in time."""
    installation = Installation(namespace=namespace)
    for res, words in _WORKLOADS:
        await _refuse_or_remove(client, res, words, force=force, progress=progress)
    try:
        async with asyncio.timeout(timeout_s):
            await _gone(client, progress)
            await _remove_programs(client, installation, progress)
            await _remove_rest(client, installation, progress)
    except TimeoutError as e:
        raise Problem(
            cause=f"not everything is gone after {timeout_s:.0f} s",
            remedy="see what has a deletionTimestamp and finalizers, and run it again",
        ) from e
    progress.good("KubeVirt is removed")


async def _refuse_or_remove(client: Client, res: Resource[AnyObject], words: str, *, force: bool, progress: Progress
                            ) -> None:
    found = await _all(client, res)
    if found and not force:
        raise Problem(
            cause=f"Rejecting the uninstall request, since there are still {words} present",
            remedy="delete them first, or use --force to have them deleted",
        )
    for obj in found:
        try:
            await client.delete(res, obj.metadata.name, obj.metadata.namespace, propagation="Background")
        except NotFound:
            continue
    if found:
        progress.step(f"{len(found)} {words} are being removed")


async def _gone(client: Client, progress: Progress) -> None:
    """Returns once no workload is left."""
    told = ""
    while True:
        left = [f"{len(found)} {words}" for res, words in _WORKLOADS if (found := await _all(client, res))]
        if not left:
            return
        if ", ".join(left) != told:
            told = ", ".join(left)
            progress.waiting(f"waiting for the end of {told}")
        await asyncio.sleep(POLL_S)


async def _all(client: Client, res: Resource[AnyObject]) -> list[AnyObject]:
    try:
        return list(await client.list(res))
    except NotFound:  # the kind is gone already
        return []


async def _remove_programs(client: Client, installation: Installation, progress: Progress) -> None:
    namespace = installation.namespace
    nothing = b""
    for obj in (
        *endpoints.webhook_configurations(namespace, nothing),
        *endpoints.api_services(namespace, nothing),
        *workload_objects(installation),
        endpoints.service(namespace),
    ):
        await _remove(client, obj)
    progress.step("webhooks, aggregated API and programs are removed")


async def _remove_rest(client: Client, installation: Installation, progress: Progress) -> None:
    await _forget_nodes(client)
    for kubevirt in await _kubevirts(client):
        await _remove(client, kubevirt)
    for definition in objects.definitions():
        await _remove(client, definition)
    await _until_absent(client, CRDS, [name_of(definition) for definition in objects.definitions()])
    progress.step("the kinds are removed")
    for obj in (*account_objects(installation.namespace), *user_role_objects(), objects.priority_class()):
        await _remove(client, obj)
    progress.step("accounts and roles are removed")
    await _remove_namespace(client, installation.namespace, progress)


async def _remove_namespace(client: Client, name: str, progress: Progress) -> None:
    """Only one that the installation made: others hold what is not ours."""
    try:
        namespace = await client.get(NAMESPACES, name)
    except NotFound:
        return
    if namespace.metadata.labels.get(LABEL_MANAGED_BY) != objects.MANAGER:
        progress.step(f"namespace {name} stays: it was not made by virt-operator")
        return
    await _remove(client, objects.namespace_object(name))
    await _until_absent(client, NAMESPACES, [name])
    progress.step(f"namespace {name} is removed")


async def _kubevirts(client: Client) -> list[JsonObject]:
    try:
        found = await client.list(KUBEVIRTS)
    except NotFound:
        return []
    return [{"apiVersion": k.api_version, "kind": k.kind,
             "metadata": {"name": k.metadata.name, "namespace": k.metadata.namespace}} for k in found]


async def _forget_nodes(client: Client) -> None:
    """Takes our labels and annotations off the nodes."""
    for node in await client.list(NODES):
        labels: JsonObject = {key: None for key in node.metadata.labels if _is_ours(key)}
        annotations: JsonObject = {key: None for key in node.metadata.annotations if _is_ours(key)}
        if labels or annotations:
            forget: JsonObject = {"metadata": {"labels": labels, "annotations": annotations}}
            await client.patch(NODES, node.metadata.name, None, forget, PatchKind.MERGE)


def _is_ours(key: str) -> bool:
    prefix = key.partition("/")[0]
    return prefix == "kubevirt.io" or prefix.endswith(".kubevirt.io")


async def _remove(client: Client, obj: JsonObject) -> None:
    try:
        await client.delete(resource_of(obj), name_of(obj), namespace_of(obj), propagation="Background")
    except NotFound:
        return


async def _until_absent(client: Client, res: Resource[msgspec.Struct], names: list[str]) -> None:
    for name in names:
        while True:
            try:
                await client.get(res, name)
            except NotFound:
                break
            await asyncio.sleep(POLL_S)
