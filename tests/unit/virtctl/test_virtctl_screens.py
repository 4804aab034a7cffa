"""`virtctl vnc` as a whole command: the screen on a port, in a viewer, as a picture. Command lines: _viewers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from aiohttp import web
from played_streams import free_port, program, stream
from virtctl_cluster import Cluster, Handler

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.commands import vnc

pytestmark = pytest.mark.usefixtures("heeds_interrupts")


async def reached(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a port that is about to be listened on."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0)


def screen(port: int, *, code: int = 0) -> Handler:
    """A screen that greets whoever looks at it, who leaves then; or that is closed with a code."""

    async def serve(request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse(protocols=("plain.kubevirt.io",))
        await opened.prepare(request)
        reader, writer = await reached(port)
        await opened.send_bytes(b"RFB")
        assert await reader.readexactly(3) == b"RFB"
        if code:
            await opened.close(code=code, message=b"gone")
        writer.close()
        await opened.receive()
        return opened

    return serve


PAUSED: JsonObject = {"status": {"conditions": [{"type": "Paused", "status": "True"}]}}


def test_a_screen_on_a_port(cluster: Cluster) -> None:
    port = free_port()
    cluster.answer("GET VMI:vnc", screen(port))
    cluster.answer("GET vmi/a", PAUSED)
    done = cluster.run(f"vnc a --proxy-only --port {port} --preserve-session")
    assert (done.code, done.out) == (0, f'{{"port":{port}}}\n')
    assert done.asked == ["GET VMI:vnc?preserveSession=true", "GET vmi/a"]
    assert done.log[0].startswith("VNC Client connected in ")
    assert "\rWarning: a is paused. Console will be active after unpause.\n" in done.err


def test_a_screen_that_is_taken_away(cluster: Cluster) -> None:
    port = free_port()
    cluster.answer("GET VMI:vnc", screen(port, code=1001))
    cluster.answer("GET vmi/a", {})
    done = cluster.run(f"vnc a --proxy-only --port {port}")
    assert done.code == 1
    assert done.words == "error encountered: websocket: close 1001 (going away): gone\n"
    assert done.asked[0] == "GET VMI:vnc?preserveSession=false"


def test_an_address_that_cannot_be_listened_on(cluster: Cluster) -> None:
    cluster.answer("GET VMI:vnc", stream(code=0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = cluster.run(f"vnc a --proxy-only --port {taken.getsockname()[1]}")
    assert done.code == 1
    assert done.words.startswith("can't listen on unix socket: ")
    assert done.words.endswith("address already in use\n")
    done = cluster.run("vnc a --proxy-only --address=no.such.host.invalid")
    assert done.words.startswith("can't resolve the address: no.such.host.invalid: ")


def test_a_viewer_that_fails_is_no_error(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "remote-viewer", '#!/bin/sh\necho "no display for $*"\nexit 3\n', monkeypatch)
    cluster.answer("GET VMI:vnc", stream(code=0))
    done = cluster.run("vnc a --address 0.0.0.0 -v 4")
    assert (done.code, done.out) == (0, "")
    told, waiting, failed = done.log
    assert told == "--proxy-only is set to false, listening on 127.0.0.1"
    assert waiting == "connection timeout: 1m0s"
    assert failed.startswith(f"{tmp_path}/remote-viewer execution failed: exit status 3, output: no display for vnc://")
    assert failed.endswith(" --debug"), "at verbosity 4 the viewer says more"


def test_a_viewer_that_never_connects(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vnc, "VIEWER_CONNECTS_WITHIN_S", 0.01)
    program(tmp_path, "vncviewer", "#!/bin/sh\nexec /bin/sleep 60\n", monkeypatch)
    cluster.answer("GET VMI:vnc", stream(code=0))
    done = cluster.run("vnc a")
    assert (done.code, done.words) == (1, "error encountered: no viewer has connected within 0 s\n")


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ("", "could not find remote-viewer or vncviewer binary in $PATH"),
        ("--vnc-type x", "unsupported vnc-type: x"),
        ("--vnc-type real", "unsupported vnc-type for linux: real"),
        ("--vnc-type tiger --vnc-path /absent", "specified VNC path does not exist: /absent"),
    ],
)
def test_no_viewer(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, flags: str, error: str) -> None:
    monkeypatch.setenv("PATH", "/absent")
    cluster.answer("GET VMI:vnc", stream(code=0))
    done = cluster.run(f"vnc a {flags}")
    assert (done.code, done.words) == (1, f"error encountered: {error}\n")


def picture(data: bytes) -> Handler:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type="image/png")

    return serve


def test_a_picture(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answer("GET VMI:vnc/screenshot", picture(b"PNG"))
    file = tmp_path / "screen.png"
    done = cluster.run(f"vnc screenshot a -f {file}")
    assert (done.code, done.out, file.read_bytes()) == (0, "", b"PNG")
    assert done.asked == ["GET VMI:vnc/screenshot?moveCursor=false"]
    done = cluster.run("vnc screenshot a --file - --move-cursor")
    assert (done.out, done.asked) == ("PNG", ["GET VMI:vnc/screenshot?moveCursor=true"])
    assert cluster.run("vnc screenshot a -f /absent/x").err.startswith("Can't write image to a file: ")
    cluster.answer("GET VMI:vnc/screenshot", (400, "no screen"))
    assert cluster.run("vnc screenshot a -f -").err == "Can't access VMI a: no screen\n"
