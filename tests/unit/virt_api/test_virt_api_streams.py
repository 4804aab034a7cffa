"""Streams through virt-api with real WebSockets and real TCP and UDP servers as the guest; TLS is tested end to end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import cast

import aiohttp
from aiohttp import web
from yarl import URL

from kubevirt.kube.websockets import PROTOCOL, Ending, LiveSocket, close_reason
from kubevirt.virt_api.node_agents import session as agents_session
from kubevirt.virt_api.portforward import forward_port
from kubevirt.virt_api.server import errors_as_status
from kubevirt.virt_api.streams import NO_STREAM, follow_streams, join_handler

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(handler: Handler, *, is_virt_api: bool = False) -> AsyncIterator[URL]:
    """A server for one route; as virt-api it tells its clients when it ends."""
    app = web.Application(middlewares=[errors_as_status] if is_virt_api else [])
    if is_virt_api:
        follow_streams(app)
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    finally:
        await runner.cleanup()


@dataclass
class Agents:
    """Reaches the stand-in for virt-handler without TLS."""

    http: aiohttp.ClientSession

    @asynccontextmanager
    async def websocket(self, url: URL, protocols: tuple[str, ...]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.http.ws_connect(url, protocols=protocols, autoping=False) as socket:
            yield socket


@asynccontextmanager
async def through(handler: Handler) -> AsyncIterator[URL]:
    """virt-api in front of a handler."""
    async with agents_session() as http, listening(handler) as behind:

        async def join(request: web.Request) -> web.StreamResponse:
            return await join_handler(request, Agents(http), behind)  # type: ignore[arg-type]  # a stand-in

        async with listening(join, is_virt_api=True) as front:
            yield front


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[LiveSocket]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=(PROTOCOL,), autoping=False, max_msg_size=0) as socket,
    ):
        assert socket.protocol == PROTOCOL
        yield LiveSocket(socket)


async def everything(live: LiveSocket) -> bytes:
    async with asyncio.timeout(20):
        return b"".join([data async for data in live])


async def test_bytes_pass_both_ways_and_the_handlers_last_words_arrive() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOL,), autoping=False)
        await socket.prepare(request)
        live = LiveSocket(socket)
        async for data in live:
            await live.send(data.upper())
            break
        await socket.close(code=1001, message=close_reason("another client connected"))
        return socket

    async with through(handler) as url, connected(url) as live:
        await live.send(b"hello")
        assert await everything(live) == b"HELLO"
        assert live.ending == Ending(code=1001, reason="another client connected")


async def test_a_handler_that_breaks_off_ends_the_clients_stream() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOL,))
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with through(handler) as url, connected(url) as live:
        assert await everything(live) == b""
        assert live.ending == Ending(code=1001, reason="The node of the instance does not answer any more.")


async def test_a_refusal_of_the_handler_is_an_ordinary_error() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        raise web.HTTPServiceUnavailable(text="Active VNC connection. Request denied.")

    async with through(handler) as url, aiohttp.ClientSession() as session:
        async with session.get(url, headers=UPGRADE) as refused:
            told = await refused.json()
        assert (refused.status, told["code"]) == (503, 503)
        assert told["message"] == "Cannot prepare connection Active VNC connection. Request denied."


async def test_clients_are_told_that_virt_api_ends() -> None:
    opened = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOL,))
        await socket.prepare(request)
        opened.set()
        async for _ in socket:
            pass
        return socket

    async with contextless(through(handler)) as (url, leave), connected(url) as live:
        await opened.wait()
        ending, rest = await asyncio.gather(leave(), everything(live))
        assert (ending, rest) == (None, b"")
        assert live.ending == Ending(code=1001, reason="virt-api is restarting; connect again.")


@asynccontextmanager
async def contextless(
    manager: AbstractAsyncContextManager[URL],
) -> AsyncIterator[tuple[URL, Callable[[], Awaitable[None]]]]:
    """A context that can be left before its block ends."""
    url = await manager.__aenter__()
    left = False

    async def leave() -> None:
        nonlocal left
        left = True
        await manager.__aexit__(None, None, None)

    yield url, leave
    if not left:
        await leave()


@asynccontextmanager
async def guest(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[URL]:
    """virt-api in front of a TCP port of a guest."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def forward(request: web.Request) -> web.StreamResponse:
        return await forward_port(request, "127.0.0.1", port, "tcp")

    async with listening(forward, is_virt_api=True) as url:
        yield url
    server.close()
    await server.wait_closed()


async def test_a_port_gives_everything_before_it_ends() -> None:
    sent = bytes(range(256)) * 4096 * 4  # 4 MiB

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        writer.close()
        await writer.wait_closed()

    async with guest(serve) as url, connected(url) as live:
        assert await everything(live) == sent
        assert live.ending == Ending(code=1000)


async def test_a_port_takes_everything_that_was_sent_before_the_client_left() -> None:
    seen = hashlib.sha256()
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            seen.update(data)
        writer.close()
        ended.set()

    sent = bytes(range(256)) * 4096 * 4
    async with guest(serve) as url:
        async with connected(url) as live:
            for start in range(0, len(sent), 65536):
                await live.send(sent[start : start + 65536])
        await asyncio.wait_for(ended.wait(), 10)
    assert seen.hexdigest() == hashlib.sha256(sent).hexdigest()


async def test_a_port_nobody_listens_on_is_an_error_with_the_address() -> None:
    async def forward(request: web.Request) -> web.StreamResponse:
        return await forward_port(request, "127.0.0.1", 1, "tcp")

    async with (
        listening(forward, is_virt_api=True) as url,
        aiohttp.ClientSession() as session,
        session.get(url, headers=UPGRADE) as answer,
    ):
        assert answer.status == 500
        assert (await answer.json())["message"].startswith("dialing VM: 127.0.0.1:1: ")


async def refused(url: URL, headers: dict[str, str]) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, (await answer.json())["message"]


async def test_a_port_that_cannot_be_and_a_request_that_is_no_stream_are_refused_before_anything_is_dialled() -> None:
    def forward(port: int) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await forward_port(request, "127.0.0.1", port, "tcp")

        return handler

    async with listening(forward(65536), is_virt_api=True) as url:
        assert await refused(url, UPGRADE) == (400, "port 65536 cannot be: ports are between 1 and 65535")
    async with listening(forward(1), is_virt_api=True) as url:
        assert await refused(url, {}) == (400, NO_STREAM)


class Echo(asyncio.DatagramProtocol):
    """Sends back what comes, in capitals."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data.upper(), addr)


async def test_datagrams_keep_their_borders() -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]

    async def forward(request: web.Request) -> web.StreamResponse:
        return await forward_port(request, "127.0.0.1", port, "udp")

    async with listening(forward, is_virt_api=True) as url, connected(url) as live:
        for each in (b"one", b"two"):
            await live.send(each)
        answers = []
        async with asyncio.timeout(5):
            async for data in live:
                answers.append(data)
                if len(answers) == 2:
                    break
        assert answers == [b"ONE", b"TWO"]
    transport.close()
