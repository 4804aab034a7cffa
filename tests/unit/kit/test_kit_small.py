"""Errors, JSON operations and logs: small enough for one file."""

import io
import json
import logging

import pytest

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem, Refused
from kubevirt.kit.json import Json, dig, merge, without_nulls


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(cause="the disk is full"), "the disk is full"),
        (Problem(cause="the disk is full", remedy="free some space"), "the disk is full; free some space"),
        (Refused(cause="is empty", field="spec.name", remedy="name it"), "spec.name: is empty; name it"),
    ],
)
def test_an_error_reads_as_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        pytest.param({"a": 1}, {"a": None}, {}, id="null removes"),
        pytest.param({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}, id="objects merge"),
        pytest.param({"a": [1]}, {"a": [2]}, {"a": [2]}, id="lists are replaced"),
        pytest.param("x", {"a": {"b": None}}, {"a": {}}, id="a scalar gives way"),
    ],
)
def test_merge(target: Json, patch: Json, expected: Json) -> None:
    assert merge(target, patch) == expected


def test_without_nulls_keeps_places_in_lists() -> None:
    assert without_nulls({"a": None, "b": [None, {"c": None}]}) == {"b": [None, {}]}


def test_dig_answers_none_for_what_is_not_there() -> None:
    value: Json = {"a": [{"b": 1}]}
    assert dig(value, "a", 0, "b") == 1
    assert dig(value, "a", 1, "b") is None
    assert dig(value, "a", "b") is None


def test_a_log_line_is_a_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = (root.handlers, root.level)
    try:
        logs.setup("virt-test", "info")
        log = logs.get("part")
        log.debug("not shown")
        log.info("guest started", vmi="default/web", node=None)
        log.error("guest lost", Refused(cause="no answer", remedy="look at the node"), vmi="default/web")
    finally:
        root.handlers, root.level = before
        logging.captureWarnings(False)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("ts").endswith("Z")
    assert first == {
        "level": "info",
        "msg": "guest started",
        "program": "virt-test",
        "component": "part",
        "vmi": "default/web",
    }
    assert second["error"] == "no answer; look at the node"
    assert "stack" not in second
