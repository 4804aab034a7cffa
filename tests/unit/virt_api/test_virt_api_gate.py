"""The whole application behind its gate: who gets in without a name, who does not, and the answers that everybody gets.

The certificate of the aggregator and the review of its users are played; real ones are in tests/api and tests/e2e.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import pytest
from aiohttp import ClientSession, web

from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import Status, from_status
from kubevirt.virt_api import discovery, later
from kubevirt.virt_api.aggregator import Aggregator, gate
from kubevirt.virt_api.server import errors_as_status

V1 = "/apis/subresources.kubevirt.io/v1"
CONSOLE = f"{V1}/namespaces/ns/virtualmachineinstances/a/console"
JANE = {"X-Remote-User": "jane", "X-Remote-Group": "devs"}


class Reviewer:
    """Answers SubjectAccessReviews as told, and remembers them."""

    def __init__(self, *, allowed: bool, reason: str = "") -> None:
        self.answer: JsonObject = {"status": {"allowed": allowed, "reason": reason}}
        self.asked: list[JsonObject] = []

    async def raw(self, method: str, path: str, *, body: bytes) -> bytes:
        assert (method, path) == ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews")
        self.asked.append(msgspec.json.decode(body))
        return msgspec.json.encode(self.answer)


class Silent(Reviewer):
    async def raw(self, method: str, path: str, *, body: bytes) -> bytes:
        raise from_status(Status(code=503, message="no leader"))


class Certificate:
    """Whether the connection carries the aggregator's certificate."""

    def __init__(self, *, there: bool) -> None:
        self._there = there

    def vouches(self, _: web.Request) -> bool:
        return self._there


@asynccontextmanager
async def application(reviewer: Reviewer, *, certificate: bool = True) -> AsyncIterator[ClientSession]:
    """A client of the routes without authentication, and of one that needs it."""
    async def console(_: web.Request) -> web.Response:
        return web.Response(text="inside")

    aggregator = cast(Aggregator, Certificate(there=certificate))
    app = web.Application(middlewares=[errors_as_status, gate(cast(Client, reviewer), aggregator)])
    app.router.add_routes(discovery.routes())
    app.router.add_routes(later.profiler_routes(discovery.GROUP))
    app.router.add_get(CONSOLE, console)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


@pytest.mark.parametrize(
    ("reviewer", "certificate", "headers", "code", "message"),
    [
        pytest.param(Reviewer(allowed=True), False, JANE, 401, "request is not authenticated", id="not the aggregator"),
        pytest.param(Reviewer(allowed=True), True, {}, 401, "a valid user header is required for authorization",
                     id="no user"),
        pytest.param(Reviewer(allowed=True), True, {"X-Remote-User": "jane"}, 401,
                     "a valid group header is required for authorization", id="no group"),
        pytest.param(Reviewer(allowed=False, reason="no role"), True, JANE, 403,
                     'virtualmachineinstances.subresources.kubevirt.io "a" is forbidden: User "jane" cannot get '
                     'resource "virtualmachineinstances/console" in API group "subresources.kubevirt.io" in the '
                     'namespace "ns": no role', id="no right"),
        pytest.param(Silent(allowed=True), True, JANE, 500, "the access review could not be made: no leader",
                     id="no review"),
    ],
)  # fmt: skip
async def test_who_is_not_let_in(
    reviewer: Reviewer, certificate: bool, headers: dict[str, str], code: int, message: str
) -> None:
    async with (
        application(reviewer, certificate=certificate) as session,
        session.get(CONSOLE, headers=headers) as answer,
    ):
        told = await answer.json()
    assert (answer.status, told["code"], told["message"]) == (code, code, message)
    assert (told["kind"], told["status"]) == ("Status", "Failure")
    assert told["reason"] == {401: "Unauthorized", 403: "Forbidden", 500: "InternalError"}[code]


async def test_who_is_let_in() -> None:
    reviewer = Reviewer(allowed=True)
    async with application(reviewer) as session, session.get(CONSOLE, headers=JANE) as answer:
        assert await answer.text() == "inside"
    [review] = reviewer.asked
    spec = review["spec"]
    assert isinstance(spec, dict)
    assert (spec["user"], spec["groups"]) == ("jane", ["devs"])


@pytest.mark.parametrize("path", ["/", "/healthz", f"{V1}/healthz", "/apis", "/apis/subresources.kubevirt.io", V1,
                                  f"{V1}/version", "/openapi/v2", "/openapi/v3"])  # fmt: skip
async def test_what_everybody_may_read(path: str) -> None:
    reviewer = Reviewer(allowed=False)
    async with application(reviewer, certificate=False) as session, session.get(path) as answer:
        assert answer.status == 200
    assert reviewer.asked == []


async def test_the_version() -> None:
    async with application(Reviewer(allowed=False)) as session, session.get(f"{V1}/version") as answer:
        told = await answer.json()
    assert set(told) == {"gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"}


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/start-profiler", 400, later.PROFILER),
        (f"{V1}/stop-cluster-profiler", 400, later.PROFILER),
        (f"{V1}/dump-cluster-profiler", 400, later.PROFILER),
        (f"{V1}/guestfs", 404, later.NO_GUESTFS),
    ],
)
async def test_what_there_is_not(path: str, code: int, message: str) -> None:
    async with application(Reviewer(allowed=False)) as session, session.get(path) as answer:
        told = await answer.json()
    assert (answer.status, told["message"]) == (code, message)
