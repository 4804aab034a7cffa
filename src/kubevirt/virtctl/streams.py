"""Joining a WebSocket of the cluster with something local: a TCP connection, or standard input and output.

Every copy waits for the slower side. Either side's end ends both.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from kubevirt.kit.tasks import until_first_ends
from kubevirt.virtctl.terminal import show, typed

PROTOCOL = "plain.kubevirt.io"
CHUNK = 64 * 1024

Socket = aiohttp.ClientWebSocketResponse


async def join_connection(socket: Socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy between a connection and the cluster until one of them has ended; the connection is closed then."""
    try:
        await until_first_ends(_from_connection(reader, socket), _to_connection(socket, writer))
    finally:
        writer.close()


async def join_standard_streams(socket: Socket) -> None:
    """Copy between standard input and output and the cluster until one of them has ended."""
    await until_first_ends(_from_standard_input(socket), _to_standard_output(socket))


async def _from_connection(reader: asyncio.StreamReader, socket: Socket) -> None:
    while data := await reader.read(CHUNK):
        await socket.send_bytes(data)


async def _to_connection(socket: Socket, writer: asyncio.StreamWriter) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            writer.write(message.data)
            await writer.drain()


async def _from_standard_input(socket: Socket) -> None:
    async for data in typed(sys.stdin.fileno(), at_most=CHUNK):
        await socket.send_bytes(data)


async def _to_standard_output(socket: Socket) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            show(message.data)
