"""`virtctl console`: the guest's serial console on the user's terminal."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import aiohttp
import click

from kubevirt.kube.errors import ApiError
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, run
from kubevirt.virtctl.targets import Kind, Target, parse_target
from kubevirt.virtctl.terminal import raw_terminal, show, typed

PROTOCOL = "plain.kubevirt.io"
ESCAPE = 29  # Ctrl+] and Ctrl+5 both type this byte
RETRY_S = 1.0
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
    run(flags, lambda session: _attach(session, instance, timeout * 60))


async def _attach(session: Session, target: Target, timeout_s: float) -> None:
    async with AsyncExitStack() as stack:
        socket = await _connected(session, target, timeout_s, stack)
        click.echo(
            f"Successfully connected to {target.name} console. Press Ctrl+] or Ctrl+5 to exit console.", err=True
        )
        with raw_terminal(sys.stdin.fileno()):
            user_left = await _join(socket)
    if not user_left:
        _explain_end(socket)


async def _connected(
    session: Session, target: Target, timeout_s: float, stack: AsyncExitStack
) -> aiohttp.ClientWebSocketResponse:
    """Open the stream; while the instance does not run yet, try again each second until the time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    path = session.subresource_path(target, "console")
    while True:
        try:
            return await stack.enter_async_context(session.client.websocket(path, protocols=(PROTOCOL,)))
        except ApiError as e:
            if e.status != 400 or timeout_s == 0:
                raise
            if loop.time() > deadline:
                raise CommandError("Timeout trying to connect to the virtual machine instance") from e
        await asyncio.sleep(RETRY_S)


async def _join(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """Copy both ways until one side has ended; whether that was the user."""
    to_user = asyncio.create_task(_guest_to_user(socket), name="guest to user")
    to_guest = asyncio.create_task(_user_to_guest(socket), name="user to guest")
    done, pending = await asyncio.wait((to_user, to_guest), return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    return to_guest in done


async def _guest_to_user(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            show(message.data)


async def _user_to_guest(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for data in typed(sys.stdin.fileno()):
        if data[0] == ESCAPE:
            return
        await socket.send_bytes(data)


def _explain_end(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Say why the stream ended when neither the user nor the server meant it to."""
    code = socket.close_code
    if code in (None, aiohttp.WSCloseCode.OK):
        return
    if code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
        click.echo(DISCONNECTED, err=True)
        raise CommandError("websocket: close 1006 (abnormal closure): unexpected EOF")
    raise CommandError(f"websocket: close {code}")
