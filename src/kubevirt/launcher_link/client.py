"""virt-handler's end of a launcher link.

    async with LauncherLink.connect(path, on_event=tell) as link:
        report = await link.sync(request)

The path lies in a volume that the guest's pod can write to, so it is not trusted: the last component is opened without
following symbolic links and must be a socket, and the connection is made through that open file. (This also lifts the
limit of 107 bytes on socket addresses, which kubelet paths exceed.)
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from kubevirt.api import codec
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import (
    MAX_LINE_BYTES,
    VERSION,
    DomainEvent,
    Event,
    EventKind,
    FreezeRequest,
    GuestEvent,
    Hello,
    Nothing,
    Reply,
    Request,
    Screenshot,
    ScreenshotRequest,
    Verb,
)
from kubevirt.launcher_link.streams import next_message
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.launcher_link.wire import LinkError, LinkGarbled, LinkUnavailable, decode_body, encode_body, to_line
from kubevirt.machine.domain_report import AgentReport, DomainReport
from kubevirt.machine.domain_stats import DomainStats

LauncherEvent = DomainEvent | GuestEvent

CONNECT_TIMEOUT_S = 5.0
SHORT_TIMEOUT_S = 5.0
TIMEOUT_S = 20.0
SYNC_TIMEOUT_S = 120.0
"""A first sync prepares disks and starts the machine; on a crowded node this takes its time."""

FREEZE_TIMEOUT_S = 60.0
"""A guest first writes out what it holds in memory."""

NOTHING = msgspec.Raw(b"{}")

_Answer = TypeVar("_Answer", bound=msgspec.Struct)


class LauncherLink:
    """One open link. Made by `connect`; every call raises LinkUnavailable once it is closed."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, peer: Hello, peer_pid: int
    ) -> None:
        self.peer = peer
        self.peer_pid = peer_pid
        """Process id of the launcher as this process sees it (0 when it is in a pid namespace out of sight)."""
        self.closed: asyncio.Future[LinkUnavailable] = asyncio.get_running_loop().create_future()
        """Done, with the reason, once the link is of no more use."""
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._last_id = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, path: Path, *, on_event: Callable[[LauncherEvent], None], software: str = ""
    ) -> AsyncIterator["LauncherLink"]:
        """Dial the launcher and shake hands; `on_event` is called on the loop for every event, in order."""
        sock = await _dial(path)
        reader, writer = await asyncio.open_unix_connection(sock=sock, limit=MAX_LINE_BYTES)
        try:
            writer.write(to_line(Hello(versions=[VERSION], software=software)))
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    hello = await next_message(reader)
            except TimeoutError as error:
                raise _unavailable(path, "the launcher accepted the connection but stays silent") from error
            if not isinstance(hello, Hello):
                raise _unavailable(path, "the launcher closed the connection without a greeting")
            if VERSION not in hello.versions:
                raise LinkGarbled(
                    cause=f"the launcher speaks link versions {hello.versions}, this virt-handler version {VERSION}",
                    remedy="restart or migrate the VirtualMachineInstance so that it gets a current launcher",
                )
            link = cls(reader, writer, peer=hello, peer_pid=_peer_pid(sock))
            receiving = asyncio.create_task(link._receive(on_event), name=f"launcher-link {path}")
            try:
                yield link
            finally:
                receiving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await receiving
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def sync(self, request: SyncRequest, *, timeout_s: float = SYNC_TIMEOUT_S) -> DomainReport:
        """Start the machine, or bring the running one in line. Raises LinkError with the launcher's own words."""
        return await self._ask(Verb.SYNC, msgspec.Raw(codec.encode(request)), DomainReport, timeout_s)

    async def get_domain(self) -> DomainReport:
        return await self._ask(Verb.GET_DOMAIN, NOTHING, DomainReport, SHORT_TIMEOUT_S)

    async def ping(self) -> None:
        await self._command(Verb.PING, SHORT_TIMEOUT_S)

    async def pause(self) -> None:
        await self._command(Verb.PAUSE)

    async def unpause(self) -> None:
        await self._command(Verb.UNPAUSE)

    async def soft_reboot(self) -> None:
        await self._command(Verb.SOFT_REBOOT)

    async def reset(self) -> None:
        await self._command(Verb.RESET)

    async def shutdown(self) -> None:
        """Press the power button. The guest may take its time or ignore it; see the events."""
        await self._command(Verb.SHUTDOWN)

    async def kill(self) -> None:
        await self._command(Verb.KILL)

    async def delete(self) -> None:
        """Forget the domain (no longer running) and let the launcher end."""
        await self._command(Verb.DELETE)

    async def acknowledge_final(self) -> None:
        """Say that the final report was read, so that the launcher need not wait longer."""
        await self._command(Verb.ACKNOWLEDGE_FINAL, SHORT_TIMEOUT_S)

    async def guest_info(self) -> AgentReport:
        """Everything the guest's agent tells, asked for now."""
        return await self._ask(Verb.GUEST_INFO, NOTHING, AgentReport, TIMEOUT_S)

    async def freeze(self, request: FreezeRequest) -> None:
        """Hold the guest's file systems still."""
        await self._ask(Verb.FREEZE, encode_body(request), Nothing, FREEZE_TIMEOUT_S)

    async def unfreeze(self) -> None:
        await self._command(Verb.UNFREEZE, FREEZE_TIMEOUT_S)

    async def screenshot(self, request: ScreenshotRequest) -> Screenshot:
        return await self._ask(Verb.SCREENSHOT, encode_body(request), Screenshot, TIMEOUT_S)

    async def stats(self, *, timeout_s: float = SHORT_TIMEOUT_S) -> DomainStats:
        """What the guest has used so far."""
        return await self._ask(Verb.STATS, NOTHING, DomainStats, timeout_s)

    async def _command(self, verb: Verb, timeout_s: float = TIMEOUT_S) -> None:
        await self._ask(verb, NOTHING, Nothing, timeout_s)

    async def _ask(self, verb: Verb, body: msgspec.Raw, answer: type[_Answer], timeout_s: float) -> _Answer:
        if self.closed.done():
            raise self.closed.result()
        self._last_id += 1
        number = self._last_id
        waiting: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(to_line(Request(id=number, verb=verb.value, body=body)))
                await self._writer.drain()
                raw = await waiting
        except TimeoutError as error:
            raise LinkUnavailable(
                cause=f"the launcher gave no answer to '{verb.value}' within {timeout_s:g} s",
                remedy="look at the log of the launcher pod's container 'compute'",
            ) from error
        except OSError as error:
            raise LinkUnavailable(cause=f"the link to the launcher broke while asking '{verb.value}'") from error
        finally:
            del self._waiting[number]
        return decode_body(answer, raw)

    async def _receive(self, on_event: Callable[[LauncherEvent], None]) -> None:
        end = LinkUnavailable(cause="this side closed the link to the launcher")
        try:
            while (message := await next_message(self._reader)) is not None:
                if isinstance(message, Reply):
                    self._settle(message)
                elif isinstance(message, Event):
                    event = _event(message)
                    if event is not None:
                        on_event(event)
            end = LinkUnavailable(cause="the launcher closed the link")
        except Problem as problem:
            end = LinkUnavailable(cause=f"the link to the launcher is of no more use: {problem.cause}")
        except OSError as error:
            end = LinkUnavailable(cause=f"the link to the launcher broke: {error.strerror}")
        finally:
            self._close(end)

    def _settle(self, reply: Reply) -> None:
        waiting = self._waiting.get(reply.id)
        if waiting is None or waiting.done():
            return
        if reply.error is not None:
            error = reply.error
            waiting.set_exception(LinkError(cause=error.cause, field=error.field, remedy=error.remedy))
        else:
            waiting.set_result(reply.body)

    def _close(self, end: LinkUnavailable) -> None:
        if not self.closed.done():
            self.closed.set_result(end)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(end)
        self._writer.close()


def _event(message: Event) -> LauncherEvent | None:
    """The event, None for a kind that only newer launchers send."""
    if message.kind == EventKind.DOMAIN:
        return decode_body(DomainEvent, message.body)
    if message.kind == EventKind.GUEST:
        return decode_body(GuestEvent, message.body)
    return None


async def _dial(path: Path) -> socket.socket:
    try:
        file = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unavailable(path, f"the launcher's socket cannot be opened ({error.strerror})") from error
    try:
        if not stat.S_ISSOCK(os.fstat(file).st_mode):
            raise _unavailable(path, "this is not a socket")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(sock, f"/proc/self/fd/{file}")
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError | TimeoutError):
                raise _unavailable(path, "nobody answers at the launcher's socket") from error
            raise
        return sock
    finally:
        os.close(file)


def _peer_pid(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _uid, _gid = struct.unpack("3i", credentials)
    return int(pid)


def _unavailable(path: Path, cause: str) -> LinkUnavailable:
    return LinkUnavailable(cause=f"{path}: {cause}", remedy="look at the log of the launcher pod's container 'compute'")
