"""Manifests that nobody should send: every one gets a clear refusal in time, and virt-api goes on as before.

Bytes, wrong types, ten thousand levels, ten megabytes and ten thousand disks; once through the API server, and once
straight to virt-api's webhooks (through the API server's proxy), where nothing has looked at them before. Spoilt
manifests by thousands are put to the rules alone in tests/unit/api/test_api_fuzz.py.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import msgspec
import pytest

from kubevirt.api import codec
from kubevirt.api.resources import PODS
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kube.client import Client
from tests.refusals.machines import machine
from tests.refusals.samples import devices, instance

# A server that has read enough of a body hangs up, and aiohttp forgets such a connection without closing it. Python
# warns of it when it collects garbage: in here, as `forgotten_connections` sees to, and not in whatever comes next.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
INSTALLED = "kubevirt"
IN_TIME_S = 60
VIRT_API = f"/api/v1/namespaces/{INSTALLED}/services/https:virt-api:443/proxy"
VMIS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances?dryRun=All"
VMS = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines?dryRun=All"
DEEP = 10_000
MANY = 10_000
LARGE = 10 * 1024 * 1024


class Reply(Protocol):
    status: int
    body: bytes


class Ask(Protocol):
    async def __call__(self, method: str, path: str, body: bytes) -> Reply: ...


@pytest.fixture(autouse=True)
def forgotten_connections() -> Iterator[None]:
    """Collected after each test, when its event loop, which holds some of them, is gone."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
async def virt_api_goes_on(forgotten_connections: None, client: Client, ask: Ask) -> AsyncIterator[None]:
    """Neither restarted nor slow afterwards."""
    before = await restarts(client)
    yield
    assert await restarts(client) == before
    async with asyncio.timeout(IN_TIME_S):
        assert (await ask("POST", VMS, codec.encode(machine({"runStrategy": "Halted"}, "fine")))).status == 201


async def restarts(client: Client) -> dict[str, int]:
    pods = await client.list(PODS, INSTALLED, labels="kubevirt.io=virt-api")
    return {p.metadata.name: sum(c.restart_count for c in p.status.container_statuses) for p in pods}


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def with_member(manifest: JsonObject, member: bytes) -> bytes:
    """The manifest as bytes, one member being what no encoder would write."""
    return codec.encode(manifest)[:-1] + b',"status":' + member + b"}"


DISKS: Json = [{"name": f"d{i}"} for i in range(MANY)]
WRONG: dict[str, bytes] = {
    "bytes": bytes(range(256)) * 40,
    "no text": b'{"kind": "\xff\xfe"}',
    "cut off": codec.encode(instance({}))[:-20],
    "a number": b"1",
    "a list for a map": codec.encode({**instance({}), "spec": [1]}),
    "a map for a list": codec.encode(instance({"volumes": {"a": 1}})),
    "a text for a number": codec.encode(instance({"domain": {"cpu": {"cores": "four"}}})),
    "a number beyond all bounds": codec.encode(instance({"terminationGracePeriodSeconds": 2**80})),
    "an amount beyond all bounds": codec.encode(instance({"domain": {"memory": {"guest": "9" * 5000}}})),
    "deep": with_member(instance({}), nested(DEEP)),
    "deep in a template": codec.encode(instance({}))[:-1] + b',"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "large": with_member(instance({}), b'"' + b"x" * LARGE + b'"'),
    "ten thousand disks": codec.encode(instance({**devices(disks=DISKS), "volumes": None})),
}


@pytest.mark.parametrize("what", WRONG)
async def test_through_the_api_server(ask: Ask, what: str) -> None:
    async with asyncio.timeout(IN_TIME_S):
        reply = await ask("POST", VMIS, WRONG[what])
    assert 400 <= reply.status < 500
    assert dig(codec.decode_json(reply.body), "message")


def review(obj: bytes, *, operation: str = "CREATE") -> bytes:
    raw: dict[str, object] = {"uid": "u", "operation": operation, "namespace": "default", "name": "a",
                              "object": msgspec.Raw(obj)}
    if operation == "UPDATE":
        raw["oldObject"] = msgspec.Raw(obj)
    return msgspec.json.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": raw})


WEBHOOKS = {
    "virtualmachines-mutate": "CREATE",
    "virtualmachines-validate": "UPDATE",
    "virtualmachineinstances-mutate": "CREATE",
    "virtualmachineinstances-validate-create": "CREATE",
    "virtualmachineinstances-validate-update": "UPDATE",
    "virtualmachinereplicaset-validate": "CREATE",
    "virtualmachinepool-validate": "CREATE",
    "pod-eviction-validate": "CREATE",
    "status-validate": "UPDATE",
    "kubevirt-validate-update": "UPDATE",
}


@pytest.mark.parametrize("path", WEBHOOKS)
async def test_straight_to_a_webhook(ask: Ask, path: str) -> None:
    for what, manifest in WRONG.items():
        bodies = {what: manifest, f"a review of {what}": review(manifest, operation=WEBHOOKS[path])}
        for called, body in bodies.items():
            async with asyncio.timeout(IN_TIME_S):
                reply = await ask("POST", f"{VIRT_API}/{path}", body)
            assert reply.status == 200 or 400 <= reply.status < 500, (called, reply.body[:300])
            if reply.status == 200:  # a review was understood: it is answered by one
                assert len(reply.body) < LARGE
                answer = codec.decode_json(reply.body)
                told = dig(answer, "response", "allowed") or dig(answer, "response", "status", "message")
                assert told, (called, reply.body[:300])


async def test_ten_thousand_disks_are_told_of_by_the_hundred(ask: Ask) -> None:
    body = review(WRONG["ten thousand disks"])
    reply = await ask("POST", f"{VIRT_API}/virtualmachineinstances-validate-create", body)
    status = dig(codec.decode_json(reply.body), "response", "status")
    causes, message = dig(status, "details", "causes"), dig(status, "message")
    assert isinstance(causes, list)
    assert len(causes) == 100
    assert str(message).endswith(f", and {MANY - 100} more")
