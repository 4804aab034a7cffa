"""The launcher's end of the link: answers verbs, tells events.

Any number of links may be open (a restarted virt-handler dials anew while the old link still dies). A link that does
not read what it is told is cut, so that a stuck reader costs neither memory nor the guest; it will dial again and gets
the current state with its first event.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import attempt
from kubevirt.launcher_link.messages import (
    MAX_LINE_BYTES,
    VERSION,
    DomainEvent,
    Event,
    EventKind,
    Failure,
    GuestEvent,
    Hello,
    Reply,
    Request,
)
from kubevirt.launcher_link.streams import next_message
from kubevirt.launcher_link.wire import LinkGarbled, encode_body, to_line

log = logs.get(__name__)

MAX_UNREAD_BYTES = MAX_LINE_BYTES
"""One answer may be large (a picture of the screen); who has left more than one unread does not read."""
UNFORESEEN = Failure(
    cause="the launcher failed in a way nobody foresaw",
    remedy="see the log of the launcher pod's container 'compute', and report it",
)

Answer = Callable[[bytes], Awaitable[msgspec.Struct]]
"""Does what a verb asks for; gets the undecoded body, returns the body of the reply, raises Problem to refuse."""


class LinkServer:
    """Serves one Unix socket. `events` of the past are not kept: a new link is told `current()` first."""

    def __init__(
        self, answers: Mapping[str, Answer], *, current: Callable[[], DomainEvent], software: str = ""
    ) -> None:
        self._answers = answers
        self._current = current
        self._software = software
        self._writers: set[asyncio.StreamWriter] = set()
        self._running: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        """Listen at `path` (an older socket there is replaced) until left; then all links are closed."""
        path.unlink(missing_ok=True)
        starting = path.with_name(path.name + ".new")
        starting.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, starting, limit=MAX_LINE_BYTES)
        starting.chmod(0o600)
        starting.rename(path)  # whoever sees the socket can already connect
        try:
            yield
        finally:
            server.close()
            for task in list(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            path.unlink(missing_ok=True)

    @property
    def has_links(self) -> bool:
        return bool(self._writers)

    def tell(self, event: DomainEvent | GuestEvent) -> None:
        """Send an event to every open link."""
        line = _event_line(event)
        for writer in list(self._writers):
            self._send(writer, line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task of its own
        self._running.add(task)
        try:
            self._send(writer, to_line(Hello(versions=[VERSION], verbs=sorted(self._answers), software=self._software)))
            self._send(writer, _event_line(self._current()))
            self._writers.add(writer)
            async with asyncio.TaskGroup() as requests:
                while (message := await next_message(reader)) is not None:
                    if isinstance(message, Request):
                        requests.create_task(self._reply(writer, message))
        except* LinkGarbled as garbled:
            log.warning("link closed because of what it sent", cause=str(garbled.exceptions[0]))
        except* OSError:
            log.info("link broke")
        finally:
            self._writers.discard(writer)
            self._running.discard(task)
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, request: Request) -> None:
        answer = self._answers.get(request.verb, _unknown(request.verb))
        result = await attempt(answer(bytes(request.body)))
        if isinstance(result, Problem):
            failure = Failure(cause=result.cause, field=result.field, remedy=result.remedy)
            reply = Reply(id=request.id, error=failure)
        elif isinstance(result, Exception):
            log.error("a request failed for a reason nobody foresaw", result, verb=request.verb)
            reply = Reply(id=request.id, error=UNFORESEEN)
        else:
            reply = Reply(id=request.id, body=encode_body(result))
        self._send(writer, to_line(reply))

    def _send(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        if writer.is_closing():
            return
        writer.write(line)
        if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("link cut because its reader does not read")
            writer.transport.abort()


def _unknown(verb: str) -> Answer:
    async def refuse(_body: bytes) -> msgspec.Struct:
        raise Problem(
            cause=f"this launcher does not know the verb '{verb}'",
            remedy="restart or migrate the VirtualMachineInstance so that it gets a current launcher",
        )

    return refuse


def _event_line(event: DomainEvent | GuestEvent) -> bytes:
    kind = EventKind.DOMAIN if isinstance(event, DomainEvent) else EventKind.GUEST
    return to_line(Event(kind=kind.value, body=encode_body(event)))
