"""The client, informer, event recorder and leader election against a real API server.

Edges that a healthy server does not show on demand are played in tests/unit/kube. Needs a cluster: $KUBECONFIG, or the
one of `make cluster-up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from kubevirt.api.objects import ConfigMap
from kubevirt.api.resources import CONFIGMAPS, EVENTS, LEASES, NAMESPACES, PODS, VMS
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube import client as client_module
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PatchOutdated,
)
from kubevirt.kube.events import EventRecorder, subject_of
from kubevirt.kube.informer import Informer
from kubevirt.kube.lease import Election, leader
from kubevirt.kube.patches import Patch
from kubevirt.kube.requests import PatchKind, Selection

DEADLINE_S = 120


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "kube-test-"}})
    yield made.metadata.name
    await client.delete(NAMESPACES, made.metadata.name)


def config(name: str, data: dict[str, str] | None = None, **labels: str) -> JsonObject:
    return {"metadata": {"name": name, "labels": dict(labels)}, "data": dict(data or {})}


async def until(informer: Informer[ConfigMap], holds: Callable[[dict[str, dict[str, str]]], bool]) -> None:
    """Returns when the informer's objects (name -> data) are as they should be."""
    changed = asyncio.Event()
    informer.on_change(lambda old, new: changed.set())
    seen: dict[str, dict[str, str]] = {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                seen = {c.metadata.name: c.data for c in informer.all() if c.metadata.name != "kube-root-ca.crt"}
                if holds(seen):
                    return
                changed.clear()
                await changed.wait()
    except TimeoutError:
        pytest.fail(f"the informer stayed at {seen}")


async def test_refusals_come_as_what_they_are(client: Client, namespace: str, kubeconfig: str) -> None:
    with pytest.raises(NotFound):
        await client.get(CONFIGMAPS, "absent", namespace)
    with pytest.raises(NotFound):
        await client.raw("GET", "/apis/no.such.group/v1")
    await client.create(CONFIGMAPS, config("a"), namespace)
    with pytest.raises(AlreadyExists):
        await client.create(CONFIGMAPS, config("a"), namespace)
    with pytest.raises(Invalid) as invalid:
        await client.create(CONFIGMAPS, config("NOT A NAME"), namespace)
    assert invalid.value.details.causes[0].field == "metadata.name"
    with pytest.raises(Conflict):
        await client.delete(CONFIGMAPS, "a", namespace, uid="another")
    nobody = ConfigFlags(kubeconfig=kubeconfig, as_user="nobody")
    async with Client(load_access(nobody)) as other:
        with pytest.raises(Forbidden):
            await other.list(PODS, "kube-system")


async def test_json_patches_are_guarded(client: Client, namespace: str) -> None:
    made = await client.create(CONFIGMAPS, config("a", {"phase": "Pending"}), namespace)
    version = made.metadata.resource_version
    change = Patch().test_version(version).replace("/data/phase", "Running").operations
    patched = await client.patch(CONFIGMAPS, "a", namespace, change)
    assert patched.data == {"phase": "Running"}
    assert int(patched.metadata.resource_version) > int(version)
    with pytest.raises(PatchOutdated):
        await client.patch(CONFIGMAPS, "a", namespace, change)
    with pytest.raises(PatchOutdated):
        await client.patch(CONFIGMAPS, "a", namespace, Patch().remove("/data/absent").operations)
    with pytest.raises(ApiError) as refused:
        await client.patch(CONFIGMAPS, "a", namespace, Patch().add("/data/x", 7).operations)
    assert not isinstance(refused.value, Conflict)


async def test_a_patch_of_a_custom_resource_is_guarded_in_the_same_way(client: Client, namespace: str) -> None:
    vm: JsonObject = {"metadata": {"name": "web"}, "spec": {"runStrategy": "Halted", "template": {"spec": {
        "domain": {"devices": {}, "memory": {"guest": "64Mi"}}}}}}
    try:
        await client.create(VMS, vm, namespace)
    except NotFound:
        pytest.skip("the cluster does not know VirtualMachines: run 'virt-operator install'")
    with pytest.raises(PatchOutdated):
        await client.patch(VMS, "web", namespace, Patch().test("/spec/runStrategy", "Always").add(
            "/metadata/labels", {}).operations)
    patched = await client.patch(VMS, "web", namespace, Patch().test("/spec/runStrategy", "Halted").replace(
        "/spec/runStrategy", "Manual").operations)
    assert patched.spec.run_strategy == "Manual"


async def test_apply_creates_and_then_changes_nothing(client: Client, namespace: str) -> None:
    wanted: JsonObject = {"metadata": {"name": "a", "namespace": namespace}, "data": {"k": "v"}}
    first = await client.apply(CONFIGMAPS, wanted)
    second = await client.apply(CONFIGMAPS, wanted)
    assert first.metadata.resource_version == second.metadata.resource_version


async def test_a_deletion_tells_whether_the_object_lingers(client: Client, namespace: str) -> None:
    await client.create(CONFIGMAPS, config("gone"), namespace)
    assert await client.delete(CONFIGMAPS, "gone", namespace) is None
    held: JsonObject = {"metadata": {"name": "held", "finalizers": ["example.org/test"]}}
    await client.create(CONFIGMAPS, held, namespace)
    lingering = await client.delete(CONFIGMAPS, "held", namespace)
    assert lingering is not None
    assert lingering.metadata.deletion_timestamp is not None
    await client.patch(CONFIGMAPS, "held", namespace, {"metadata": {"finalizers": None}}, PatchKind.MERGE)


async def test_an_informer_follows_what_happens(client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    monkeypatch.setattr(client_module, "PAGE_SIZE", 3)
    for number in range(8):
        await client.create(CONFIGMAPS, config(f"early-{number}", shown="yes"), namespace)
    await client.create(CONFIGMAPS, config("hidden"), namespace)
    async with Tasks() as tasks:
        informer = Informer(client, CONFIGMAPS, namespace=namespace, labels="shown=yes",
                            indexers={"value": lambda c: c.data.values()})
        informer.start(tasks)
        async with asyncio.timeout(DEADLINE_S):
            await informer.synced()
        assert len(informer) == 8
        await client.create(CONFIGMAPS, config("late", {"k": "v"}, shown="yes"), namespace)
        await client.delete(CONFIGMAPS, "early-0", namespace)
        await until(informer, lambda seen: seen.get("late") == {"k": "v"} and "early-0" not in seen)
        await client.patch(CONFIGMAPS, "late", namespace, {"data": {"k": "w"}}, PatchKind.MERGE)
        await until(informer, lambda seen: seen.get("late") == {"k": "w"})
        assert [c.metadata.name for c in informer.by_index("value", "w")] == ["late"]
        assert informer.by_index("value", "v") == []
        # An object that no longer matches the selector leaves.
        await client.patch(CONFIGMAPS, "late", namespace, {"metadata": {"labels": {"shown": "no"}}}, PatchKind.MERGE)
        await until(informer, lambda seen: "late" not in seen)


async def test_what_was_written_is_read_at_once_and_stays(client: Client, namespace: str) -> None:
    async with Tasks() as tasks:
        informer = Informer(client, CONFIGMAPS, namespace=namespace)
        informer.start(tasks)
        async with asyncio.timeout(DEADLINE_S):
            await informer.synced()
        versions: list[str] = []
        informer.on_change(lambda old, new: versions.append(new.metadata.resource_version)
                           if new and new.metadata.name == "a" else None)
        informer.written(await client.create(CONFIGMAPS, config("a"), namespace))
        for number in range(20):
            answer = await client.patch(CONFIGMAPS, "a", namespace, {"data": {"n": str(number)}}, PatchKind.MERGE)
            informer.written(answer)
            held = informer.get(namespace, "a")
            assert held is not None
            assert held.data == {"n": str(number)}
        assert versions == sorted(versions, key=int), "an object went back to an older version"
        gone = informer.get(namespace, "a")
        assert gone is not None
        assert await client.delete(CONFIGMAPS, "a", namespace) is None
        informer.removed(gone)
        assert informer.get(namespace, "a") is None


async def test_a_watch_from_a_version_that_is_none_is_refused(client: Client) -> None:
    events = client.watch(PODS, Selection(), resource_version="not-a-version", timeout_s=5)
    with pytest.raises(ApiError):
        await anext(events)


async def test_repeated_events_are_counted(client: Client, namespace: str) -> None:
    made = await client.create(CONFIGMAPS, config("a"), namespace)
    async with Tasks() as tasks:
        recorder = EventRecorder(client, "test-component", host="node1")
        recorder.start(tasks)
        for _ in range(3):
            recorder.emit(made, "Warning", "Trouble", "it goes on")
            await recorder.flush()
    (event,) = await client.list(EVENTS, namespace, fields="involvedObject.name=a")
    assert (event.count, event.reason, event.type) == (3, "Trouble", "Warning")
    assert event.source.component == "test-component"
    assert event.involved_object.uid == subject_of(made).uid


async def test_leadership_passes_on_at_once_when_handed_back(client: Client, namespace: str) -> None:
    async with leader(client, "test", namespace, "one", lambda: None):
        waiting = asyncio.create_task(Election(client, "test", namespace, "two").acquire())
        done, _ = await asyncio.wait({waiting}, timeout=3)
        assert not done, "two leaders at a time"
        lease = await client.get(LEASES, "test", namespace)
        assert lease.spec.holder_identity == "one"
    async with asyncio.timeout(DEADLINE_S):
        await waiting
    lease = await client.get(LEASES, "test", namespace)
    assert (lease.spec.holder_identity, lease.spec.lease_transitions) == ("two", 2)


async def test_a_refused_websocket_says_why(client: Client, namespace: str) -> None:
    with pytest.raises(NotFound, match="not found"):
        async with client.websocket(f"/api/v1/namespaces/{namespace}/pods/absent/exec",
                                    protocols=["v5.channel.k8s.io"], query=[("command", "true")]):
            pass
