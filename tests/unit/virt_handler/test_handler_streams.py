"""The server for virt-api: who gets in, consoles with a take-over, and sockets in volumes that cannot be trusted.

Real TLS, real WebSockets and a real Unix socket in the place of QEMU's; QEMU's own console is tested end to end.
"""

import asyncio
import contextlib
import datetime
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubevirt.kit.tasks import Tasks
from kubevirt.virt_handler.instances.launchers import Launchers
from kubevirt.virt_handler.server.app import CLIENT_NAME, only_virt_api, routes
from kubevirt.virt_handler.server.sockets import connect
from kubevirt.virt_handler.server.streams import Streams

OPEN_FILES = Path("/proc/self/fd")
BASE = "/v1/namespaces/n/virtualmachineinstances/a/"


class Authority:
    """Signs certificates, as the operator does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("authority", self.key, is_authority=True)
        (directory / "ca.crt").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Path:
        """A file with a certificate for the common name and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self.directory / f"{name.replace(':', '-')}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + self._sign(name, key).public_bytes(serialization.Encoding.PEM)
        )
        return file

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip


class Agent:
    """A running server with one followed instance `n/a` (uid `u`), whose serial console is an echoing socket."""

    def __init__(self, authority: Authority, address: str) -> None:
        self.authority = authority
        self.address = address

    @contextlib.asynccontextmanager
    async def client(self, name: str = CLIENT_NAME) -> AsyncIterator[aiohttp.ClientSession]:
        context = ssl.create_default_context(cafile=str(self.authority.directory / "ca.crt"))
        context.check_hostname = False
        context.load_cert_chain(self.authority.issue(name))
        async with aiohttp.ClientSession(self.address, connector=aiohttp.TCPConnector(ssl=context)) as session:
            yield session


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    authority = Authority(tmp_path)
    sockets = tmp_path / "pods/p/volumes/kubernetes.io~empty-dir/private/u"
    sockets.mkdir(parents=True)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data.upper())
        writer.close()

    directory = os.open(sockets, os.O_PATH)  # the path itself is longer than a socket address may be
    serial = await asyncio.start_unix_server(echo, f"/proc/self/fd/{directory}/virt-serial0")
    os.close(directory)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.crt"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(authority.issue("virt-handler"))
    async with Tasks() as tasks:
        launchers = Launchers(tasks, tmp_path / "pods", software="test", on_change=lambda _key: None,
                              on_guest_event=lambda _key, _event: None)  # fmt: skip
        launchers.follow("n/a", "u", "p")
        app = web.Application(middlewares=[only_virt_api])
        streams = Streams(tasks)
        app.router.add_routes(routes(launchers, streams))
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield Agent(authority, f"https://127.0.0.1:{runner.addresses[0][1]}")
        await runner.cleanup()
        streams.close()
    serial.close()
    await serial.wait_closed()


async def test_only_virt_api_gets_in(agent: Agent) -> None:
    somebody = "kubevirt.io:system:client:somebody"
    async with agent.client(somebody) as client, client.get(BASE + "console") as answer:
        assert answer.status == 403


async def test_a_client_without_certificate_does_not_even_get_an_answer(agent: Agent) -> None:
    async with aiohttp.ClientSession(agent.address, connector=aiohttp.TCPConnector(ssl=False)) as nobody:
        with pytest.raises(aiohttp.ClientError):
            await nobody.get(BASE + "console")


async def test_a_console_carries_bytes_both_ways(agent: Agent) -> None:
    protocol = "plain.kubevirt.io"
    async with agent.client() as client, client.ws_connect(BASE + "console", protocols=(protocol,)) as console:
        assert console.protocol == protocol
        await console.send_bytes(b"hello")
        assert await console.receive_bytes(timeout=5) == b"HELLO"


async def until(console: aiohttp.ClientWebSocketResponse, wanted: bytes) -> bytes:
    """All that the console shows up to and with `wanted`."""
    seen = b""
    async with asyncio.timeout(5):
        while wanted not in seen:
            seen += await console.receive_bytes()
    return seen


async def test_a_second_console_tells_and_closes_the_first(agent: Agent) -> None:
    async with agent.client() as client, client.ws_connect(BASE + "console") as first:
        await first.send_bytes(b"a")
        assert await first.receive_bytes(timeout=5) == b"A"
        async with client.ws_connect(BASE + "console") as second:
            assert b"another client connected" in await first.receive_bytes(timeout=5)
            closed = await first.receive(timeout=5)
            assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
            assert closed.extra == "This connection was closed because another client connected."
            assert await second.receive_bytes(timeout=5) == b"A", "what was on the screen is shown first"
            await second.send_bytes(b"b")
            assert await second.receive_bytes(timeout=5) == b"B"


