"""console, vnc, usbredir and port-forward as whole commands: how streams open, end and are refused, and what is said.

That bytes of real guests arrive, many at once and in order, is tested end to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from virtctl_cluster import Answer, Cluster, Handler

from kubevirt.virtctl.commands import console, usbredir, vnc

CONNECTED = "Successfully connected to a console. Press Ctrl+] or Ctrl+5 to exit console.\n"
LOST = (
    "\nYou were disconnected from the console. This could be caused by one of the following:\n"
    " - the target VM was powered off\n"
    " - another user connected to the console of the target VM\n"
    " - network issues\n"
    "websocket: close 1006 (abnormal closure): unexpected EOF\n"
)


@pytest.fixture(autouse=True)
def heeds_interrupts() -> Iterator[None]:
    """Ctrl+C reaches the command also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


@pytest.mark.parametrize(
    ("served", "typed", "ends", "code", "out", "err"),
    [
        pytest.param(stream(b"login: "), b"", False, 0, "login: ", CONNECTED, id="the server closes in order"),
        pytest.param(stream(code=1001, reason="taken over"), b"", False, 1, "",
                     CONNECTED + "websocket: close 1001 (going away): taken over\n", id="somebody else connects"),
        pytest.param(stream(code=1011), b"", False, 1, "",
                     CONNECTED + "websocket: close 1011 (internal server error)\n", id="the server fails"),
        pytest.param(stream(code=1006), b"", False, 1, "", CONNECTED + LOST, id="the connection is lost"),
        pytest.param(stream(code=0), b"\x1dignored", False, 0, "", CONNECTED, id="the escape key"),
        pytest.param(stream(code=0), b"", True, 0, "", CONNECTED, id="standard input ends"),
        pytest.param(stream(code=1000, until=b"abc"), b"abc", False, 0, "", CONNECTED, id="what is typed arrives"),
    ],
)  # fmt: skip
def test_consoles(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, served: Answer, typed: bytes, ends: bool,
                  code: int, out: str, err: str) -> None:
    cluster.answer("GET VMI:console", served)
    with typing(typed, monkeypatch, ends=ends):
        done = cluster.run("console a")
    assert (done.code, done.out, done.err) == (code, out, err)


def plain(text: str, status: int) -> Handler:
    """An answer that is no Status object."""

    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status)

    return serve


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, "no such instance"), "no such instance"),
        ((409, "VMI is in failed status"), "VMI is in failed status"),
        ((400, "VMI is not running"), "VMI is not running"),
        (plain("bad gateway", 502),
         "Can't connect to websocket (502): websocket: bad handshake: application info: bad gateway"),
        (plain("", 503), "Can't connect to websocket (503): websocket: bad handshake"),
        (plain("<html>an error</html>", 504), "Can't connect to websocket (504): websocket: bad handshake"),
    ],
)
def test_streams_that_are_refused(cluster: Cluster, answer: Answer, error: str) -> None:
    for name in ("console", "vnc", "usbredir"):
        cluster.answer(f"GET VMI:{name}", answer)
    assert cluster.run("console a --timeout 0").err == f"{error}\n"
    assert cluster.run("vnc a --proxy-only").err == f"can't access VMI a: {error}\n"
    refused = cluster.run("usbredir --no-launch a")
    assert (refused.code, refused.out, refused.err) == (1, "", f"Can't access VMI a: {error}\n")


def test_nobody_answers(cluster: Cluster) -> None:
    done = cluster.run("console a --server http://127.0.0.1:1")
    assert done.code == 1
    assert "\nCan't connect to websocket: no answer from the API server http://127.0.0.1:1: " in f"\n{done.err}"


def test_a_console_waits_for_the_guest(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "RETRY_S", 0)
    cluster.answer("GET VMI:console", (400, "VMI is not running"), (400, "VMI is not running"), stream(b"$ "))
    with typing(b"", monkeypatch, ends=False):
        done = cluster.run("console a")
    assert (done.code, done.out, len(done.asked)) == (0, "$ ", 3)


def test_a_console_does_not_wait_for_ever(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "RETRY_S", 0)
    monkeypatch.setattr(console, "MINUTE_S", 0.001)
    cluster.answer("GET VMI:console", (400, "VMI is not running"))
    done = cluster.run("console a --timeout 1")
    assert (done.code, done.err) == (1, "Timeout trying to connect to the virtual machine instance\n")


def test_leaving_while_waiting_is_no_error(cluster: Cluster) -> None:
    async def interrupt(_: web.Request) -> web.StreamResponse:
        os.kill(os.getpid(), signal.SIGINT)
        return web.json_response({"kind": "Status", "message": "VMI is not running"}, status=400)

    cluster.answer("GET VMI:console", interrupt)
    done = cluster.run("console a")
    assert (done.code, done.out, done.err) == (0, "", "\n")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


PAUSED = {"status": {"conditions": [{"type": "Paused", "status": "True"}]}}


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


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in the only folder of $PATH."""
    file = folder / name
    file.write_text(text)
    file.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder))


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


REDIRECT = f"""#!{sys.executable} -IS
import socket, sys
assert sys.argv[1:4] == ["--device", "1-2", "--to"], sys.argv
host, port = sys.argv[4].split(":")
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(b"usb")
    connection.recv(1)
