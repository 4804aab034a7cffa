"""Admission that depends on what else there is in the cluster: who asks, presets, stored objects, evicted pods.

The machines here never run: their launcher pods ask for a node that does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from kubevirt.api import codec
from kubevirt.api.defaults.presets import DEPRECATION
from kubevirt.api.kinds import PRESETS
from kubevirt.api.resources import NAMESPACES, PODS, VMIS, VMS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject, dig, merge
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import ApiError, Conflict, Invalid
from tests.refusals.machines import machine
from tests.refusals.samples import instance

IN_TIME_S = 120
NOWHERE: JsonObject = {"nodeSelector": {"kubernetes.io/hostname": "nowhere"}}
API = "/apis/kubevirt.io/v1"


class Reply(Protocol):
    status: int
    warnings: list[str]
    body: bytes


class Ask(Protocol):
    async def __call__(self, method: str, path: str, body: bytes) -> Reply: ...


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    made = await client.create(NAMESPACES, {"metadata": {
        "generateName": "admission-", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})
    yield made.metadata.name
    await client.delete(NAMESPACES, made.metadata.name)


def speaking_for(kubeconfig: str, account: str) -> Client:
    """A client of one of the programs; the administrator may speak for it."""
    user = f"system:serviceaccount:kubevirt:{account}"
    return Client(load_access(ConfigFlags(kubeconfig=kubeconfig, as_user=user, as_groups=("system:masters",))))


async def pending_instance(client: Client, namespace: str, **spec: Json) -> VirtualMachineInstance:
    return await client.create(VMIS, instance({**NOWHERE, **spec}, "pending"), namespace)


def sent(manifest: Json) -> bytes:
    return codec.encode(manifest)


# Warnings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "warnings"),
    [
        ({"running": False}, ["spec.running is deprecated, please use spec.runStrategy instead."]),
        ({"runStrategy": "Halted"}, []),
    ],
)
async def test_warnings_reach_the_client(ask: Ask, spec: JsonObject, warnings: list[str]) -> None:
    reply = await ask("POST", f"{API}/namespaces/default/virtualmachines?dryRun=All", sent(machine(spec, "warned")))
    assert (reply.status, reply.warnings) == (201, warnings)


async def test_the_old_version_is_served_with_a_warning(ask: Ask) -> None:
    old = {**machine({"runStrategy": "Halted"}, "old"), "apiVersion": "kubevirt.io/v1alpha3"}
    path = "/apis/kubevirt.io/v1alpha3/namespaces/default/virtualmachines?dryRun=All"
    reply = await ask("POST", path, sent(old))
    assert reply.status == 201
    assert reply.warnings == ["kubevirt.io/v1alpha3 is now deprecated and will be removed in a future release."]


async def test_settings_of_the_installation_are_warned_about(ask: Ask) -> None:
    developer: JsonObject = {"featureGates": ["MultiArchitecture"]}
    path = f"{API}/namespaces/kubevirt/kubevirts/kubevirt?dryRun=All"
    current = codec.decode_json((await ask("GET", path, b"")).body)
    assert isinstance(current, dict)
    current["spec"] = {"configuration": {"developerConfiguration": developer}}
    reply = await ask("PUT", path, sent(current))
    assert reply.status == 200
    assert reply.warnings == ["MultiArchitecture has been deprecated since v1.8.0"]


# Presets ----------------------------------------------------------------------------------------------------------


async def test_a_preset_is_merged_recorded_and_warned_about(client: Client, ask: Ask, namespace: str) -> None:
    labels: JsonObject = {"metadata": {"labels": {"size": "large"}}}
    path = f"{API}/namespaces/{namespace}/virtualmachineinstances?dryRun=All"
    # JSON as far as mypy knows: test data.
    vmi = {**instance({}, "preset"), "metadata": {"name": "preset", **labels["metadata"]}}  # type: ignore[dict-item]
    plain = await ask("POST", path, sent(vmi))
    assert plain.warnings == []
    await client.create(PRESETS, {"metadata": {"name": "cores"}, "spec": {
        "selector": {"matchLabels": {"size": "large"}}, "domain": {"cpu": {"cores": 3}, "devices": {}}}}, namespace)
    async with asyncio.timeout(IN_TIME_S):
        while True:  # until virt-api hears of the preset from its watch
            reply = await ask("POST", path, sent(vmi))
            if reply.warnings:
                break
            await asyncio.sleep(0.1)
    assert reply.warnings == [DEPRECATION]
    made = codec.decode(VirtualMachineInstance, reply.body)
    assert made.spec.domain.cpu is not None
    assert made.spec.domain.cpu.cores == 3
    assert made.metadata.annotations["virtualmachinepreset.kubevirt.io/cores"] == "kubevirt.io/v1"
    excluded = merge(vmi, {"metadata": {"annotations": {
        "virtualmachineinstancepresets.admission.kubevirt.io/exclude": "true"}}})
    assert (await ask("POST", path, sent(excluded))).warnings == []


# Changes ----------------------------------------------------------------------------------------------------------


async def test_who_may_change_what_of_an_instance(client: Client, kubeconfig: str, namespace: str) -> None:
    vmi = await pending_instance(client, namespace)
    name = vmi.metadata.name
    more: list[JsonObject] = [{"op": "add", "path": "/spec/domain/cpu/maxSockets", "value": 512}]
    with pytest.raises(Invalid) as told:
        await client.patch(VMIS, name, namespace, more)
    assert told.value.details.causes[0].message == "update of VMI object is restricted"
    label: list[JsonObject] = [{"op": "add", "path": "/metadata/labels", "value": {"kubevirt.io/nodeName": "n"}}]
    with pytest.raises(Invalid, match="reserved"):
        await client.patch(VMIS, name, namespace, label)
    status: list[JsonObject] = [{"op": "add", "path": "/status/guestOSInfo", "value": {"name": "forged"}}]
    changed = await client.patch(VMIS, name, namespace, status)
    assert changed.status.guest_os_info is None or changed.status.guest_os_info.name != "forged"
    async with speaking_for(kubeconfig, "kubevirt-controller") as controller:
        with pytest.raises(Invalid, match="CPU topology maxSockets changed"):
            await controller.patch(VMIS, name, namespace, more)
    async with speaking_for(kubeconfig, "kubevirt-handler") as handler:
        with pytest.raises(Invalid, match="virt-handler service account is missing node name"):
            await handler.patch(VMIS, name, namespace, status)


async def test_a_status_asks_for_volumes_in_one_way_only(client: Client, namespace: str) -> None:
    vm = await client.create(VMS, machine({"runStrategy": "Halted"}, "asking"), namespace)
    request: JsonObject = {"removeVolumeOptions": {"name": "a"}}
    async with asyncio.timeout(IN_TIME_S):
        while True:
            try:
                await client.patch(VMS, vm.metadata.name, namespace, [
                    {"op": "add", "path": "/status", "value": {"volumeRequests": [request, request]}}],
                    subresource="status")
            except Conflict:
                continue
            except Invalid as e:
                assert [(cause.field, cause.message) for cause in e.details.causes] == [  # noqa: PT017
                    ("Status.volumeRequests", "RemoveVolume request for [a] aleady exists")]
                return
            pytest.fail("two requests for one volume were stored")


# Evictions --------------------------------------------------------------------------------------------------------


async def launcher_of(client: Client, namespace: str) -> str:
    async with asyncio.timeout(IN_TIME_S):
        while True:
            if pods := await client.list(PODS, namespace, labels="kubevirt.io=virt-launcher"):
                return pods[0].metadata.name
            await asyncio.sleep(0.1)


async def evict(client: Client, namespace: str, pod: str) -> None:
    metadata: JsonObject = {"name": pod, "namespace": namespace}
    eviction: JsonObject = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    await client.raw("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", body=codec.encode(eviction))


async def test_a_guest_that_has_to_move_and_cannot_is_not_evicted(client: Client, namespace: str) -> None:
    await pending_instance(client, namespace, evictionStrategy="LiveMigrate")
    pod = await launcher_of(client, namespace)
    with pytest.raises(ApiError) as told:
        await evict(client, namespace, pod)
    assert told.value.status == 429
    assert told.value.message.endswith(
        "VMI pending is configured with an eviction strategy but is not live-migratable"
    )
    assert dig(codec.to_builtins(await client.get(PODS, pod, namespace)), "metadata", "deletionTimestamp") is None


async def test_a_guest_without_strategy_is_simply_evicted(client: Client, namespace: str) -> None:
    await pending_instance(client, namespace)
    pod = await launcher_of(client, namespace)
    await evict(client, namespace, pod)
    remaining = await client.list(PODS, namespace)
    assert all(p.metadata.deletion_timestamp for p in remaining if p.metadata.name == pod)
