"""Client and server of the link over real sockets. The lines themselves are in `_wire`."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.client import LauncherEvent, LauncherLink
from kubevirt.launcher_link.messages import DomainEvent, GuestEvent, Nothing, Verb
from kubevirt.launcher_link.server import Answer, LinkServer
from kubevirt.launcher_link.wire import LinkError, LinkGarbled, LinkUnavailable
from kubevirt.machine.domain_report import DomainReport

REPORT = DomainReport(namespace="default", name="web", uid="u-1", state="Running")


async def pings(_body: bytes) -> msgspec.Struct:
    return Nothing()


async def refuses(_body: bytes) -> msgspec.Struct:
    raise Problem(cause="Domain not found.", field="spec", remedy="start it")


async def hangs(_body: bytes) -> msgspec.Struct:
    await asyncio.Event().wait()
    return Nothing()


async def breaks(_body: bytes) -> msgspec.Struct:
    raise ZeroDivisionError


async def reports(_body: bytes) -> msgspec.Struct:
    return REPORT


ANSWERS: dict[str, Answer] = {
    Verb.PING: pings,
    Verb.PAUSE: refuses,
    Verb.KILL: hangs,
    Verb.GET_DOMAIN: reports,
    Verb.UNPAUSE: breaks,
}


def a_server() -> LinkServer:
    return LinkServer(ANSWERS, current=lambda: DomainEvent(report=REPORT), software="virt-launcher/test")


@contextlib.asynccontextmanager
async def linked(path: Path) -> AsyncIterator[tuple[LinkServer, LauncherLink, "asyncio.Queue[LauncherEvent]"]]:
    events: asyncio.Queue[LauncherEvent] = asyncio.Queue()
    server = a_server()
    async with server.serving(path), LauncherLink.connect(path, on_event=events.put_nowait) as link:
        yield server, link, events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    deep = tmp_path / ("kubelet-pods-" * 8)  # longer than a socket address may be
    deep.mkdir()
    return deep / "launcher-sock"


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "launcher-sock"


async def test_nobody_there_is_said_with_the_path(short: Path) -> None:
    with pytest.raises(LinkUnavailable, match="launcher-sock"):
        async with LauncherLink.connect(short, on_event=lambda _: None):
            pytest.fail("there is nobody to talk to")


@pytest.mark.parametrize("kind", ["a symbolic link to a socket", "an ordinary file"])
async def test_the_pod_cannot_lead_the_node_agent_elsewhere(short: Path, kind: str) -> None:
    elsewhere = short.with_name("containerd.sock")
    async with a_server().serving(elsewhere):
        if kind == "an ordinary file":
            short.touch()
        else:
            short.symlink_to(elsewhere)
        with pytest.raises(LinkUnavailable):
            async with LauncherLink.connect(short, on_event=lambda _: None):
                pytest.fail("it must not be followed")


async def test_another_protocol_version_is_refused_with_a_remedy(short: Path) -> None:
    async def future(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"message": "hello", "versions": [7], "verbs": []}\n')
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(future, short)
    async with server:
        with pytest.raises(LinkGarbled, match="versions") as told:
            async with LauncherLink.connect(short, on_event=lambda _: None):
                pytest.fail("there is no common language")
    assert told.value.remedy


async def test_the_state_comes_first_then_every_event_in_order(short: Path) -> None:
    async with linked(short) as (server, link, events):
        assert await events.get() == DomainEvent(report=REPORT)
        assert link.peer.software == "virt-launcher/test"
        assert link.peer_pid == os.getpid()
        server.tell(GuestEvent(type="Warning", reason="IOerror", message="VM Paused"))
        server.tell(DomainEvent(report=REPORT, final=True))
        assert await events.get() == GuestEvent(type="Warning", reason="IOerror", message="VM Paused")
        assert await events.get() == DomainEvent(report=REPORT, final=True)


async def test_answers_refusals_and_unknown_verbs(short: Path) -> None:
    async with linked(short) as (_server, link, _events):
        await link.ping()
        assert await link.get_domain() == REPORT
        with pytest.raises(LinkError, match="Domain not found") as told:
            await link.pause()
        assert (told.value.field, told.value.remedy) == ("spec", "start it")
        with pytest.raises(LinkError, match="nobody foresaw"):
            await link.unpause()
        with pytest.raises(LinkError, match="does not know the verb 'reset'"):
            await link.reset()
        await link.ping()


async def test_a_slow_verb_does_not_hold_up_the_others(short: Path) -> None:
    async with linked(short) as (_server, link, _events):
        slow = asyncio.create_task(link.kill())
        await link.ping()
        assert not slow.done()
        slow.cancel()


async def test_the_end_of_the_launcher_ends_waits_and_the_link(short: Path) -> None:
    stack = contextlib.AsyncExitStack()
    await stack.enter_async_context(a_server().serving(short))
    async with LauncherLink.connect(short, on_event=lambda _: None) as link:
        waiting = asyncio.create_task(link.kill())
        await link.ping()
        await stack.aclose()
        with pytest.raises(LinkUnavailable):
            await waiting
        assert isinstance(await link.closed, LinkUnavailable)
        with pytest.raises(LinkUnavailable):
            await link.ping()
    assert not short.exists()


async def test_garbage_costs_only_the_link_it_came_by(short: Path) -> None:
    async with linked(short) as (_server, link, _events):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(rude, str(short))
            await loop.sock_sendall(rude, b"\x00\xff garbage\n")
            while await loop.sock_recv(rude, 4096):
                continue
        await link.ping()


async def test_two_links_are_served_and_a_stale_socket_file_is_replaced(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(short))
    async with linked(short) as (server, first, _events):
        told: list[LauncherEvent] = []
        async with LauncherLink.connect(short, on_event=told.append) as second:
            await second.ping()
            server.tell(DomainEvent(report=REPORT, final=True))
            await second.ping()
            await first.ping()
            assert told == [DomainEvent(report=REPORT), DomainEvent(report=REPORT, final=True)]


async def test_a_path_longer_than_socket_addresses_is_no_hindrance(path: Path, short: Path) -> None:
    async with a_server().serving(short):
        short.rename(path)
        async with LauncherLink.connect(path, on_event=lambda _: None) as link:
            await link.ping()
        path.rename(short)
