"""`virtctl usbredir`: a USB device of this machine inside a guest, by way of the program usbredirect."""

from __future__ import annotations

import asyncio
import shutil

import click

from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.commands.vnc import OneConnection
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.streams import PROTOCOL, join_connection
from kubevirt.virtctl.targets import Kind, parse_name


@command("usbredir", help="Give a USB device of this machine to a guest (vendor:product or bus-device).")
@click.argument("words", nargs=-1, metavar="DEVICE VMI")
@click.option("--no-launch", is_flag=True, help="Start no usbredirect; print the address that one can connect to")
@click.pass_obj
def usbredir(flags: Globals, words: tuple[str, ...], no_launch: bool) -> None:
    """Join one connection of usbredirect with a USB slot of the guest."""
    if len(words) != (1 if no_launch else 2):
        raise CommandError("Missing argument")
    device, target = words[0], parse_name(words[-1:], Kind.VMI)
    program = None if no_launch else shutil.which("usbredirect")
    if program is None and not no_launch:
        raise CommandError(
            'Error on finding usbredirect in $PATH: exec: "usbredirect": executable file not found in $PATH'
        )

    async def redirect(session: Session) -> None:
        path = session.subresource_path(target, "usbredir")
        try:
            async with session.client.websocket(path, protocols=(PROTOCOL,)) as socket:
                turn = OneConnection()
                await turn.listen("127.0.0.1", 0)
                address = f"127.0.0.1:{turn.port}"
                if program is None:
                    click.echo(f"User can connect usbredir client at: {address}")
                else:
                    await asyncio.create_subprocess_exec(program, "--device", device, "--to", address)
                reader, writer = await turn.accept()
                await join_connection(socket, reader, writer)
        except ApiError as e:
            raise CommandError(f"Can't access VMI {target.name}: {e.message}") from e
        raise CommandError("Remote connection has closed.")

    run(flags, redirect, waiting_for="")
