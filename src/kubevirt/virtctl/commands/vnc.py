"""`virtctl vnc`: the guest's screen in a viewer of this machine, on a port for any viewer, or as a picture."""

from __future__ import annotations

import asyncio
import glob
import shutil
import socket as sockets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from kubevirt.virtctl import log
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import CommandWithGlobals, Globals, command
from kubevirt.virtctl.session import Session, StreamRefused, run
from kubevirt.virtctl.streams import Socket, closed_text, join_connection
from kubevirt.virtctl.targets import Kind, Target, parse_name
from kubevirt.virtctl.viewers import viewer_command

VIEWER_CONNECTS_WITHIN_S = 60.0
TALKATIVE = 4  # the verbosity at which viewers are asked to say what they do


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class VncCommand(CommandWithGlobals):
    """`vnc VMI`, or `vnc screenshot VMI`: a command that has one of its own below it."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        if args[:1] == ["screenshot"]:
            return screenshot.make_context(f"{info_name} screenshot", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    "vnc", cls=VncCommand, help="Show the guest's screen in a VNC viewer. `vnc screenshot` saves a picture of it."
)
@click.argument("names", nargs=-1, metavar="(VMI)")
@click.option("--address", default="127.0.0.1", help="Address to listen on, with --proxy-only")
@click.option("--port", type=int, default=0, help="Port to listen on; 0 takes any free one")
@click.option("--proxy-only", is_flag=True, help="Start no viewer; print the port that one can connect to")
@click.option("--preserve-session", is_flag=True, help="Do not take the screen away from somebody who looks at it")
@click.option("--vnc-type", default="", help="Viewer to use: tiger, remote-viewer, chicken or real")
@click.option("--vnc-path", default="", metavar="PATH", help="The viewer's program, together with --vnc-type")
@click.pass_obj
def vnc(flags: Globals, names: tuple[str, ...], address: str, port: int, proxy_only: bool, preserve_session: bool,
        vnc_type: str, vnc_path: str) -> None:
    """Join one connection of a viewer with the guest's screen."""
    target = parse_name(names, Kind.VMI)
    if not proxy_only and address != "127.0.0.1":
        log.line("--proxy-only is set to false, listening on 127.0.0.1")
        address = "127.0.0.1"

    async def show(session: Session) -> None:
        query = [("preserveSession", "true" if preserve_session else "false")]
        path = session.subresource_path(target, "vnc")
        try:
            async with session.stream(path, query=query) as socket, OneConnection.listening(address, port) as turn:
                if proxy_only:
                    click.echo(f'{{"port":{turn.port}}}')
                    await _serve(session, target, socket, turn, None)
                else:
                    await _with_viewer(session, target, socket, turn, vnc_type, vnc_path, flags.v)
        except StreamRefused as e:
            raise CommandError(f"can't access VMI {target.name}: {e.message}") from e

    run(flags, show, waiting_for="")


class OneConnection:
    """A listener for a single connection: the port closes when it has come. Made by `listening`."""

    def __init__(self) -> None:
        self._accepted: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def listening(cls, address: str, port: int) -> AsyncIterator[OneConnection]:
        """Listen for the time of the block. Raises CommandError when the address cannot be listened on."""
        turn = cls()
        await turn._listen(address, port)
        try:
            yield turn
        finally:
            turn._close()

    async def _listen(self, address: str, port: int) -> None:
        try:
            self._server = await asyncio.start_server(self._accept, address, port)
        except sockets.gaierror as e:
            raise CommandError(f"can't resolve the address: {address}: {e.strerror}") from e
        except OSError as e:
            raise CommandError(f"can't listen on unix socket: {e.strerror or e}") from e
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def accept(self) -> Streams:
        """Wait for the connection."""
        found = await asyncio.shield(self._accepted)
        self._server.close()
        return found

    def _close(self) -> None:
        self._server.close()
        if self._accepted.done():
            self._accepted.result()[1].close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._accepted.done():
            writer.close()
        else:
            self._accepted.set_result((reader, writer))


async def _serve(
    session: Session, target: Target, socket: Socket, turn: OneConnection, timeout_s: float | None
) -> None:
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await turn.accept()
    except TimeoutError as e:
        raise CommandError(f"error encountered: no viewer has connected within {timeout_s:.0f} s") from e
    log.line(f"VNC Client connected in {time.monotonic() - started:.3f}s")
    await _warn_if_paused(session, target)
    ending = await join_connection(socket, reader, writer)
    if ending is not None:
        raise CommandError(f"error encountered: {closed_text(ending)}")


async def _with_viewer(
    session: Session, target: Target, socket: Socket, turn: OneConnection, vnc_type: str, vnc_path: str,
    verbosity: int,
) -> None:
    try:
        arguments = viewer_command(
            turn.port, sys.platform, vnc_type=vnc_type, vnc_path=vnc_path, which=shutil.which, glob=glob.glob,
            talkative=verbosity >= TALKATIVE,
        )
    except CommandError as e:
        raise CommandError(f"error encountered: {e.message}") from e
    log.line("connection timeout: 1m0s")
    viewer = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    serving = asyncio.create_task(_serve(session, target, socket, turn, VIEWER_CONNECTS_WITHIN_S), name="screen")
    watching = asyncio.create_task(viewer.communicate(), name="viewer")
    try:
        await asyncio.wait((serving, watching), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if viewer.returncode is None and serving.done():
            viewer.terminate()
        ended_by_itself = serving.done()
        serving.cancel()
        output, _ = await watching
        await asyncio.wait((serving,))
    if ended_by_itself:
        serving.result()
    if viewer.returncode and viewer.returncode > 0:
        shown = output.decode(errors="replace").strip()
        log.line(f"{arguments[0]} execution failed: exit status {viewer.returncode}, output: {shown}", level="error")


async def _warn_if_paused(session: Session, target: Target) -> None:
    status = (await session.get(target)).get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    if isinstance(conditions, list) and any(isinstance(c, dict) and c.get("type") == "Paused" for c in conditions):
        click.echo(f"\rWarning: {target.name} is paused. Console will be active after unpause.", err=True)


@command("screenshot", help="Save a picture of the guest's screen (PNG).")
@click.argument("names", nargs=-1, metavar="(VMI)")
@click.option("-f", "--file", required=True, metavar="PATH", help="Where to save it; - is standard output")
@click.option("-m", "--move-cursor", is_flag=True, help="Touch the guest first, so that a screen saver ends")
@click.pass_obj
def screenshot(flags: Globals, names: tuple[str, ...], file: str, move_cursor: bool) -> None:
    """GET the picture and write it."""
    target = parse_name(names, Kind.VMI)

    async def fetch(session: Session) -> bytes:
        path = session.subresource_path(target, "vnc/screenshot")
        with session.explaining(f"Can't access VMI {target.name}: {{}}"):
            return await session.client.raw(
                "GET", path, query=[("moveCursor", "true" if move_cursor else "false")]
            )

    picture = run(flags, fetch)
    if file == "-":
        sys.stdout.buffer.write(picture)
        return
    try:
        Path(file).write_bytes(picture)
    except OSError as e:
        raise CommandError(f"Can't write image to a file: {e}") from e
