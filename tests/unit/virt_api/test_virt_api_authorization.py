"""Which requests are open to all, and what review the others are put to; the review itself is the API server's."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from kubevirt.virt_api.authorization import User, access_review, is_open, user_from
from kubevirt.virt_api.replies import StatusError

BASE = "/apis/subresources.kubevirt.io"
USER = User(name="jane", groups=("devs",))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", True, id="the root"),
        pytest.param("/healthz", True, id="health"),
        pytest.param("/start-profiler", True, id="the profiler of one program"),
        pytest.param(f"{BASE}/v1/dump-cluster-profiler", True, id="the profiler of all"),
        pytest.param("/apis", True, id="the groups"),
        pytest.param("/openapi/v2", True, id="the schema, version 2"),
        pytest.param(f"{BASE}/v1/guestfs", True, id="the image of the disk tools"),
        pytest.param(BASE, True, id="the group"),
        pytest.param(f"{BASE}/v1", True, id="a version's resources"),
        pytest.param(f"{BASE}/v1/version", True, id="the version reply"),
        pytest.param(f"{BASE}/v1alpha3/healthz", True, id="health of a version"),
        pytest.param(f"/openapi/v3{BASE}/v1", True, id="a schema document"),
        pytest.param(f"{BASE}/v1/namespaces/a/virtualmachines/b/start", False, id="a sub-resource"),
        pytest.param(f"{BASE}/v1/version/more", False, id="below the version reply"),
        pytest.param(f"{BASE}/v1/anything", False, id="something unknown"),
    ],
)
def test_open_paths(path: str, expected: bool) -> None:
    assert is_open(path) is expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param(
            "PUT",
            "v1/namespaces/shop/virtualmachines/web/start",
            ("v1", "shop", "virtualmachines", "web", "start", "update"),
            id="PUT is update",
        ),
        pytest.param(
            "GET",
            "v1alpha3/namespaces/shop/virtualmachineinstances/web/console",
            ("v1alpha3", "shop", "virtualmachineinstances", "web", "console", "get"),
            id="GET is get",
        ),
        pytest.param(
            "GET",
            "v1/namespaces/shop/virtualmachineinstances/web/portforward/22/tcp",
            ("v1", "shop", "virtualmachineinstances", "web", "portforward", "get"),
            id="a port is no resource",
        ),
        pytest.param(
            "GET",
            "v1/namespaces/shop/virtualmachineinstances/web/sev/fetchcertchain",
            ("v1", "shop", "virtualmachineinstances", "web", "sev/fetchcertchain", "get"),
            id="two-part names stay",
        ),
        pytest.param(
            "PUT",
            "v1/namespaces/shop/expand-vm-spec",
            ("v1", "shop", "expand-vm-spec", "", "", "update"),
            id="a resource of its own",
        ),
    ],
)
def test_reviews(method: str, path: str, expected: tuple[str, ...]) -> None:
    spec = access_review(USER, method, f"{BASE}/{path}")["spec"]
    assert isinstance(spec, dict)
    attributes = spec["resourceAttributes"]
    assert isinstance(attributes, dict)
    keys = ("version", "namespace", "resource", "name", "subresource", "verb")
    assert tuple(attributes[key] for key in keys) == expected
    assert (spec["user"], spec["groups"]) == ("jane", ["devs"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param(f"{BASE}/v1/namespaces/shop/pods/web/log", "unknown resource type pods", id="another's resource"),
        pytest.param(f"{BASE}/v1/nodes/one", f"unknown api endpoint: {BASE}/v1/nodes/one", id="no namespace"),
    ],
)
def test_unknown_paths_are_forbidden(path: str, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        access_review(USER, "GET", path)
    assert (caught.value.code, caught.value.message) == (403, message)


def test_identity_needs_a_user_and_a_group() -> None:
    with pytest.raises(StatusError, match=r"^a valid user header is required for authorization$") as refused:
        user_from({}, ["devs"])
    assert refused.value.code == 401
    with pytest.raises(StatusError, match=r"^a valid group header is required for authorization$") as refused:
        user_from({"X-Remote-User": "jane"}, [])
    assert refused.value.code == 401
    headers = CIMultiDict([("X-Remote-User", "jane"), ("X-Remote-Extra-Scopes", "a"), ("X-Remote-Extra-Scopes", "b"),
                           ("X-Remote-Extra-Example.org%2fkey", "c")])  # fmt: skip
    user = user_from(headers, ["devs", "ops"])
    extra = {"scopes": ["a", "b"], "example.org/key": ["c"]}
    assert (user.name, user.groups, user.extra) == ("jane", ("devs", "ops"), extra)


def test_a_list_has_a_verb_of_its_own() -> None:
    for method, verb in (("GET", "list"), ("POST", "create"), ("PATCH", "patch"), ("DELETE", "delete")):
        spec = access_review(USER, method, f"{BASE}/v1/namespaces/shop/virtualmachines")["spec"]
        assert isinstance(spec, dict)
        assert isinstance(spec["resourceAttributes"], dict)
        assert spec["resourceAttributes"]["verb"] == verb