"""


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        pytest.param(REDIRECT, 1, "Remote connection has closed.", id="the guest ends it"),
        pytest.param("#!/bin/sh\nexit 3\n", 1, "Can't create usbredir client: exit status 3", id="no such device"),
        pytest.param("#!/absent/interpreter\n", 1, "Can't create usbredir client: No such file or directory",
                     id="a broken program"),
    ],
)  # fmt: skip
def test_usb(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int, error: str
             ) -> None:
    program(tmp_path, "usbredirect", text, monkeypatch)
    cluster.answer("GET VMI:usbredir", stream(until=b"usb"))
    done = cluster.run("usbredir 1-2 a")
    assert (done.code, done.err) == (code, f"{error}\n")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("usbredir a", "Missing argument"),
        ("usbredir 1-2 a --no-launch", "Missing argument"),
        ("usbredir 1-2 a", 'Error on finding usbredirect in $PATH: exec: "usbredirect": executable file not found in '
         "$PATH"),
    ],
)
def test_no_usb(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, command: str, error: str) -> None:
    monkeypatch.setenv("PATH", "/absent")
    assert cluster.run(command).err == f"{error}\n"
    monkeypatch.setattr("platform.machine", lambda: "s390x")
    assert cluster.run(command).err == "there is no usb support on s390x, this command is disabled\n"


def test_usb_for_a_client_of_ones_own(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def read_and_leave(text: str) -> None:
        told.append(text)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(usbredir.click, "echo", read_and_leave)
    cluster.answer("GET VMI:usbredir", stream(code=0))
    assert cluster.run("usbredir --no-launch a").code == 0
    assert told[0].startswith("User can connect usbredir client at: 127.0.0.1:")


def test_a_port_on_standard_streams(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.answer("GET VM:portforward/22/tcp", stream(b"SSH", until=b"hi"))
    with typing(b"hi", monkeypatch, ends=False):
        done = cluster.run("port-forward --stdio vm/a/ns 22")
    assert (done.code, done.out, done.err) == (0, "SSH", "")


@pytest.mark.parametrize(("words", "local", "guest", "kind"), [
    ("vmi/a {}:80", "tcp", "VMI:portforward/80/tcp", socket.SOCK_STREAM),
    ("VirtualMachines/a tcp/{}:80", "tcp", "VM:portforward/80/tcp", socket.SOCK_STREAM),
    ("vm/a udp/{}:53", "udp", "VM:portforward/53/udp", socket.SOCK_DGRAM),
])  # fmt: skip
def test_a_port_of_this_machine(cluster: Cluster, words: str, local: str, guest: str, kind: socket.SocketKind) -> None:
    """Somebody connects, gets an answer, and the user ends the command."""
    port = free_port(kind)
    answered: list[bytes] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        opened = web.WebSocketResponse(protocols=("plain.kubevirt.io",))
        await opened.prepare(request)
        await opened.send_bytes((await opened.receive_bytes()).upper())
        await opened.receive()
        return opened

    def talk() -> None:
        with socket.socket(type=kind) as client:
            client.settimeout(0.2)
            while not answered:
                with contextlib.suppress(OSError):
                    if kind is socket.SOCK_STREAM:
                        client.connect(("127.0.0.1", port))
                        client.sendall(b"hello")
                    else:
                        client.sendto(b"hello", ("127.0.0.1", port))
                    answered.append(client.recv(5))
        os.kill(os.getpid(), signal.SIGINT)

    cluster.answer(f"GET {guest}", serve)
    cluster.server.soon(talk)
    done = cluster.run(f"port-forward {words.format(port)}")
    assert (done.code, answered) == (0, [b"HELLO"])
    assert done.log[0] == f"forwarding {local} 127.0.0.1:{port} to {guest.split('/')[1]}"
    if local == "tcp":
        assert f"opening new tcp tunnel to {guest.split('/')[1]}" in done.log
        assert f"handling tcp connection for {port}" in done.log


def test_a_refused_port_is_logged(cluster: Cluster) -> None:
    port = free_port()

    def talk() -> None:
        closed = False
        while not closed:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as client:
                closed = client.recv(1) == b""
        os.kill(os.getpid(), signal.SIGINT)

    cluster.answer("GET VM:portforward/80/tcp", (409, "VMI is paused"))
    cluster.server.soon(talk)
    done = cluster.run(f"port-forward vm/a {port}:80")
    assert "can't access vm/a.ns: VMI is paused" in done.log


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("'' 80", "target cannot be empty"),
        ("a 80", "target must contain type and name separated by '/'"),
        ("vm/a/b/c 80", "target is not valid with more than two '/'"),
        ("vm/a/ 80", "namespace cannot be empty"),
        ("vm/ 80", "name cannot be empty"),
        ("pod/a 80", "unsupported resource type 'pod'"),
        ("vmirs/a 80", "unsupported resource type 'vmirs'"),
        ("vm/a 80:", "invalid port, missing local and/or remote port"),
        ("vm/a :80", "invalid port, missing local and/or remote port"),
        ("vm/a x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("vm/a sctp/80", "unknown protocol: sctp"),
        ("vm/a 80 81 --stdio", "only one port supported when forwarding to stdout"),
    ],
)
def test_refused_port_forwards(cluster: Cluster, words: str, error: str) -> None:
    done = cluster.run(f"port-forward {words}")
    assert (done.code, done.out, done.err) == (1, "", f"{error}\n")


def test_too_few_words_for_a_port(cluster: Cluster) -> None:
    done = cluster.run("port-forward vm/a")
    first, *rest = done.err.splitlines()
    told = "fatal: Number of input parameters is incorrect, portforward requires at least 2 arg(s), received 1"
    assert json.loads(first)["msg"] == told
    assert (done.code, done.out, rest[-1]) == (1, "", "argument validation failed")
    assert "Usage:" in rest, "and how it is used"
