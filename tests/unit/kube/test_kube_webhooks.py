"""Admission webhooks as the API server calls them: good reviews, answers, and everything that is no review."""

import base64
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.admission import AdmissionAnswer, AdmissionRequest, allow, refuse, refuse_plainly, request_in
from kubevirt.kube.webhooks import admission_handler


@dataclass(frozen=True)
class Cause:
    reason: str
    field: str
    message: str


def review(**request: Json) -> JsonObject:
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "u1", "operation": "CREATE", "name": "web", "namespace": "ns", **request}}


async def answered(decide: object, body: bytes, *, content_type: str = "application/json", size_limit: int = 100_000
                   ) -> tuple[int, Json]:
    app = web.Application(client_max_size=0)
    app.router.add_post("/", admission_handler(decide, size_limit=size_limit))  # type: ignore[arg-type]  # a stand-in
    async with TestClient(TestServer(app)) as client:
        response = await client.post("/", data=body, headers={"Content-Type": content_type})
        data = await response.read()
        return response.status, msgspec.json.decode(data) if response.status == 200 else data.decode()


def yes(_request: AdmissionRequest) -> AdmissionAnswer:
    return allow()


@pytest.mark.parametrize(("body", "content_type", "status"), [
    pytest.param(b"", "application/json", 400, id="nothing"),
    pytest.param(b"{", "application/json", 400, id="cut JSON"),
    pytest.param(b"\xff\xfe\x00", "application/json", 400, id="no text"),
    pytest.param(b"[1]", "application/json", 400, id="a list"),
    pytest.param(b"{}", "application/json", 400, id="an empty object"),
    pytest.param(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "application/json", 400,
                 id="no request"),
    pytest.param(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""}}',
                 "application/json", 400, id="no uid"),
    pytest.param(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u"}}',
                 "application/json", 400, id="another version"),
    pytest.param(b"[" * 90_000, "application/json", 400, id="nested beyond reason"),
    pytest.param(b"x" * 100_001, "application/json", 413, id="too large"),
    pytest.param(b"{}", "text/html", 415, id="another type"),
])
async def test_what_is_no_review_is_told_so(body: bytes, content_type: str, status: int) -> None:
    got, _ = await answered(yes, body, content_type=content_type)
    assert got == status


async def test_a_body_of_unannounced_size_is_cut_off() -> None:
    app = web.Application(client_max_size=0)
    app.router.add_post("/", admission_handler(yes, size_limit=1000))

    async def endless() -> object:
        for _ in range(100):
            yield b"x" * 100

    async with TestClient(TestServer(app)) as client:
        try:
            response = await client.post("/", data=endless(), headers={"Content-Type": "application/json"})
            assert response.status == 413
        except aiohttp.ClientConnectionError:
            pass  # the server may hang up before everything is sent


@given(st.binary(max_size=300))
def test_no_bytes_get_further_than_a_refusal(body: bytes) -> None:
    with pytest.raises(Refused):
        request_in(body)


async def test_a_yes_with_a_patch_and_warnings() -> None:
    async def decide(request: AdmissionRequest) -> AdmissionAnswer:
        assert request.object_as(VirtualMachine).metadata.name == "web"
        return allow(patch=[{"op": "add", "path": "/x", "value": 1}], warnings=["old"])

    status, body = await answered(decide, msgspec.json.encode(review(object={"metadata": {"name": "web"}})))
    assert status == 200
    patch = base64.b64encode(b'[{"op":"add","path":"/x","value":1}]').decode()
    assert body == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
        "uid": "u1", "allowed": True, "warnings": ["old"], "patchType": "JSONPatch", "patch": patch}}


async def test_a_refusal_names_every_cause() -> None:
    causes = [Cause("FieldValueInvalid", "spec.a", "a is bad"), Cause("FieldValueRequired", "spec.b", "b is missing")]
    _, body = await answered(lambda _: refuse(causes), msgspec.json.encode(review()))
    assert isinstance(body, dict)
    assert body["response"] == {"uid": "u1", "allowed": False, "status": {
        "status": "Failure", "code": 422, "reason": "Invalid", "message": "a is bad, b is missing",
        "details": {"causes": [
            {"reason": "FieldValueInvalid", "message": "a is bad", "field": "spec.a"},
            {"reason": "FieldValueRequired", "message": "b is missing", "field": "spec.b"},
        ]}}}


async def test_a_plain_refusal_and_a_problem_have_code_400_and_no_causes() -> None:
    def problem(_request: AdmissionRequest) -> AdmissionAnswer:
        raise Refused(cause="no", field="spec", remedy="do")

    for decide, message in ((lambda _: refuse_plainly("no"), "no"), (problem, "spec: no; do")):
        _, body = await answered(decide, msgspec.json.encode(review()))
        assert isinstance(body, dict)
        assert body["response"] == {"uid": "u1", "allowed": False,
                                    "status": {"status": "Failure", "message": message, "code": 400}}


@pytest.mark.parametrize(("members", "message"), [
    pytest.param({}, "the review holds no object", id="absent"),
    pytest.param({"object": None}, "the review holds no object", id="null"),
    pytest.param({"object": {"metadata": []}}, "metadata", id="of another shape"),
])
async def test_an_object_that_cannot_be_read_is_refused_with_its_field(members: JsonObject, message: str) -> None:
    def decide(request: AdmissionRequest) -> AdmissionAnswer:
        request.object_as(VirtualMachine)
        return allow()

    status, body = await answered(decide, msgspec.json.encode(review(**members)))
    assert status == 200
    assert isinstance(body, dict)
    assert message in str(body["response"])


def test_who_asks_is_known() -> None:
    body = msgspec.json.encode(review(userInfo={"username": "alice", "groups": ["dev"], "extra": {"k": ["v"]}},
                                      subResource="status", dryRun=True, oldObject={"a": 1}))
    request = request_in(body)
    assert (request.user_info.username, request.user_info.groups) == ("alice", ["dev"])
    assert (request.sub_resource, request.dry_run) == ("status", True)
    assert request.has_old_object
    assert not request.has_object
