"""A client's WebSocket joined with a TCP or UDP port of the guest, dialled from virt-api over the pod network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from kubevirt.kit.tasks import until_first_ends
from kubevirt.kube.websockets import Ending, LiveSocket
from kubevirt.virt_api.replies import StatusError
from kubevirt.virt_api.streams import accept, finish, must_be_a_stream

CHUNK = 64 * 1024
DIAL_TIMEOUT_S = 10.0
PING_EVERY_S = 1.0
"""Tunnels are often idle, and what they pass through on the way must not forget them."""
PORTS = range(1, 65536)


async def forward_port(request: web.Request, address: str, port: int, protocol: str) -> web.StreamResponse:
    """Connect the client with a port of the guest; 500 with the reason when the guest does not answer."""
    if port not in PORTS:
        raise StatusError(400, f"port {port} cannot be: ports are between {PORTS.start} and {PORTS.stop - 1}")
    must_be_a_stream(request)
    async with _dialled(address, port, protocol) as (reader, write):
        client = await accept(request)
        live = LiveSocket(client, ping_every_s=PING_EVERY_S)

        async def to_guest() -> None:
            async for data in live:
                await write(data)

        async def to_client() -> None:
            async for data in reader:
                await live.send(data)

        ending = Ending(code=aiohttp.WSCloseCode.OK)
        try:
            await until_first_ends(to_guest(), to_client(), live.watch())
        except OSError as e:  # a guest that vanished is no end of the stream, unlike one that hangs up
            ending = Ending(code=aiohttp.WSCloseCode.GOING_AWAY, reason=f"the guest: {words(e)}")
        await finish(request, client, live, ending)
    return client


class _Datagrams(asyncio.DatagramProtocol):
    """Received datagrams, one at a time; when the client is slower than the guest the oldest are lost, as on any
    wire."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1024)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if self.received.full():
            self.received.get_nowait()
        self.received.put_nowait(data)


@asynccontextmanager
async def _dialled(address: str, port: int, protocol: str) -> AsyncIterator[tuple[AsyncIterator[bytes], Writer]]:
    try:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            if protocol == "udp":
                loop = asyncio.get_running_loop()
                transport, datagrams = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(address, port))
                ends = _each(datagrams.received.get), Writer(transport.sendto)
                close = transport.close
            else:
                reader, writer = await asyncio.open_connection(address, port)
                ends = _chunks(reader), Writer(writer.write, writer.drain)
                close = writer.close
    except OSError as e:
        raise StatusError(500, f"dialing VM: {address}:{port}: {words(e)}") from e
    try:
        yield ends
    finally:
        close()


def words(e: OSError) -> str:
    """What the system says of an error; a time-out of our own says nothing itself."""
    return e.strerror or str(e) or f"no answer within {DIAL_TIMEOUT_S:g} s"


class Writer:
    """Send bytes to the guest, waiting while its buffers are full."""

    def __init__(self, send: Callable[[bytes], object], drain: Callable[[], Awaitable[None]] | None = None) -> None:
        self._send = send
        self._drain = drain

    async def __call__(self, data: bytes) -> None:
        self._send(data)
        if self._drain is not None:
            await self._drain()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(CHUNK):
        yield data


async def _each(get: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    while True:
        yield await get()
