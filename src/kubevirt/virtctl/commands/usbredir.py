"""`virtctl usbredir`: a USB device of this machine inside a guest, by way of the program usbredirect."""

from __future__ import annotations

import asyncio
import platform
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from kubevirt.virtctl.commands.vnc import OneConnection, Streams
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, StreamRefused, run
from kubevirt.virtctl.streams import join_connection
from kubevirt.virtctl.targets import Kind, Target, parse_name


@command("usbredir", help="Give a USB device of this machine to a guest (vendor:product or bus-device).")
@click.argument("words", nargs=-1, metavar="DEVICE VMI")
@click.option("--no-launch", is_flag=True, help="Start no usbredirect; print the address that one can connect to")
@click.pass_obj
def usbredir(flags: Globals, words: tuple[str, ...], no_launch: bool) -> None:
    """Join one connection of usbredirect with a USB slot of the guest."""
    if platform.machine() == "s390x":
        raise CommandError("there is no usb support on s390x, this command is disabled")
    if len(words) != (1 if no_launch else 2):
        raise CommandError("Missing argument")
    device, target = words[0], parse_name(words[-1:], Kind.VMI)
    program = None if no_launch else shutil.which("usbredirect")
    if program is None and not no_launch:
        raise CommandError(
            'Error on finding usbredirect in $PATH: exec: "usbredirect": executable file not found in $PATH'
        )

    run(flags, lambda session: _redirect(session, target, device, program), waiting_for="")


async def _redirect(session: Session, target: Target, device: str, program: str | None) -> None:
    """Join the first connection with the guest. Raises CommandError when the guest's side ends it."""
    path = session.subresource_path(target, "usbredir")
    try:
        async with session.stream(path) as socket, OneConnection.listening("127.0.0.1", 0) as turn:
            address = f"127.0.0.1:{turn.port}"
            if program is None:
                click.echo(f"User can connect usbredir client at: {address}")
                await join_connection(socket, *await turn.accept())
            else:
                async with _started(program, "--device", device, "--to", address) as redirecting:
                    await join_connection(socket, *await _connected(turn, redirecting))
            if socket.close_code is not None:
                raise CommandError("Remote connection has closed.")
    except StreamRefused as e:
        raise CommandError(f"Can't access VMI {target.name}: {e.message}") from e


@asynccontextmanager
async def _started(*command_: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program that reads the device, ended with the block."""
    try:
        process = await asyncio.create_subprocess_exec(*command_)
    except OSError as e:
        raise CommandError(f"Can't create usbredir client: {e.strerror or e}") from e
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _connected(turn: OneConnection, process: asyncio.subprocess.Process) -> Streams:
    """The program's connection. Raises CommandError when it ends without one: it has no such device, for example."""
    accepting = asyncio.ensure_future(turn.accept())
    ending = asyncio.ensure_future(process.wait())
    await asyncio.wait((accepting, ending), return_when=asyncio.FIRST_COMPLETED)
    if not accepting.done():
        accepting.cancel()
        raise CommandError(f"Can't create usbredir client: exit status {ending.result()}")
    ending.cancel()
    return accepting.result()
