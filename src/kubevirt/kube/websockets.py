"""A WebSocket that carries a byte stream: every byte in order, and a peer that vanished without a word is noticed.

Both ends ping. aiohttp's own heartbeat cannot be used for streams: it waits for the pong even while nobody reads, so a
guest that is slow to take what a user sends, or a user who is slow to read, would look like a dead connection and lose
what is on its way. Here silence counts only while this end was ready to receive and was not held up in sending.

The socket underneath must be opened with `autoping=False`, since pongs are what is listened for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from aiohttp import web

PROTOCOL = "plain.kubevirt.io"
PING_EVERY_S = 10.0
SILENT_AFTER_S = 60.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
REASON_BYTES = 123  # what a close frame holds beside the code
_ENDS = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How the peer closed: the code and its words."""

    code: int
    reason: str = ""


class LiveSocket:
    """One end of a stream. Read it by `async for`, write with `send`, and run `watch` beside both."""

    def __init__(
        self, socket: Socket, *, ping_every_s: float = PING_EVERY_S, silent_after_s: float = SILENT_AFTER_S
    ) -> None:
        self._socket = socket
        self._ping_every_s = ping_every_s
        self._silent_after_s = silent_after_s
        self._now = asyncio.get_running_loop().time
        self._heard = self._now()
        self._listening = False
        self._sending = 0
        self.ending: Ending | None = None
        """Set when the peer has closed."""
        self.vanished = False
        """The peer no longer answered."""

    async def send(self, data: bytes) -> None:
        """Send, waiting while the peer is slower. Raises ConnectionError when it is gone."""
        self._sending += 1
        try:
            await self._socket.send_bytes(data)
        finally:
            self._sending -= 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What the peer sends, until it closes. Text is taken as bytes too."""
        while True:
            self._listening, self._heard = True, self._now()
            try:
                message = await self._next()
            finally:
                self._listening = False
            if message.type in _ENDS:
                self.ending = _ending(message, self._socket)
                return
            yield message.data if isinstance(message.data, bytes) else str(message.data).encode()

    async def _next(self) -> aiohttp.WSMessage:
        while True:
            message = await self._socket.receive()
            self._heard = self._now()
            if message.type is aiohttp.WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                return message

    async def watch(self) -> None:
        """Ping until the peer has been silent for too long; then this returns, and `vanished` is set.

        A ping is also this end's own sign of life, so it is sent while nobody listens here. While the peer is slow to
        take what is sent, a ping would only wait behind it, and its silence says nothing.
        """
        held_up_until = self._now()
        while True:
            await asyncio.sleep(self._ping_every_s)
            if self._sending or not self._listening:
                held_up_until = self._now()
            elif self._now() - max(self._heard, held_up_until) > self._silent_after_s:
                self.vanished = True
                return
            if not self._sending:
                await self._socket.ping()


def _ending(message: aiohttp.WSMessage, socket: Socket) -> Ending:
    if message.type is aiohttp.WSMsgType.CLOSE:
        return Ending(code=int(message.data or aiohttp.WSCloseCode.OK), reason=str(message.extra or ""))
    return Ending(code=socket.close_code or aiohttp.WSCloseCode.ABNORMAL_CLOSURE)


async def copy(source: LiveSocket, target: LiveSocket) -> None:
    """Everything from one stream into another, at the pace of the slower."""
    async for data in source:
        await target.send(data)


def close_reason(words: str) -> bytes:
    """The words as they fit into a close frame."""
    return words.encode()[:REASON_BYTES].decode(errors="ignore").encode()
