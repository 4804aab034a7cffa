"""Streams as an API server serves them, and what a user has beside a stream: standard input, free ports, programs."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from virtctl_cluster import Handler


def stream(data: bytes = b"", *, code: int = 1000, reason: str = "", until: bytes = b"") -> Handler:
    """A stream that says `data`, waits for `until`, and is closed; code 0: left open."""

    async def serve(request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse(protocols=("plain.kubevirt.io",))
        await opened.prepare(request)
        assert opened.ws_protocol == "plain.kubevirt.io"
        await opened.send_bytes(data)
        heard = b""
        while until not in heard or not code:
            message = await opened.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                break
            heard += message.data
        if code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
            assert request.transport is not None
            request.transport.abort()
        else:
            await opened.close(code=code or 1000, message=reason.encode())
        return opened

    return serve


@contextlib.contextmanager
def typing(data: bytes, monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> Iterator[None]:
    """Standard input with these bytes, and its end if `ends`."""
    read, write = os.pipe()
    os.write(write, data)
    if ends:
        os.close(write)
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield
    if not ends:
        os.close(write)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the only folder of $PATH."""
    file = folder / name
    file.write_text(text)
    file.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))
