"""Requests and refusals: which request each verb becomes, and which error each answer."""

import asyncio
import time

import pytest
from kube_player import Player, answer, playing, pod, refusal

from kubevirt.api.resources import EVENTS, LEASES, NODES, PODS, VMS
from kubevirt.kit.errors import Refused
from kubevirt.kit.tasks import Tasks
from kubevirt.kube import requests
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.client import Client
from kubevirt.kube.errors import (
    OUTDATED_PATCH_MESSAGE,
    AlreadyExists,
    ApiError,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    PatchOutdated,
    ServerTrouble,
    TooManyRequests,
    Unauthorized,
    Unreachable,
    from_response,
)
from kubevirt.kube.events import BURST_PER_OBJECT, EventRecorder, Subject
from kubevirt.kube.lease import Held, LeaseTimes, leader, may_take
from kubevirt.kube.patches import Patch
from kubevirt.kube.requests import PatchKind, Request, Selection

POD = "/api/v1/namespaces/ns/pods/a"


@pytest.mark.parametrize(("request_", "expected"), [
    pytest.param(requests.get(PODS, "a", "ns"), "GET /api/v1/namespaces/ns/pods/a", id="core group"),
    pytest.param(requests.get(NODES, "n", "ns"), "GET /api/v1/nodes/n", id="a cluster's object has no namespace"),
    pytest.param(requests.get(VMS, "a", "ns", "status"),
                 "GET /apis/kubevirt.io/v1/namespaces/ns/virtualmachines/a/status", id="sub-resource"),
    pytest.param(requests.get(PODS, "a/../b", "ns"), "GET /api/v1/namespaces/ns/pods/a%2F..%2Fb", id="a hostile name"),
    pytest.param(requests.list_page(PODS, Selection(labels="a in (b,c)"), limit=5, continue_="x"),
                 "GET /api/v1/pods labelSelector=a in (b,c) limit=5 continue=x", id="a page"),
    pytest.param(requests.watch(PODS, Selection(namespace="ns"), resource_version="7", timeout_s=9),
                 "GET /api/v1/namespaces/ns/pods watch=true allowWatchBookmarks=true resourceVersion=7"
                 " timeoutSeconds=9", id="a watch"),
    pytest.param(requests.create(NODES, {}, None, manager="m", dry_run=True),
                 'POST /api/v1/nodes fieldManager=m dryRun=All {"apiVersion":"v1","kind":"Node"}', id="creation"),
    pytest.param(requests.patch(PODS, "a", "ns", [{"op": "remove", "path": "/x"}]),
                 'PATCH /api/v1/namespaces/ns/pods/a [{"op":"remove","path":"/x"}]', id="a JSON patch"),
    pytest.param(requests.apply(PODS, {"metadata": {"name": "a"}}, "a", "ns", manager="m"),
                 'PATCH /api/v1/namespaces/ns/pods/a fieldManager=m force=true'
                 ' {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}', id="server-side apply"),
    pytest.param(requests.delete(PODS, "a", "ns"), "DELETE /api/v1/namespaces/ns/pods/a", id="a plain deletion"),
    pytest.param(requests.delete(PODS, "a", "ns", grace_s=0, propagation="Orphan", uid="u"),
                 'DELETE /api/v1/namespaces/ns/pods/a {"kind":"DeleteOptions","apiVersion":"v1",'
                 '"preconditions":{"uid":"u"},"gracePeriodSeconds":0,"propagationPolicy":"Orphan"}',
                 id="a deletion of one very object"),
])
def test_requests(request_: Request, expected: str) -> None:
    parts = [request_.method, request_.path, *("=".join(pair) for pair in request_.query)]
    parts += [request_.body.decode()] if request_.body else []
    assert " ".join(parts) == expected


@pytest.mark.parametrize(("name", "namespace"), [("", "ns"), ("a", None), ("a", "")])
def test_a_request_that_would_mean_something_else_is_refused(name: str, namespace: str | None) -> None:
    with pytest.raises(Refused):
        requests.delete(PODS, name, namespace)


