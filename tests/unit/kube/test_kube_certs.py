"""TLS from mounted files: who is let in, and that renewed files count from the next connection on."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.kube.certs import CertificateFiles, ClientTls, ServerTls
from kubevirt.virt_operator.certificates import KeyPair, Lifetime, Subject, new_authority, new_certificate

LIFETIME = Lifetime.of(timedelta(hours=1))
NAME = "virt-handler.kubevirt.io"


def place(folder: Path, authority: KeyPair, trusted: KeyPair | None = None, name: str = NAME) -> CertificateFiles:
    """A certificate by `authority`, with `trusted` as bundle; replaces files that are there, as the kubelet does."""
    folder.mkdir(exist_ok=True)
    pair = new_certificate(authority, Subject(common_name=name, names=(name,)), datetime.now(UTC), LIFETIME)
    for file, content in (("tls.crt", pair.certificate), ("tls.key", pair.key),
                          ("ca-bundle", (trusted or authority).certificate)):
        (folder / "new").write_bytes(content)
        os.replace(folder / "new", folder / file)  # noqa: PTH105
    return CertificateFiles.mounted(folder, folder)


def authority() -> KeyPair:
    return new_authority(datetime.now(UTC), LIFETIME)


@asynccontextmanager
async def serving(tls: ServerTls) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peercert")
        writer.write(str(peer["subject"][0][0][1] if peer else "nobody").encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def greeting(port: int, context: ssl.SSLContext) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=NAME)
        try:
            said = await reader.read()
            if not said:
                # With TLS 1.3 a client learns of its refusal only after its own handshake, or by a closed connection.
                raise ConnectionResetError
            return said
        finally:
            writer.close()


async def test_both_sides_are_checked(tmp_path: Path) -> None:
    ca = authority()
    server = ServerTls(place(tmp_path / "server", ca), client_required=True)
    client = ClientTls(place(tmp_path / "client", ca, name="client"))
    async with serving(server) as port:
        assert await greeting(port, client.current()) == b"client"


async def test_a_client_of_another_authority_is_not_let_in(tmp_path: Path) -> None:
    ca, other = authority(), authority()
    server = ServerTls(place(tmp_path / "server", ca), client_required=True)
    client = ClientTls(place(tmp_path / "client", other, trusted=ca))
    async with serving(server) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await greeting(port, client.current())


async def test_a_server_of_another_authority_is_not_believed(tmp_path: Path) -> None:
    ca, other = authority(), authority()
    server = ServerTls(place(tmp_path / "server", other))
    client = ClientTls(place(tmp_path / "client", ca))
    async with serving(server) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeting(port, client.current())


async def test_where_clients_may_stay_unknown_one_without_certificate_is_let_in(tmp_path: Path) -> None:
    ca = authority()
    server = ServerTls(place(tmp_path / "server", ca))
    context = ssl.create_default_context(cadata=ca.certificate.decode())
    async with serving(server) as port:
        assert await greeting(port, context) == b"nobody"


async def test_renewed_files_count_from_the_next_connection_on(tmp_path: Path) -> None:
    old, new = authority(), authority()
    server = ServerTls(place(tmp_path / "server", old), client_required=True)
    client = ClientTls(place(tmp_path / "client", old, name="client"))
    async with serving(server) as port:
        assert await greeting(port, client.current()) == b"client"
        before = client.current()
        place(tmp_path / "server", new)
        place(tmp_path / "client", new, name="client")
        assert await greeting(port, client.current()) == b"client"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await greeting(port, before)


async def test_half_written_files_leave_the_old_ones_in_force(tmp_path: Path) -> None:
    ca = authority()
    server = ServerTls(place(tmp_path / "server", ca))
    context = ssl.create_default_context(cadata=ca.certificate.decode())
    (tmp_path / "server" / "tls.crt").write_text("half")
    async with serving(server) as port:
        assert await greeting(port, context) == b"nobody"


def test_files_that_were_never_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="check that the operator has made the secret"):
        ServerTls(CertificateFiles.mounted(tmp_path / "none"))