async def test_who_comes_back_sees_what_was_written_meanwhile(agent: Agent) -> None:
    async with agent.client() as client:
        async with client.ws_connect(BASE + "console") as first:
            await first.send_bytes(b"line\n")
            assert await until(first, b"LINE\n")
            await first.send_bytes(b"and nobody waits for this\n")
        async with client.ws_connect(BASE + "console") as second:
            assert await until(second, b"FOR THIS\n") == b"LINE\nAND NOBODY WAITS FOR THIS\n"


async def test_the_first_console_begins_with_the_end_of_the_log(agent: Agent) -> None:
    log = agent.authority.directory / "pods/p/volumes/kubernetes.io~empty-dir/private/u/virt-serial0-log"
    log.write_bytes(b"x" * 20_000 + b"\nlogin: ")
    async with agent.client() as client, client.ws_connect(BASE + "console") as console:
        seen = await until(console, b"login: ")
        assert len(seen) <= 8 * 1024


@pytest.mark.parametrize("trap", ["fifo", "link"])
async def test_a_log_that_is_none_is_not_read(agent: Agent, trap: str) -> None:
    log = agent.authority.directory / "pods/p/volumes/kubernetes.io~empty-dir/private/u/virt-serial0-log"
    if trap == "fifo":
        os.mkfifo(log)
    else:
        log.symlink_to("/etc/hostname")
    async with agent.client() as client, client.ws_connect(BASE + "console") as console:
        await console.send_bytes(b"a")
        assert await console.receive_bytes(timeout=5) == b"A"


async def test_a_slow_reader_loses_nothing(agent: Agent) -> None:
    """More than all buffers on the way hold; the client begins to read late."""
    sent = b"".join(b"%07d\n" % number for number in range(512 * 1024))  # 4 MiB

    async with agent.client() as client, client.ws_connect(BASE + "console", max_msg_size=0) as console:

        async def type_all() -> None:
            for start in range(0, len(sent), 65536):
                await console.send_bytes(sent[start : start + 65536])

        typing = asyncio.create_task(type_all())
        for _ in range(100):
            await asyncio.sleep(0)
        seen = bytearray()
        async with asyncio.timeout(30):
            while len(seen) < len(sent):
                seen += await console.receive_bytes()
        await typing
    assert bytes(seen) == sent


async def test_many_newcomers_at_once_leave_one_that_works(agent: Agent) -> None:
    async with agent.client() as client:
        consoles = await asyncio.gather(*(client.ws_connect(BASE + "console") for _ in range(5)))
        said = [await _what_it_gets(console) for console in consoles]
        assert sorted(said) == ["X"] + ["another client connected"] * 4


async def _what_it_gets(console: aiohttp.ClientWebSocketResponse) -> str:
    with contextlib.suppress(ConnectionError):
        await console.send_bytes(b"x")
    text = str(await console.receive_bytes(timeout=5), "ascii")
    await console.close()
    return "another client connected" if "another client connected" in text else text


async def test_a_client_that_does_not_listen_keeps_nobody_waiting(agent: Agent) -> None:
    async with agent.client() as client:
        stuck = await client.ws_connect(BASE + "console", autoclose=False, autoping=False)
        flood = asyncio.create_task(_flood(stuck))
        await asyncio.sleep(0)
        async with asyncio.timeout(2):
            fresh = await client.ws_connect(BASE + "console")
            await fresh.send_bytes(b"b")
            assert (await until(fresh, b"B")).endswith(b"B")
        flood.cancel()
        await fresh.close()


async def _flood(console: aiohttp.ClientWebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await console.send_bytes(b"a" * 65536)


async def test_a_console_that_is_not_there_says_so(agent: Agent) -> None:
    async with agent.client() as client:
        async with client.get(BASE + "vnc") as answer:
            assert answer.status == 500
            assert "cannot be reached" in await answer.text()
        async with client.get(BASE.replace("/a/", "/b/") + "console") as answer:
            assert answer.status == 404
        async with client.put(BASE + "pause") as answer:
            assert answer.status == 503, "there is no link to the launcher yet"


@pytest.mark.parametrize("trap", ["link to a directory", "link to a socket", "not a socket"])
async def test_traps_in_a_volume_are_not_stepped_into(trap: str, tmp_path: Path) -> None:
    elsewhere, volume = tmp_path / "elsewhere", tmp_path / "volume"
    elsewhere.mkdir()
    volume.mkdir()
    server = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), elsewhere / "socket")
    match trap:
        case "link to a directory":
            (volume / "u").symlink_to(elsewhere)
        case "link to a socket":
            (volume / "u").mkdir()
            (volume / "u/socket").symlink_to(elsewhere / "socket")
        case _:
            (volume / "u").mkdir()
            (volume / "u/socket").touch()
    before = len(list(OPEN_FILES.iterdir()))
    with pytest.raises(OSError, match=r"."):
        await connect(volume, "u", "socket")
    assert len(list(OPEN_FILES.iterdir())) == before, "nothing stays open"
    server.close()
    await server.wait_closed()
