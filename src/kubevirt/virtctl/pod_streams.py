"""Streams of plain pods over WebSockets, as the kubelet serves them: a terminal attached, a port forwarded.

Kubernetes' own protocol: every message begins with the number of its channel. Guests have streams of another kind
(`streams`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks, until_first_ends
from kubevirt.kube.errors import ApiError
from kubevirt.kube.websockets import LiveSocket
from kubevirt.virtctl.session import Session
from kubevirt.virtctl.terminal import show, typed

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CHUNK = 32 * 1024


async def attach(session: Session, pod: str, container: str, descriptor: int, escape: int) -> None:
    """Join this terminal with a container's until the container ends, or the first byte of something typed is
    `escape`."""
    path = f"/api/v1/namespaces/{session.namespace}/pods/{pod}/attach"
    query = [("container", container), ("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("tty", "true")]
    async with session.client.websocket(path, protocols=(PROTOCOL,), query=query) as socket:
        live = LiveSocket(socket)
        await until_first_ends(_typed_to(live, descriptor, escape), _shown_from(live), live.watch())


async def resize(live: LiveSocket, columns: int, rows: int) -> None:
    """Tell the container how large the terminal is."""
    size: JsonObject = {"Width": columns, "Height": rows}
    await live.send(bytes([RESIZE]) + msgspec.json.encode(size))


async def _typed_to(live: LiveSocket, descriptor: int, escape: int) -> None:
    import os

    if os.isatty(descriptor):
        size = os.get_terminal_size(descriptor)
        await resize(live, size.columns, size.lines)
    async for data in typed(descriptor):
        if data[0] == escape:
            return
        await live.send(bytes([STDIN]) + data)


async def _shown_from(live: LiveSocket) -> None:
    async for data in live:
        if data[:1] and data[0] in (STDOUT, STDERR):
            show(data[1:])
        elif data[:1] and data[0] == ERROR:
            return


@asynccontextmanager
async def forwarded(session: Session, pod: str, port: int, local_port: int) -> AsyncIterator[int]:
    """A port of a pod as a port of this machine, which is given; each connection has a stream of its own."""
    async with Tasks() as tasks:

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.spawn(_forward(session, pod, port, reader, writer), name=f"connection to port {port} of {pod}")

        server = await asyncio.start_server(accept, "127.0.0.1", local_port)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()


async def _forward(
    session: Session, pod: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    path = f"/api/v1/namespaces/{session.namespace}/pods/{pod}/portforward"
    try:
        async with session.client.websocket(path, protocols=(PROTOCOL,), query=[("ports", str(port))]) as socket:
            live = LiveSocket(socket)
            await until_first_ends(_to_pod(reader, live), _from_pod(live, writer), live.watch())
    except ApiError:
        pass  # whoever connected sees the connection end, and says so with what it was for
    finally:
        writer.close()


async def _to_pod(reader: asyncio.StreamReader, live: LiveSocket) -> None:
    while data := await reader.read(CHUNK):
        await live.send(b"\0" + data)


async def _from_pod(live: LiveSocket, writer: asyncio.StreamWriter) -> None:
    """Channel 0 is data, channel 1 errors; the first message of each holds only the port's number."""
    begun: set[int] = set()
    async for message in live:
        if not message:
            continue
        channel, data = message[0], message[1:]
        if channel not in begun:
            begun.add(channel)
            data = data[2:]
        if channel == 1 and data:
            return
        if data:
            writer.write(data)
            await writer.drain()
