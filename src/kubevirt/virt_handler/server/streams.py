"""Consoles and screens: a client's WebSocket joined with a socket of QEMU.

QEMU serves one client per socket, so there is one session for each instance and kind. A newcomer takes over: the one
before is told and closed first (VNC clients may ask not to disturb anybody instead). Every copy waits for the slower
side, so nothing piles up; pings find clients that vanished without a word.
"""

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath

from aiohttp import WSCloseCode, WSMsgType, web

from kubevirt.kit import logs
from kubevirt.machine import paths
from kubevirt.virt_handler.instances.launchers import Launcher
from kubevirt.virt_handler.server.sockets import connect

PROTOCOL = "plain.kubevirt.io"
HEARTBEAT_S = 20.0
CHUNK_BYTES = 64 * 1024
_PRIVATE_VOLUME = "private"
_REPLACED = "This connection was closed because another client connected.\r\n"

log = logs.get("streams")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of stream: `busy_refusal` is the answer to somebody who does not want to take over."""

    name: str
    socket: str  # path in the launcher pod, with {uid}
    is_text: bool = False
    busy_refusal: str = ""


CONSOLE = Kind(name="console", socket=paths.serial_socket("{uid}"), is_text=True)
VNC = Kind(name="vnc", socket=paths.vnc_socket("{uid}"), busy_refusal="Active VNC connection. Request denied.")


class Streams:
    """All open sessions of this node."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], tuple[web.WebSocketResponse, asyncio.Event]] = {}

    async def serve(self, request: web.Request, launcher: Launcher, kind: Kind) -> web.StreamResponse:
        """Join the request's WebSocket with the instance's socket until either side ends."""
        session = (launcher.uid, kind.name)
        if session in self._sessions and kind.busy_refusal and request.query.get("preserveSession") == "true":
            raise web.HTTPServiceUnavailable(text=kind.busy_refusal)
        await self._end(session, kind)
        way = PurePosixPath(kind.socket.format(uid=launcher.uid)).relative_to(paths.PRIVATE_DIR).parts
        try:
            reader, writer = await connect(launcher.volume(_PRIVATE_VOLUME), *way)
        except OSError as e:
            log.warning("a stream could not be opened", vmi=launcher.key, kind=kind.name, cause=e.strerror or str(e))
            raise web.HTTPInternalServerError(
                text=f"the {kind.name} of the VirtualMachineInstance cannot be reached; is it running, and has it one?"
            ) from e
        client = web.WebSocketResponse(protocols=(PROTOCOL,), heartbeat=HEARTBEAT_S, max_msg_size=0, compress=False)
        await client.prepare(request)
        over = asyncio.Event()
        self._sessions[session] = (client, over)
        log.info("stream opened", vmi=launcher.key, kind=kind.name)
        try:
            await _join(client, reader, writer)
            await client.close(code=WSCloseCode.OK)
        finally:
            if self._sessions.get(session) == (client, over):
                del self._sessions[session]
            writer.close()
            over.set()
            log.info("stream closed", vmi=launcher.key, kind=kind.name)
        return client

    async def close_all(self) -> None:
        """End every session, because virt-handler ends."""
        for client, _ in list(self._sessions.values()):
            await client.close(code=WSCloseCode.GOING_AWAY, message=b"virt-handler is restarting")

    async def _end(self, session: tuple[str, str], kind: Kind) -> None:
        """Tell and close the session that is there, and wait until QEMU's socket is free."""
        if (present := self._sessions.get(session)) is None:
            return
        client, over = present
        if kind.is_text and not client.closed:
            await client.send_bytes(f"\r\n{_REPLACED}".encode())
        await client.close(code=WSCloseCode.POLICY_VIOLATION, message=_REPLACED.strip().encode())
        await over.wait()


async def _join(client: web.WebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy both ways until one side ends; a connection that breaks is an ordinary end."""
    copies = [asyncio.ensure_future(_to_client(reader, client)), asyncio.ensure_future(_to_guest(client, writer))]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()
        results = await asyncio.gather(*copies, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            raise result


async def _to_client(reader: asyncio.StreamReader, client: web.WebSocketResponse) -> None:
    while data := await reader.read(CHUNK_BYTES):
        await client.send_bytes(data)


async def _to_guest(client: web.WebSocketResponse, writer: asyncio.StreamWriter) -> None:
    async for message in client:
        if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
            data = message.data
            writer.write(data if isinstance(data, bytes) else data.encode())
            await writer.drain()
