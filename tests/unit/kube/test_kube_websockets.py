"""Streams over real WebSockets: silence is noticed, slowness is not taken for silence, and endings keep their words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from kubevirt.kit.tasks import until_first_ends
from kubevirt.kube.websockets import Ending, LiveSocket, close_reason

Serve = Callable[[web.WebSocketResponse], Awaitable[None]]
FAST = {"ping_every_s": 0.02, "silent_after_s": 0.1}


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A client of a server that does `serve` with each socket."""
    done = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, timeout=0.2)
        await socket.prepare(request)
        await serve(socket)
        done.set()
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/", autoping=False) as client,
        ):
            yield client
            await asyncio.wait_for(done.wait(), 5)
    finally:
        await runner.cleanup()


async def drain(live: LiveSocket) -> None:
    async for _ in live:
        pass


async def test_a_peer_that_answers_nothing_is_noticed() -> None:
    noticed: list[bool] = []

    async def serve(socket: web.WebSocketResponse) -> None:
        live = LiveSocket(socket, **FAST)
        await until_first_ends(drain(live), live.watch())
        noticed.append(live.vanished)

    async with served(serve):
        pass  # the client never reads, so it never answers a ping
    assert noticed == [True]


@pytest.mark.parametrize("how", ["answers pings", "pings by itself"])
async def test_a_peer_that_is_only_quiet_is_kept(how: str) -> None:
    noticed: list[bool] = []

    async def serve(socket: web.WebSocketResponse) -> None:
        live = LiveSocket(socket, **FAST)
        await until_first_ends(drain(live), live.watch())
        noticed.append(live.vanished)

    async with served(serve) as client:
        mine = LiveSocket(client, ping_every_s=0.02, silent_after_s=5)
        reading = asyncio.create_task(drain(mine) if how == "answers pings" else mine.watch())
        for _ in range(15):
            await asyncio.sleep(0.02)
        assert noticed == []
        reading.cancel()
        await asyncio.wait((reading,))
        await client.close()
    assert noticed == [False]


async def test_a_slow_receiver_behind_this_end_is_not_the_peers_silence() -> None:
    """While what was read waits to be delivered, nobody listens for pongs."""
    noticed: list[bool] = []
    delivered = asyncio.Event()

    async def serve(socket: web.WebSocketResponse) -> None:
        live = LiveSocket(socket, **FAST)

        async def deliver_slowly() -> None:
            async for _ in live:
                await delivered.wait()
                return

        await until_first_ends(deliver_slowly(), live.watch())
        noticed.append(live.vanished)

    async with served(serve) as client:
        await client.send_bytes(b"x")
        for _ in range(15):
            await asyncio.sleep(0.02)
        delivered.set()
    assert noticed == [False]


async def test_an_ending_keeps_its_code_and_words() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        await LiveSocket(socket).send(b"last words")
        await socket.close(code=1001, message=close_reason("another client connected"))

    async with served(serve) as client:
        live = LiveSocket(client)
        assert [data async for data in live] == [b"last words"]
        assert live.ending == Ending(code=1001, reason="another client connected")


async def test_a_connection_that_breaks_has_an_ending_too() -> None:
    async def serve(socket: web.WebSocketResponse) -> None:
        assert socket._req is not None
        transport = socket._req.transport
        assert transport is not None
        transport.abort()

    async with served(serve) as client:
        live = LiveSocket(client)
        assert [data async for data in live] == []
        assert live.ending == Ending(code=aiohttp.WSCloseCode.ABNORMAL_CLOSURE)


def test_a_reason_fits_into_a_close_frame() -> None:
    assert close_reason("short") == b"short"
    assert close_reason("ü" * 100) == "ü".encode() * 61
