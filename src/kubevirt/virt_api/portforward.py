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
from kubevirt.virt_api.streams import accept, finish

CHUNK = 64 * 1024
DIAL_TIMEOUT_S = 10.0


async def forward_port(request: web.Request, address: str, port: int, protocol: str) -> web.StreamResponse:
    """Connect the client with a port of the guest; 500 with the reason when the guest does not answer."""
    async with _dialled(address, port, protocol) as (reader, write):
        client = await accept(request)
        live = LiveSocket(client)

        async def to_guest() -> None:
            async for data in live:
                await write(data)

        async def to_client() -> None:
            async for data in reader:
                await live.send(data)

        await until_first_ends(to_guest(), to_client(), live.watch())
        await finish(request, client, live, Ending(code=aiohttp.WSCloseCode.OK))
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
        if protocol == "udp":
            loop = asyncio.get_running_loop()
            transport, datagrams = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(address, port))
            try:
                yield _each(datagrams.received.get), Writer(transport.sendto)
            finally:
                transport.close()
            return
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address, port)
    except OSError as e:
        raise StatusError(500, f"dialing VM: {address}:{port}: {e.strerror or e}") from e
    try:
        yield _chunks(reader), Writer(writer.write, writer.drain)
    finally:
        writer.close()


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