@pytest.mark.parametrize(("status", "body", "class_", "message"), [
    pytest.param(404, b'{"kind":"Status","reason":"NotFound","message":"pods \\"a\\" not found","code":404}', NotFound,
                 'pods "a" not found', id="a status"),
    pytest.param(409, b'{"reason":"AlreadyExists","message":"x","code":409}', AlreadyExists, "x", id="reason first"),
    pytest.param(409, b'{"reason":"Conflict","message":"x","code":409}', Conflict, "x", id="conflict"),
    pytest.param(404, b"404 page not found\n", NotFound, "the server could not find the requested resource",
                 id="no such path"),
    pytest.param(403, b"\xff\xfe", Forbidden, "\N{REPLACEMENT CHARACTER}" * 2, id="no text at all"),
    pytest.param(401, b"", Unauthorized, "the server answered with HTTP status 401 and no message", id="no body"),
    pytest.param(410, b"{}", Expired, "the server answered with HTTP status 410 and no message", id="empty object"),
    pytest.param(422, b'{"reason":"Invalid","message":"x","details":{"causes":[{"field":"spec"}]}}', Invalid, "x",
                 id="causes"),
    pytest.param(429, b"{}", TooManyRequests, "the server answered with HTTP status 429 and no message", id="busy"),
    pytest.param(500, b'{"message":"failed calling webhook"}', ServerTrouble, "failed calling webhook", id="5xx"),
    pytest.param(418, b"teapot", ApiError, "teapot", id="anything else"),
    pytest.param(400, b"[1,2]", ApiError, "[1,2]", id="JSON that is no status"),
])
def test_refusals(status: int, body: bytes, class_: type[ApiError], message: str) -> None:
    error = from_response(status, body)
    assert type(error) is class_
    assert error.message == message
    assert error.status == status


async def test_a_busy_server_is_given_the_time_it_asks_for() -> None:
    player = Player()
    player.on("GET", POD, refusal(429, "TooManyRequests", Retry_After="0"))
    player.on("GET", POD, answer(pod("a", 1)))
    async with playing(player) as client:
        assert (await client.get(PODS, "a", "ns")).metadata.resource_version == "1"
    assert len(player.asked) == 2


async def test_a_refusal_by_a_budget_is_not_retried() -> None:
    player = Player().on("POST", f"{POD}/eviction", refusal(429, "TooManyRequests", "budget"))
    async with playing(player) as client:
        with pytest.raises(TooManyRequests, match="budget"):
            await client.raw("POST", f"{POD}/eviction", body=b"{}")
    assert len(player.asked) == 1


async def test_a_failed_test_of_a_json_patch_is_a_conflict() -> None:
    player = Player().on("PATCH", POD, refusal(422, "Invalid", OUTDATED_PATCH_MESSAGE))
    async with playing(player) as client:
        with pytest.raises(PatchOutdated) as caught:
            await client.patch(PODS, "a", "ns", Patch().test_version("1").remove("/spec").operations)
    assert isinstance(caught.value, Conflict)


async def test_an_invalid_outcome_of_a_patch_is_none() -> None:
    player = Player().on("PATCH", POD, refusal(422, "Invalid", "bad", [{"reason": "FieldValueInvalid"}]))
    async with playing(player) as client:
        with pytest.raises(Invalid):
            await client.patch(PODS, "a", "ns", {"spec": 1}, PatchKind.MERGE)


