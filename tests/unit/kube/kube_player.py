"""A real HTTP server that plays what an API server was seen to answer, step by step.

Each step names the request it waits for; a request that no step expects fails the test. Steps are played in order.
This is for the edges that a healthy API server does not show on demand (410, cut streams, 429); everything else is
tested against a real one in tests/api.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.client import Client


@dataclass
class Recorded:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json


Play = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Step:
    method: str
    path: str
    play: Play
    query: dict[str, str] = field(default_factory=dict)


@dataclass
class Player:
    """What is going to be played, and what has been asked."""

    steps: list[Step] = field(default_factory=list)
    asked: list[Recorded] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def on(self, method: str, path: str, play: Play, **query: str) -> Player:
        self.steps.append(Step(method, path, play, query))
        return self

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body: Json = msgspec.json.decode(raw) if raw else None
        self.asked.append(Recorded(request.method, request.path, dict(request.query), dict(request.headers), body))
        if not self.steps:
            self.done.set()
            await asyncio.Event().wait()
        step = self.steps.pop(0)
        query = {key: request.query.get(key, "") for key in step.query}
        if (request.method, request.path, query) != (step.method, step.path, step.query):
            self.unexpected.append(f"{request.method} {request.path_qs}, not {step.method} {step.path} {step.query}")
            return web.Response(status=500)
        if not self.steps:
            self.done.set()
        return await step.play(request)


def answer(body: JsonObject, status: int = 200, **headers: str) -> Play:
    async def play(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json",
                            headers={k.replace("_", "-"): v for k, v in headers.items()})
    return play


def refusal(code: int, reason: str, message: str = "no", causes: list[Json] | None = None, **headers: str) -> Play:
    details: JsonObject = {"causes": causes or []}
    status: JsonObject = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
                          "reason": reason, "code": code, "details": details}
    return answer(status, code, **headers)


def stream(*pieces: bytes, then_hang: bool = False, then_cut: bool = False) -> Play:
    """A watch's body in these very pieces."""
    async def play(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then_hang:
            await asyncio.Event().wait()
        if then_cut and request.transport is not None:
            request.transport.close()
        return response
    return play


def event(type_: str, obj: JsonObject) -> bytes:
    return msgspec.json.encode({"type": type_, "object": obj}) + b"\n"


def pod(name: str, version: int, uid: str = "", **labels: str) -> JsonObject:
    return {"metadata": {"name": name, "namespace": "ns", "uid": uid or f"uid-{name}",
                         "resourceVersion": str(version), "labels": dict(labels)}}


def listing(version: int, *items: JsonObject, continue_: str = "") -> JsonObject:
    return {"kind": "PodList", "apiVersion": "v1", "items": list(items),
            "metadata": {"resourceVersion": str(version), "continue": continue_}}


@asynccontextmanager
async def playing(player: Player) -> AsyncIterator[Client]:
    """A client of the player. At the end every step must have been played and nothing else asked for."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", player.handle)
    async with TestServer(app) as server:
        access = ClusterAccess(server=str(server.make_url("/")), bearer=lambda: "token")
        async with Client(access, program="test") as client:
            yield client
    assert player.unexpected == []
    assert player.steps == []
