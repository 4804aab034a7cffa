"""Consoles, screens and USB slots: a client's WebSocket joined with a socket of QEMU.

QEMU serves one client per socket, so there is one session for each instance and kind. A newcomer takes over: the one
before is told and closed first (VNC clients may ask not to disturb anybody instead). Every copy waits for the slower
side, so nothing piles up; pings find clients that vanished without a word. A console begins with what was last on its
screen, since its line is kept open between users (`console_lines`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from aiohttp import WSCloseCode, web

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks, until_first_ends
from kubevirt.kube.websockets import MAX_MESSAGE_BYTES, PROTOCOL, LiveSocket, close_reason
from kubevirt.machine import paths
from kubevirt.virt_handler.instances.launchers import Launcher
from kubevirt.virt_handler.server.console_lines import CHUNK_BYTES, PRIVATE_VOLUME, ConsoleLines
from kubevirt.virt_handler.server.sockets import connect

GOODBYE_S = 2.0
_REPLACED = "This connection was closed because another client connected."
_RESTARTING = "This connection was closed because virt-handler is restarting; connect again."

log = logs.get("streams")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of stream: `busy_refusal` is the answer to somebody who does not want to take over."""

    name: str
    socket: str  # path in the launcher pod, with {uid}
    is_console: bool = False
    busy_refusal: str = ""


CONSOLE = Kind(name="console", socket=paths.serial_socket("{uid}"), is_console=True)
USB = "usbredir"
USB_SLOTS = tuple(
    Kind(name=f"{USB}-{slot}", socket=paths.usb_redirection_socket("{uid}", slot))
    for slot in range(paths.USB_REDIRECTION_SLOTS)
)
VNC = Kind(name="vnc", socket=paths.vnc_socket("{uid}"), busy_refusal="Active VNC connection. Request denied.")


@dataclass(frozen=True, eq=False)
class Session:
    """One client's turn at a socket."""

    replaced: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody else wants the socket, or virt-handler ends."""
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """QEMU's socket is left."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The guest's end of a stream: what a newcomer is shown first, how to read on, and where to write."""

    greeting: bytes
    read: Callable[[], Awaitable[bytes]]
    writer: asyncio.StreamWriter


class Streams:
    """All open sessions of this node."""

    def __init__(self, tasks: Tasks) -> None:
        self._sessions: dict[tuple[str, str], Session] = {}
        self._farewell = _REPLACED
        self._consoles = ConsoleLines(tasks)

    async def serve(self, request: web.Request, launcher: Launcher, kind: Kind) -> web.StreamResponse:
        """Join the request's WebSocket with the instance's socket until either side ends."""
        place = (launcher.uid, kind.name)
        before = self._sessions.get(place)
        if before is not None and kind.busy_refusal and request.query.get("preserveSession") == "true":
            raise web.HTTPServiceUnavailable(text=kind.busy_refusal)
        session = self._sessions[place] = Session()
        try:
            if before is not None:
                before.replaced.set()
                await before.free.wait()
            return await self._join(request, launcher, kind, session)
        finally:
            session.free.set()
            if self._sessions.get(place) is session:
                del self._sessions[place]

    def is_taken(self, launcher: Launcher, kind: Kind) -> bool:
        """Whether somebody uses the socket now."""
        return (launcher.uid, kind.name) in self._sessions

    def end_all(self) -> None:
        """End every session, because virt-handler ends."""
        self._farewell = _RESTARTING
        for session in self._sessions.values():
            session.replaced.set()

    def close(self) -> None:
        """Leave the consoles that were kept open, once no session is left."""
        self._consoles.close()

    async def _join(
        self, request: web.Request, launcher: Launcher, kind: Kind, session: Session
    ) -> web.WebSocketResponse:
        client = web.WebSocketResponse(protocols=(PROTOCOL,), timeout=GOODBYE_S, max_msg_size=MAX_MESSAGE_BYTES,
                                       compress=False, autoping=False)  # fmt: skip
        async with self._channel(launcher, kind) as channel:
            await client.prepare(request)
            log.info("stream opened", vmi=launcher.key, kind=kind.name)
            live = LiveSocket(client)
            await until_first_ends(_to_client(channel, live), _to_guest(live, channel), live.watch(),
                                   _wait(session.replaced))  # fmt: skip
        session.free.set()  # before the goodbye: a client that no longer listens must not keep others waiting
        log.info("stream closed", vmi=launcher.key, kind=kind.name, replaced=session.replaced.is_set() or None,
                 vanished=live.vanished or None)  # fmt: skip
        if session.replaced.is_set():
            await _say_goodbye(client, self._farewell, as_text=kind.is_console)
        elif live.vanished and request.transport is not None:
            request.transport.abort()
        else:
            await client.close(code=WSCloseCode.OK)
        return client

    @asynccontextmanager
    async def _channel(self, launcher: Launcher, kind: Kind) -> AsyncIterator[Channel]:
        try:
            if kind.is_console:
                line = await self._consoles.take(launcher)
                channel = Channel(greeting=line.tail.shown(), read=line.read, writer=line.writer)
            else:
                way = PurePosixPath(kind.socket.format(uid=launcher.uid)).relative_to(paths.PRIVATE_DIR).parts
                reader, writer = await connect(launcher.volume(PRIVATE_VOLUME), *way)
                channel = Channel(greeting=b"", read=lambda: reader.read(CHUNK_BYTES), writer=writer)
        except OSError as e:
            log.warning("a stream could not be opened", vmi=launcher.key, kind=kind.name, cause=e.strerror or str(e))
            raise web.HTTPInternalServerError(
                text=f"the {kind.name} of the VirtualMachineInstance cannot be reached; is it running, and has it one?"
            ) from e
        try:
            yield channel
        finally:
            if kind.is_console:
                self._consoles.release(launcher, line)
            else:
                channel.writer.close()


async def _say_goodbye(client: web.WebSocketResponse, words: str, *, as_text: bool) -> None:
    """Tell the client why its session ends: in the terminal where there is one, and in the closing message."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            if as_text:
                await client.send_bytes(f"\r\n{words}\r\n".encode())
            await client.close(code=WSCloseCode.GOING_AWAY, message=close_reason(words))
    except (TimeoutError, ConnectionError):
        log.info("a client left without a goodbye")


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _to_client(channel: Channel, client: LiveSocket) -> None:
    if channel.greeting:
        await client.send(channel.greeting)
    while data := await channel.read():
        await client.send(data)


async def _to_guest(client: LiveSocket, channel: Channel) -> None:
    async for data in client:
        channel.writer.write(data)
        await channel.writer.drain()
