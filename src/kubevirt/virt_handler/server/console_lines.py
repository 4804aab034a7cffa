"""The lines to guests' serial consoles: each is kept open from its first user on, with the last screenful remembered.

QEMU serves one reader and forgets what nobody read, so a user who comes back would face an empty screen. Here a line
that nobody uses is read on, into a tail of a few KiB, and the next user is shown the tail first. The very first user is
shown the end of the guest's serial log, where there is one. Nothing of this holds a guest up: an unused line is always
read at once. Memory of a line: `TAIL_BYTES` and one socket.
"""

import asyncio
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kubevirt.kit import logs
from kubevirt.kit.tasks import Tasks
from kubevirt.machine import paths
from kubevirt.virt_handler.instances.launchers import Launcher
from kubevirt.virt_handler.server.sockets import connect, open_beneath

CHUNK_BYTES = 64 * 1024
TAIL_BYTES = 8 * 1024
PRIVATE_VOLUME = "private"
# What a terminal answers by typing: shown again, it would type into the guest. Device status and attributes, enquiry,
# questions about colours and the clipboard, and whole device control strings.
_QUESTIONS = re.compile(
    rb"\x1b\[[?>=]?[0-9;]*[cn]|\x1bZ|\x05|\x1b\][^\x07\x1b]*\?[^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
)

log = logs.get("consoles")


class Tail:
    """The last bytes of a stream, at most `limit`."""

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._cut = False

    def add(self, data: bytes) -> None:
        """Remember more."""
        self._kept += data[-self._limit :]
        if (surplus := len(self._kept) - self._limit) > 0:
            del self._kept[:surplus]
            self._cut = True

    def shown(self) -> bytes:
        """What a terminal may be given: from the beginning of a line, and nothing that it would answer."""
        kept = bytes(self._kept)
        if self._cut and (newline := kept.find(b"\n")) >= 0:
            kept = kept[newline + 1 :]
        return _QUESTIONS.sub(b"", kept)


@dataclass(eq=False)
class Line:
    """An open console. Whoever uses it reads by `read`, and nobody else does meanwhile."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    tail: Tail = field(default_factory=Tail)
    idle: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        """More of what the guest writes, empty at its end."""
        data = await self.reader.read(CHUNK_BYTES)
        self.tail.add(data)
        return data


class ConsoleLines:
    """All console lines of this node, by the uid of their instance."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._lines: dict[str, Line] = {}

    async def take(self, launcher: Launcher) -> Line:
        """The instance's line, for the caller alone until `release`. Raises OSError when there is no console."""
        line = self._lines.get(launcher.uid)
        if line is not None and line.idle is not None:
            line.idle.cancel()
            await asyncio.wait((line.idle,))
            line.idle = None
        if line is None or line.reader.at_eof() or line.writer.is_closing():
            line = self._lines[launcher.uid] = await _opened(launcher)
        return line

    def release(self, launcher: Launcher, line: Line) -> None:
        """Nobody uses the line now: it is read on for the next one, or closed when the guest has ended."""
        if line.reader.at_eof() or line.writer.is_closing():
            self._drop(launcher.uid, line)
        else:
            line.idle = self._tasks.spawn(self._read_on(launcher.uid, line), name=f"console of {launcher.key}")

    def close(self) -> None:
        """Leave all consoles, because virt-handler ends."""
        for uid, line in list(self._lines.items()):
            self._drop(uid, line)

    async def _read_on(self, uid: str, line: Line) -> None:
        try:
            while await line.read():
                pass
        except ConnectionError:
            log.info("a console broke while nobody used it", uid=uid)
        self._drop(uid, line)

    def _drop(self, uid: str, line: Line) -> None:
        line.writer.close()
        if self._lines.get(uid) is line:
            del self._lines[uid]


async def _opened(launcher: Launcher) -> Line:
    volume = launcher.volume(PRIVATE_VOLUME)
    before = _end_of_log(volume, launcher.uid)
    line = Line(*await connect(volume, *_below(paths.serial_socket(launcher.uid))))
    line.tail.add(before)
    return line


def _below(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).relative_to(paths.PRIVATE_DIR).parts


def _end_of_log(volume: Path, uid: str) -> bytes:
    """The end of what the guest wrote so far; nothing where it is not logged. The volume is not trusted."""
    try:
        file = open_beneath(volume, _below(paths.serial_log(uid)), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return b""
        return os.pread(file, TAIL_BYTES, max(status.st_size - TAIL_BYTES, 0))
    finally:
        os.close(file)
