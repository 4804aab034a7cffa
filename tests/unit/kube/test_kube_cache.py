"""The cache's order of news: by resource version, whatever comes first, from the watch or from our own writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.api.base import Api, present
from kubevirt.api.meta import ObjectMeta
from kubevirt.kube.cache import Cache, key_of
from kubevirt.kube.versions import is_later


class Thing(Api):
    metadata: ObjectMeta = present(ObjectMeta)
    owner: str = ""


def thing(version: int, name: str = "a", uid: str = "u1", owner: str = "") -> Thing:
    meta = ObjectMeta(name=name, namespace="ns", uid=uid, resource_version=str(version))
    return Thing(metadata=meta, owner=owner)


def version_of(cache: Cache[Thing], name: str = "a") -> str | None:
    held = cache.get("ns", name)
    return held.metadata.resource_version if held else None


@pytest.mark.parametrize(("one", "than", "answer"), [
    pytest.param("10", "9", True, id="numbers are compared as numbers"),
    pytest.param("9", "10", False, id="and not as text"),
    pytest.param("9", "9", False, id="a version is not later than itself"),
    pytest.param("abc", "9", None, id="other formats have no order"),
    pytest.param("", "9", None, id="no version has no order"),
    pytest.param("²", "1", None, id="digits of other scripts are no numbers"),
    pytest.param("18446744073709551616", "18446744073709551615", True, id="beyond 64 bits"),
])
def test_which_version_is_later(one: str, than: str, answer: bool | None) -> None:
    assert is_later(one, than) is answer


@pytest.mark.parametrize(("key", "namespace", "name"), [("ns/a", "ns", "a"), ("node-1", "", "node-1")])
def test_keys(key: str, namespace: str, name: str) -> None:
    assert key_of(Thing(metadata=ObjectMeta(name=name, namespace=namespace))) == key


def after(*steps: tuple[str, Thing]) -> tuple[Cache[Thing], list[tuple[str | None, str | None]]]:
    """A cache that was listed empty at version 5 and then heard of the steps; and what its callbacks heard."""
    cache: Cache[Thing] = Cache()
    heard: list[tuple[str | None, str | None]] = []
    cache.on_change(lambda old, new: heard.append((old.metadata.resource_version if old else None,
                                                   new.metadata.resource_version if new else None)))
    cache.end_relist(cache.begin_relist(), "5")
    for verb, obj in steps:
        getattr(cache, verb)(obj)
    return cache, heard


@pytest.mark.parametrize(("steps", "held", "heard"), [
    pytest.param([("added_or_modified", thing(6))], "6", [(None, "6")], id="a watch event is taken in"),
    pytest.param([("written", thing(8)), ("added_or_modified", thing(7))], "8", [(None, "8")],
                 id="an event older than our write does not roll it back"),
    pytest.param([("written", thing(8)), ("added_or_modified", thing(8))], "8", [(None, "8")],
                 id="the watch's echo of our write is no news"),
    pytest.param([("added_or_modified", thing(9)), ("written", thing(8))], "9", [(None, "9")],
                 id="an answer that the watch has overtaken is no news"),
    pytest.param([("added_or_modified", thing(6)), ("deleted", thing(9)), ("written", thing(8))], None,
                 [(None, "6"), ("6", None)], id="a late answer does not bring a deleted object back"),
    pytest.param([("deleted", thing(9)), ("written", thing(8))], None, [],
                 id="nor one that was never seen alive"),
    pytest.param([("written", thing(8)), ("deleted", thing(9))], None, [(None, "8"), ("8", None)],
                 id="the watch's deletion of what we wrote counts"),
    pytest.param([("written", thing(10, uid="u2")), ("deleted", thing(9, uid="u1"))], "10", [(None, "10")],
                 id="the deletion of a namesake that was there before does not count"),
    pytest.param([("added_or_modified", thing(6)), ("removed", thing(6)), ("added_or_modified", thing(7))], None,
                 [(None, "6"), ("6", None)], id="what we deleted does not come back by the watch's old news"),
    pytest.param([("added_or_modified", thing(6)), ("removed", thing(6)), ("deleted", thing(8)),
                  ("added_or_modified", thing(9, uid="u2"))], "9", [(None, "6"), ("6", None), (None, "9")],
                 id="a new object under the name of a deleted one is taken in"),
    pytest.param([("added_or_modified", thing(6, uid="u2")), ("removed", thing(6, uid="u1"))], "6", [(None, "6")],
                 id="removing an object does not remove its successor"),
])
def test_news_in_any_order(steps: list[tuple[str, Thing]], held: str | None,
                           heard: list[tuple[str | None, str | None]]) -> None:
    cache, told = after(*steps)
    assert version_of(cache) == held
    assert told == heard


def test_a_relist_drops_what_it_did_not_name_but_keeps_what_is_younger() -> None:
    cache, _ = after(("added_or_modified", thing(6, "old")), ("written", thing(30, "young")))
    unnamed = cache.begin_relist()
    cache.end_relist(unnamed, "20")
    assert version_of(cache, "old") is None
    assert version_of(cache, "young") == "30"


def test_a_bookmark_moves_the_position_and_never_back() -> None:
    cache, heard = after()
    cache.bookmark("40")
    cache.bookmark("39")
    assert cache.position == "40"
    assert heard == []


def test_indexes_follow_changes_and_deletions() -> None:
    cache: Cache[Thing] = Cache({"owner": lambda t: [t.owner] if t.owner else []})
    cache.added_or_modified(thing(1, "a", owner="x"))
    cache.added_or_modified(thing(2, "b", uid="u2", owner="x"))
    assert [t.metadata.name for t in cache.by_index("owner", "x")] == ["a", "b"]
    cache.added_or_modified(thing(3, "a", owner="y"))
    cache.deleted(thing(4, "b", uid="u2"))
    assert cache.by_index("owner", "x") == []
    assert [t.metadata.name for t in cache.by_index("owner", "y")] == ["a"]


def test_a_late_listener_hears_of_what_is_there() -> None:
    cache, _ = after(("added_or_modified", thing(6)))
    heard: list[Thing | None] = []
    cache.on_change(lambda old, new: heard.append(new))
    assert [t.metadata.resource_version for t in heard if t] == ["6"]


@given(st.permutations([("written", 6), ("written", 8), ("watch", 6), ("watch", 7), ("watch", 8), ("watch", 9)]))
def test_the_newest_version_wins_in_every_order_of_arrival(order: list[tuple[str, int]]) -> None:
    # A watch tells its own news in order; answers to writes come at any time between.
    watched = iter(sorted(version for source, version in order if source == "watch"))
    cache, _ = after()
    newest = 5
    for source, version in order:
        told = next(watched) if source == "watch" else version
        (cache.added_or_modified if source == "watch" else cache.written)(thing(told))
        newest = max(newest, told)
        assert version_of(cache) == str(newest)
