"""An informer against the ways in which lists and watches end: 410, cut streams, bookmarks, errors in the stream.

What the cache makes of single pieces of news is test_kube_cache's; real API servers are in tests/api.
"""

import asyncio
from collections.abc import Callable

import pytest
from kube_player import Player, answer, event, listing, playing, pod, refusal, stream

from kubevirt.api.resources import PODS
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.informer import Informer

PATH = "/api/v1/pods"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubevirt.kube.backoff.Backoff.next", lambda self: 0.001)


async def outcome(player: Player, until: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Pods and their versions once the player is through and `until` holds."""
    async with playing(player) as client, asyncio.timeout(10), Tasks() as tasks:
        informer = Informer(client, PODS)
        informer.start(tasks)
        await informer.synced()
        await player.done.wait()
        held: dict[str, str] = {}
        changed = asyncio.Event()
        informer.on_change(lambda old, new: changed.set())
        while True:
            held = {p.metadata.name: p.metadata.resource_version for p in informer.all()}
            if until(held):
                return held
            changed.clear()
            await changed.wait()


async def test_a_list_in_pages_then_a_watch_from_its_version() -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10, pod("a", 1), continue_="more")), watch="", **{"continue": ""})
    player.on("GET", PATH, answer(listing(10, pod("b", 2))), watch="", **{"continue": "more"})
    player.on("GET", PATH, stream(event("ADDED", pod("c", 11)), event("DELETED", pod("a", 12)), then_hang=True),
              watch="true", resourceVersion="10", allowWatchBookmarks="true")
    assert await outcome(player, lambda held: set(held) == {"b", "c"}) == {"b": "2", "c": "11"}


async def test_a_watch_that_ends_is_taken_up_at_the_last_event_or_bookmark_without_listing() -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10)), watch="")
    player.on("GET", PATH, stream(event("ADDED", pod("a", 12))), watch="true", resourceVersion="10")
    player.on("GET", PATH, stream(event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "30"}})),
              watch="true", resourceVersion="12")
    player.on("GET", PATH, stream(event("MODIFIED", pod("a", 31)), then_hang=True), watch="true", resourceVersion="30")
    assert await outcome(player, lambda held: held == {"a": "31"})


async def test_a_cut_stream_and_a_failing_server_are_outlasted_without_listing() -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10, pod("a", 5))), watch="")
    player.on("GET", PATH, stream(event("ADDED", pod("b", 11)), b'{"type":"ADDED","obj', then_cut=True),
              watch="true", resourceVersion="10")
    player.on("GET", PATH, refusal(500, "InternalError"), watch="true", resourceVersion="11")
    player.on("GET", PATH, refusal(503, "ServiceUnavailable"), watch="true", resourceVersion="11")
    player.on("GET", PATH, stream(event("ADDED", pod("c", 12)), then_hang=True), watch="true", resourceVersion="11")
    assert await outcome(player, lambda held: set(held) == {"a", "b", "c"})


async def test_a_watch_that_falls_silent_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubevirt.kube.client.WATCH_SILENCE_S", 0.2)
    player = Player()
    player.on("GET", PATH, answer(listing(10)), watch="")
    player.on("GET", PATH, stream(event("ADDED", pod("a", 11)), then_hang=True), watch="true", resourceVersion="10")
    player.on("GET", PATH, stream(event("ADDED", pod("b", 12))), watch="true", resourceVersion="11")
    assert await outcome(player, lambda held: set(held) == {"a", "b"})


@pytest.mark.parametrize("gone", [
    pytest.param(refusal(410, "Expired"), id="as the answer"),
    pytest.param(stream(event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})),
                 id="as an event"),
    pytest.param(stream(event("ERROR", {"kind": "Status", "code": 410, "reason": "Gone"})), id="in its old name"),
])
async def test_a_forgotten_version_leads_to_one_new_list_whose_gaps_are_deletions(gone: Callable[..., object]) -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10, pod("a", 5), pod("b", 6))), watch="")
    player.on("GET", PATH, gone, watch="true", resourceVersion="10")  # type: ignore[arg-type]  # a played answer
    player.on("GET", PATH, answer(listing(90, pod("b", 6), pod("c", 80))), watch="")
    player.on("GET", PATH, stream(then_hang=True), watch="true", resourceVersion="90")
    assert await outcome(player, lambda held: set(held) == {"b", "c"})


async def test_a_continue_token_that_expires_starts_the_list_again() -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10, pod("a", 1), continue_="more")), watch="", **{"continue": ""})
    player.on("GET", PATH, refusal(410, "Expired"), watch="", **{"continue": "more"})
    player.on("GET", PATH, answer(listing(20, pod("b", 2))), watch="", **{"continue": ""})
    player.on("GET", PATH, stream(then_hang=True), watch="true", resourceVersion="20")
    assert await outcome(player, lambda held: set(held) == {"b"})


async def test_events_arrive_whole_however_the_network_cuts_them() -> None:
    line = event("ADDED", pod("a", 11, note="x" * 300_000)) + event("ADDED", pod("ünïcode", 12))
    pieces = [line[i:i + 70_001] for i in range(0, len(line), 70_001)]
    player = Player()
    player.on("GET", PATH, answer(listing(10)), watch="")
    player.on("GET", PATH, stream(*pieces, then_hang=True), watch="true")
    assert await outcome(player, lambda held: set(held) == {"a", "ünïcode"})


async def test_an_object_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    bad: JsonObject = {"metadata": {"name": "bad", "namespace": "ns", "resourceVersion": "7"}, "spec": "nonsense"}
    player = Player()
    player.on("GET", PATH, answer(listing(10, pod("a", 1), bad)), watch="")
    player.on("GET", PATH, stream(event("ADDED", {**bad, "metadata": {"name": "bad2", "resourceVersion": "11"}}),
                                  event("ADDED", pod("c", 12)), then_hang=True), watch="true", resourceVersion="10")
    assert await outcome(player, lambda held: set(held) == {"a", "c"})


async def test_something_that_is_no_api_server_is_not_believed() -> None:
    player = Player()
    player.on("GET", PATH, answer(listing(10)), watch="")
    player.on("GET", PATH, stream(b"<html>\n"), watch="true", resourceVersion="10")
    player.on("GET", PATH, stream(event("ADDED", pod("a", 11)), then_hang=True), watch="true", resourceVersion="10")
    assert await outcome(player, lambda held: set(held) == {"a"})


async def test_selectors_reach_list_and_watch() -> None:
    player = Player()
    chosen = {"labelSelector": "kubevirt.io=virt-launcher", "fieldSelector": "spec.nodeName=n1"}
    player.on("GET", "/api/v1/namespaces/ns/pods", answer(listing(10)), watch="", **chosen)
    player.on("GET", "/api/v1/namespaces/ns/pods", stream(then_hang=True), watch="true", **chosen)
    async with playing(player) as client, asyncio.timeout(10), Tasks() as tasks:
        informer = Informer(client, PODS, namespace="ns", labels=chosen["labelSelector"],
                            fields=chosen["fieldSelector"])
        informer.start(tasks)
        await informer.synced()
        await player.done.wait()
