"""`virtctl console`: the guest's serial console on the user's terminal."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import aiohttp
import click

from kubevirt.kit.tasks import until_first_ends
from kubevirt.kube.websockets import LiveSocket
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.progress import Progress, progress
from kubevirt.virtctl.session import Session, StreamRefused, run
from kubevirt.virtctl.streams import closed_text, odd_ending
from kubevirt.virtctl.targets import Kind, Target, parse_target
from kubevirt.virtctl.terminal import raw_terminal, show, typed

ESCAPE = 29  # Ctrl+] and Ctrl+5 both type this byte
RETRY_S = 1.0
MINUTE_S = 60.0
DISCONNECTED = (
    "\nYou were disconnected from the console. This could be caused by one of the following:"
    "\n - the target VM was powered off"
    "\n - another user connected to the console of the target VM"
    "\n - network issues"
)


@command("console", help="Connect to the serial console of a virtual machine instance.")
@click.argument("names", nargs=-1, metavar="(VMI)")
@click.option("--timeout", type=int, default=5, metavar="MINUTES", help="How long to wait for the instance to run")
@click.pass_obj
def console(flags: Globals, names: tuple[str, ...], timeout: int) -> None:
    """Join terminal and serial console until either side ends it."""
    target = parse_target(names, default=Kind.VMI)
    instance = Target(kind=Kind.VMI, name=target.name, namespace=target.namespace)
    run(flags, lambda session: _attach(session, instance, timeout * MINUTE_S), waiting_for="")


async def _attach(session: Session, target: Target, timeout_s: float) -> None:
    async with AsyncExitStack() as stack:
        async with progress(f"waiting for {target.name} to run") as shown:
            socket = await _connected(session, target, timeout_s, stack, shown)
        click.echo(
            f"Successfully connected to {target.name} console. Press Ctrl+] or Ctrl+5 to exit console.", err=True
        )
        with raw_terminal(sys.stdin.fileno()):
            live = LiveSocket(socket)
            user_left = await _join(live)
    if not user_left:
        _explain_end(live)


async def _connected(
    session: Session, target: Target, timeout_s: float, stack: AsyncExitStack, shown: Progress
) -> aiohttp.ClientWebSocketResponse:
    """Open the stream; while the instance does not run yet, try again each second until the time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    path = session.subresource_path(target, "console")
    while True:
        try:
            return await stack.enter_async_context(session.stream(path))
        except StreamRefused as e:
            if e.status != 400 or timeout_s == 0:
                raise
            if loop.time() > deadline:
                raise CommandError("Timeout trying to connect to the virtual machine instance") from e
            shown.text = f"waiting for {target.name} to run: {e.message}"
        await asyncio.sleep(RETRY_S)


async def _join(live: LiveSocket) -> bool:
    """Copy both ways until one side has ended; whether that was the user."""
    left: list[bool] = []
    await until_first_ends(_guest_to_user(live), _user_to_guest(live, left), live.watch())
    return bool(left)


async def _guest_to_user(live: LiveSocket) -> None:
    async for data in live:
        show(data)


async def _user_to_guest(live: LiveSocket, left: list[bool]) -> None:
    async for data in typed(sys.stdin.fileno()):
        if data[0] == ESCAPE:
            break
        await live.send(data)
    left.append(True)


def _explain_end(live: LiveSocket) -> None:
    """Say why the stream ended when neither the user nor the server meant it to."""
    ending = odd_ending(live)
    if ending is None:
        return
    if ending.code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
        click.echo(DISCONNECTED, err=True)
    raise CommandError(closed_text(ending))
