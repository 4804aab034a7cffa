"""Joining a WebSocket of the cluster with something local: a TCP connection, or standard input and output.

Every copy waits for the slower side. Either side's end ends both; how the cluster ended it is worth a line.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from kubevirt.kit.tasks import until_first_ends
from kubevirt.kube.websockets import PROTOCOL, Ending, LiveSocket
from kubevirt.virtctl.terminal import show, typed

__all__ = ["PROTOCOL", "Socket", "closed_text", "join_connection", "join_standard_streams"]

CHUNK = 64 * 1024
CLOSE_NAMES = {
    1000: "normal",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status",
    1006: "abnormal closure",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension missing",
    1011: "internal server error",
    1015: "TLS handshake error",
}

Socket = aiohttp.ClientWebSocketResponse


async def join_connection(socket: Socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Ending | None:
    """Copy between a connection and the cluster until one of them has ended; the connection is closed then.

    How the cluster ended it, when that was not the ordinary way.
    """
    live = LiveSocket(socket)
    try:
        await until_first_ends(_from_connection(reader, live), _to_connection(live, writer), live.watch())
    finally:
        writer.close()
    return odd_ending(live)


async def join_standard_streams(socket: Socket) -> Ending | None:
    """Copy between standard input and output and the cluster until one of them has ended."""
    live = LiveSocket(socket)
    await until_first_ends(_from_standard_input(live), _to_standard_output(live), live.watch())
    return odd_ending(live)


def odd_ending(live: LiveSocket) -> Ending | None:
    """The end of the stream when it was neither ours nor an ordinary one of the cluster."""
    if live.vanished:
        return Ending(code=aiohttp.WSCloseCode.ABNORMAL_CLOSURE, reason="unexpected EOF")
    if live.ending is None or live.ending.code == aiohttp.WSCloseCode.OK:
        return None
    if live.ending.code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
        return Ending(code=live.ending.code, reason="unexpected EOF")
    return live.ending


def closed_text(ending: Ending) -> str:
    """An ending in the established words."""
    name = CLOSE_NAMES.get(ending.code)
    text = f"websocket: close {ending.code}" + (f" ({name})" if name else "")
    return f"{text}: {ending.reason}" if ending.reason else text


async def _from_connection(reader: asyncio.StreamReader, live: LiveSocket) -> None:
    while data := await reader.read(CHUNK):
        await live.send(data)


async def _to_connection(live: LiveSocket, writer: asyncio.StreamWriter) -> None:
    async for data in live:
        writer.write(data)
        await writer.drain()


async def _from_standard_input(live: LiveSocket) -> None:
    async for data in typed(sys.stdin.fileno(), at_most=CHUNK):
        await live.send(data)


async def _to_standard_output(live: LiveSocket) -> None:
    async for data in live:
        show(data)
