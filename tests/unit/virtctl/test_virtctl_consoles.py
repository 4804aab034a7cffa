"""`virtctl console` as a whole command: how it opens, waits and ends, and what is said; and streams that are refused.

That bytes of real guests arrive, many at once and in order, is tested end to end.
"""

from __future__ import annotations

import os
import signal

import pytest
from aiohttp import web
from played_streams import stream, typing
from virtctl_cluster import Answer, Cluster, Handler

from kubevirt.virtctl.commands import console

pytestmark = pytest.mark.usefixtures("heeds_interrupts")
CONNECTED = "Successfully connected to a console. Press Ctrl+] or Ctrl+5 to exit console.\n"
LOST = (
    "\nYou were disconnected from the console. This could be caused by one of the following:\n"
    " - the target VM was powered off\n"
    " - another user connected to the console of the target VM\n"
    " - network issues\n"
    "websocket: close 1006 (abnormal closure): unexpected EOF\n"
)


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
def test_consoles(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    served: Answer,
    typed: bytes,
    ends: bool,
    code: int,
    out: str,
    err: str,
) -> None:
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
        (
            plain("bad gateway", 502),
            "Can't connect to websocket (502): websocket: bad handshake: application info: bad gateway",
        ),
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
