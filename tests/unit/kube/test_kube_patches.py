"""JSON patches: building and comparing. What a patch means is told by applying it, which only tests do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube import patches
from kubevirt.kube.patches import Patch, pointer
from tests.json_patch import PatchFailed, apply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


@pytest.mark.parametrize(("document", "operations"), [
    pytest.param({"a": 1}, [{"op": "test", "path": "/a", "value": 2}], id="a failed test"),
    pytest.param({"a": 1}, [{"op": "test", "path": "/b", "value": None}], id="a test of what is not there"),
    pytest.param({}, [{"op": "replace", "path": "/a", "value": 2}], id="a replacement of what is not there"),
    pytest.param({}, [{"op": "remove", "path": "/a"}], id="a removal of what is not there"),
    pytest.param({}, [{"op": "add", "path": "/a/b", "value": 1}], id="an addition below what is not there"),
    pytest.param({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 1}], id="an insertion beyond the end"),
    pytest.param({"a": [1]}, [{"op": "remove", "path": "/a/1"}], id="a removal beyond the end"),
    pytest.param({"a": [1]}, [{"op": "remove", "path": "/a/-1"}], id="a negative place"),
    pytest.param({"a": 1}, [{"op": "replace", "path": "a", "value": 2}], id="a path without its slash"),
    pytest.param({"a": 1}, [{"op": "move", "path": "/a", "from": "/b"}], id="an operation that is not known"),
])
def test_refused(document: Json, operations: list[JsonObject]) -> None:
    with pytest.raises(PatchFailed):
        apply(document, operations)


@pytest.mark.parametrize(("document", "patch", "result"), [
    pytest.param({"a": [1, 2]}, Patch().add("/a/-", 3), {"a": [1, 2, 3]}, id="append"),
    pytest.param({"a": [1, 2]}, Patch().add("/a/0", 0), {"a": [0, 1, 2]}, id="insert"),
    pytest.param({"a": [1, 2]}, Patch().remove("/a/0"), {"a": [2]}, id="remove from a list"),
    pytest.param({"a": 1}, Patch().test("/a", 1).replace("/a", 2), {"a": 2}, id="guarded replacement"),
    pytest.param({"a": 1}, Patch().replace("", {"b": 1}), {"b": 1}, id="the whole document"),
    pytest.param({"m": {"x/y": 1}}, Patch().remove(pointer("m", "x/y")), {"m": {}}, id="a key with a slash"),
    pytest.param({"~": 1}, Patch().replace(pointer("~"), 2), {"~": 2}, id="a key with a tilde"),
])
def test_applied(document: Json, patch: Patch, result: Json) -> None:
    assert apply(document, patch.operations) == result


def test_a_pointer_escapes_what_must_be_escaped() -> None:
    assert pointer("metadata", "labels", "kubevirt.io/node~Name", 0) == "/metadata/labels/kubevirt.io~1node~0Name/0"


@given(OBJECTS, OBJECTS)
def test_the_difference_leads_from_old_to_new(old: JsonObject, new: JsonObject) -> None:
    assert apply(old, patches.diff(old, new)) == new


@given(JSON)
def test_no_difference_is_no_operation(document: Json) -> None:
    assert patches.diff(document, document) == []


def test_true_is_not_one() -> None:
    assert patches.diff({"a": 1}, {"a": True}) == [{"op": "replace", "path": "/a", "value": True}]