async def test_who_asks_and_how() -> None:
    player = Player().on("POST", "/api/v1/namespaces/ns/pods", answer(pod("a", 1), 201), fieldManager="test")
    async with playing(player) as client:
        await client.create(PODS, {"metadata": {"name": "a", "namespace": "ns"}})
    asked = player.asked[0]
    assert asked.headers["Authorization"] == "Bearer token"
    assert asked.headers["User-Agent"].startswith("test/")
    assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("body", "lingers"), [
    pytest.param({"kind": "Status", "status": "Success"}, False, id="gone"),
    pytest.param({"kind": "Pod", "apiVersion": "v1", **pod("a", 9)}, True, id="still shutting down"),
])
async def test_a_deletion_tells_whether_the_object_lingers(body: dict[str, object], lingers: bool) -> None:
    player = Player().on("DELETE", POD, answer(body))  # type: ignore[arg-type]  # a played answer
    async with playing(player) as client:
        assert (await client.delete(PODS, "a", "ns") is not None) is lingers


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
async def test_no_answer_is_a_problem_of_its_own(server: str) -> None:
    async with Client(ClusterAccess(server=server)) as client:
        with pytest.raises(Unreachable, match="no answer from the API server"):
            await client.get(PODS, "a", "ns")


async def test_a_refused_websocket_says_what_the_server_said() -> None:
    player = Player().on("GET", "/console", refusal(409, "Conflict", "VMI is not running"))
    async with playing(player) as client:
        with pytest.raises(Conflict, match="VMI is not running"):
            async with client.websocket("/console", protocols=["plain.kubevirt.io"]):
                pass


# Events ---------------------------------------------------------------------------------------------------------

SUBJECT = Subject(api_version="kubevirt.io/v1", kind="VirtualMachineInstance", name="web", namespace="ns", uid="u")
EVENTS_PATH = "/api/v1/namespaces/ns/events"


async def test_repeats_raise_the_count_of_one_event() -> None:
    player = Player().on("POST", EVENTS_PATH, answer({"metadata": {"name": "web.1"}}, 201))
    async with playing(player) as client, Tasks() as tasks:
        recorder = EventRecorder(client, "virt-handler", host="n1")
        recorder.start(tasks)
        recorder.emit(SUBJECT, "Normal", "Started", "it runs")
        await recorder.flush()
        stored = player.asked[0].body
        assert isinstance(stored, dict)
        name = stored["metadata"]["name"]  # type: ignore[index,call-overload]
        assert isinstance(name, str)
        assert name.startswith("web.")
        player.on("PATCH", f"{EVENTS_PATH}/{name}", answer({"metadata": {"name": name}}))
        recorder.emit(SUBJECT, "Normal", "Started", "it runs")
        recorder.emit(SUBJECT, "Normal", "Started", "it runs")
        await recorder.flush()
    repeat = player.asked[1].body
    assert isinstance(repeat, dict)
    assert repeat["count"] == 3
    assert stored["involvedObject"] == {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
                                        "name": "web", "namespace": "ns", "uid": "u"}
    assert stored["source"] == {"component": "virt-handler", "host": "n1"}
    assert stored["count"] == 1


async def test_an_event_that_has_expired_is_made_anew_and_trouble_ends_nothing() -> None:
    player = Player()
    player.on("POST", EVENTS_PATH, refusal(500, "InternalError"))
    player.on("POST", EVENTS_PATH, answer({"metadata": {"name": "x"}}, 201))
    async with playing(player) as client, Tasks() as tasks:
        recorder = EventRecorder(client, "c")
        recorder.start(tasks)
        recorder.emit(SUBJECT, "Warning", "A", "first fails")
        await recorder.flush()
        recorder.emit(SUBJECT, "Warning", "B", "second is stored")
        await recorder.flush()
        body = player.asked[1].body
        assert isinstance(body, dict)
        stored_name = body["metadata"]["name"]  # type: ignore[index,call-overload]
        player.on("PATCH", f"{EVENTS_PATH}/{stored_name}", refusal(404, "NotFound"))
        player.on("POST", EVENTS_PATH, answer({"metadata": {"name": "y"}}, 201))
        recorder.emit(SUBJECT, "Warning", "B", "second is stored")
        await recorder.flush()


