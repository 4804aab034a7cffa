"""`virtctl port-forward`: ports of a guest on this machine, or one of them on standard input and output.

Each TCP connection, and each client address of a UDP port, gets a stream of its own to virt-api, which dials the guest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

import click

from kubevirt.kit.tasks import Tasks, until_first_ends
from kubevirt.kube.websockets import LiveSocket
from kubevirt.virtctl import log
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals, command
from kubevirt.virtctl.session import Session, StreamRefused, run
from kubevirt.virtctl.streams import closed_text, join_connection, join_standard_streams
from kubevirt.virtctl.targets import Kind, Target, parse_stream_target

DATAGRAM = 1500
WAITING_DATAGRAMS = 1024

Close = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of this machine and the guest's that it leads to."""

    protocol: str
    local: int
    remote: int


def parse_port(word: str) -> Port:
    """Read `[PROTOCOL/]LOCAL[:TARGET]`."""
    protocol, slash, ports = word.partition("/")
    if not slash:
        protocol, ports = "tcp", word
    local, colon, remote = ports.partition(":")
    if not local or (colon and not remote):
        raise CommandError("invalid port, missing local and/or remote port")
    if protocol not in ("tcp", "udp"):
        raise CommandError(f"unknown protocol: {protocol}")
    return Port(protocol=protocol, local=_number(local), remote=_number(remote or local))


def _number(word: str) -> int:
    if not word.isdecimal():
        raise CommandError(f'strconv.Atoi: parsing "{word}": invalid syntax')
    if int(word) > 65535:
        raise CommandError(f"invalid port {word}, the highest is 65535")
    return int(word)


@command("port-forward", help="Forward ports of this machine to ports of a guest.")
@click.argument("words", nargs=-1, metavar="TYPE/NAME[/NAMESPACE] [PROTOCOL/]LOCAL[:TARGET]...")
@click.option("--stdio", is_flag=True, help="Join standard input and output with the one port given")
@click.option("--address", default="127.0.0.1", help="Address of this machine to listen on")
@click.pass_context
def port_forward(ctx: click.Context, words: tuple[str, ...], stdio: bool, address: str) -> None:
    """Forward until interrupted, or with --stdio until one direction ends."""
    if len(words) < 2:
        log.line(
            "fatal: Number of input parameters is incorrect, portforward requires at least 2 arg(s), received "
            f"{len(words)}",
            level="error",
        )
        click.echo(ctx.get_help(), err=True)
        raise CommandError("argument validation failed")
    target = parse_stream_target(words[0])
    ports = [parse_port(word) for word in words[1:]]
    if stdio and len(ports) != 1:
        raise CommandError("only one port supported when forwarding to stdout")
    flags: Globals = ctx.obj
    if stdio:
        run(flags, lambda session: _on_standard_streams(session, target, ports[0]), waiting_for="")
    else:
        run(flags, lambda session: _listen(session, target, ports, address), waiting_for="")


def stream_path(session: Session, target: Target, port: Port) -> str:
    """The path of a port's stream."""
    return session.subresource_path(target, f"portforward/{port.remote}/{port.protocol}")


async def _on_standard_streams(session: Session, target: Target, port: Port) -> None:
    async with session.stream(stream_path(session, target, port)) as socket:
        ending = await join_standard_streams(socket)
    if ending is not None:
        raise CommandError(closed_text(ending))


async def _listen(session: Session, target: Target, ports: list[Port], address: str) -> None:
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(Tasks())
        for port in ports:
            start = _listen_tcp if port.protocol == "tcp" else _listen_udp
            try:
                stack.callback(await start(session, target, port, address, tasks))
            except OSError as e:
                raise CommandError(f"listen {port.protocol} {address}:{port.local}: {e.strerror or e}") from e
            log.line(f"forwarding {port.protocol} {address}:{port.local} to {port.remote}")
        await asyncio.Event().wait()


def _refused(session: Session, target: Target, problem: StreamRefused) -> str:
    short = "vm" if target.kind is Kind.VM else "vmi"
    return f"can't access {short}/{target.name}.{session.namespace_of(target)}: {problem.message.strip()}"


async def _listen_tcp(session: Session, target: Target, port: Port, address: str, tasks: Tasks) -> Close:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        log.line(f"opening new tcp tunnel to {port.remote}")
        try:
            path = stream_path(session, target, port)
            async with session.stream(path) as socket:
                log.line(f"handling tcp connection for {port.local}")
                ending = await join_connection(socket, reader, writer)
                if ending is not None:
                    log.line(f"connection for {port.local} ended: {closed_text(ending)}", level="error")
        except StreamRefused as e:  # no reason to close the port: the next connection may come when it works
            log.line(_refused(session, target, e), level="error")
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.spawn(connected(reader, writer), name=f"connection to {port.local}")

    return (await asyncio.start_server(accept, address, port.local)).close


class Datagrams(asyncio.DatagramProtocol):
    """A UDP port; every client address gets a stream of its own, which lives as long as the command."""

    def __init__(self, session: Session, target: Target, port: Port, tasks: Tasks) -> None:
        self._session = session
        self._target = target
        self._port = port
        self._tasks = tasks
        self._clients: dict[tuple[str | int, ...], asyncio.Queue[bytes]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # by asyncio's word, though not by inheritance

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        waiting = self._clients.get(addr)
        if waiting is None:
            waiting = self._clients[addr] = asyncio.Queue(WAITING_DATAGRAMS)
            self._tasks.spawn(self._serve(addr, waiting), name=f"datagrams of {addr[0]}:{addr[1]}")
        if not waiting.full():  # what a full queue loses, a wire would have lost as well
            waiting.put_nowait(data[:DATAGRAM])

    async def _serve(self, addr: tuple[str | int, ...], waiting: asyncio.Queue[bytes]) -> None:
        path = stream_path(self._session, self._target, self._port)
        try:
            async with self._session.stream(path) as socket:
                live = LiveSocket(socket)
                await until_first_ends(_send_all(waiting, live), self._answer_all(live, addr), live.watch())
        except StreamRefused as e:
            log.line(_refused(self._session, self._target, e), level="error")
        finally:
            del self._clients[addr]

    async def _answer_all(self, live: LiveSocket, addr: tuple[str | int, ...]) -> None:
        async for data in live:
            if self._transport is not None:
                self._transport.sendto(data, addr)


async def _send_all(waiting: asyncio.Queue[bytes], live: LiveSocket) -> None:
    while True:
        await live.send(await waiting.get())


async def _listen_udp(session: Session, target: Target, port: Port, address: str, tasks: Tasks) -> Close:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Datagrams(session, target, port, tasks), local_addr=(address, port.local)
    )
    return transport.close