async def test_a_storm_about_one_object_is_cut_off() -> None:
    player = Player()
    for _ in range(BURST_PER_OBJECT):
        player.on("POST", EVENTS_PATH, answer({"metadata": {"name": "x"}}, 201))
    async with playing(player) as client, Tasks() as tasks:
        recorder = EventRecorder(client, "c")
        recorder.start(tasks)
        for number in range(BURST_PER_OBJECT * 4):
            recorder.emit(SUBJECT, "Warning", "Storm", f"number {number}")
        await recorder.flush()
    assert len(player.asked) == BURST_PER_OBJECT


# Leases ---------------------------------------------------------------------------------------------------------

LEASE = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/virt-controller"


@pytest.mark.parametrize(("holder", "unchanged_for_s", "answer_"), [
    pytest.param("", 0, True, id="a lease handed back is free"),
    pytest.param("me", 0, True, id="ours is renewed"),
    pytest.param("other", 14, False, id="another's is respected"),
    pytest.param("other", 15, True, id="until it has not changed for its duration"),
])
def test_who_may_take_a_lease(holder: str, unchanged_for_s: float, answer_: bool) -> None:
    held = Held(resource_version="1", holder=holder, duration_s=15, transitions=0, acquired="", record="")
    assert may_take(held, "me", unchanged_for_s) is answer_


def lease(holder: str, version: int) -> dict[str, object]:
    return {"metadata": {"name": "virt-controller", "namespace": "ns", "resourceVersion": str(version)},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 3}}


async def test_a_leader_takes_the_lease_and_hands_it_back() -> None:
    player = Player()
    player.on("GET", LEASE, refusal(404, "NotFound"))
    # A played answer: JSON of its own.
    player.on("POST", LEASE.rpartition("/")[0], answer(lease("me", 1), 201))  # type: ignore[arg-type]
    player.on("GET", LEASE, answer(lease("me", 1)))  # type: ignore[arg-type]  # a played answer
    player.on("PATCH", LEASE, answer(lease("", 2)))  # type: ignore[arg-type]  # a played answer
    async with playing(player) as client, leader(client, "virt-controller", "ns", "me", lambda: None):
        pass
    patch = player.asked[-1].body
    assert isinstance(patch, list)
    assert patch[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}
    assert patch[1]["value"]["holderIdentity"] == ""  # type: ignore[index,call-overload]


async def test_a_lease_taken_by_another_is_lost() -> None:
    player = Player()
    player.on("GET", LEASE, answer(lease("", 1)))  # type: ignore[arg-type]  # a played answer
    player.on("PATCH", LEASE, answer(lease("me", 2)))  # type: ignore[arg-type]  # a played answer
    player.on("GET", LEASE, answer(lease("other", 3)))  # type: ignore[arg-type]  # a played answer
    player.on("GET", LEASE, answer(lease("other", 3)))  # type: ignore[arg-type]  # a played answer
    lost = asyncio.Event()
    times = LeaseTimes(retry_s=0.01)
    async with (asyncio.timeout(10), playing(player) as client,
                leader(client, "virt-controller", "ns", "me", lost.set, times=times)):
        await lost.wait()


async def test_a_leader_whose_renewals_fail_gives_up_in_time() -> None:
    player = Player()
    player.on("GET", LEASE, answer(lease("me", 1)))  # type: ignore[arg-type]  # a played answer
    player.on("PATCH", LEASE, answer(lease("me", 2)))  # type: ignore[arg-type]  # a played answer
    for _ in range(40):
        player.on("GET", LEASE, refusal(503, "ServiceUnavailable"))
    lost = asyncio.Event()
    started = time.monotonic()
    times = LeaseTimes(retry_s=0.05, renew_deadline_s=0.8)  # enough for a busy machine to become leader
    async with (asyncio.timeout(10), playing(player) as client,
                leader(client, "virt-controller", "ns", "me", lost.set, times=times)):
        await lost.wait()
        player.steps.clear()  # on a busy machine the time is up before every refusal has been asked for
    assert time.monotonic() - started < 5


def test_events_and_leases_are_where_kubernetes_has_them() -> None:
    assert requests.collection_path(EVENTS, "ns") == EVENTS_PATH
    assert requests.object_path(LEASES, "virt-controller", "ns") == LEASE
