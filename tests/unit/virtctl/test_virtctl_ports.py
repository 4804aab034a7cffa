"""`virtctl port-forward` as a whole command: on standard streams, on ports of this machine (TCP, UDP), and refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket

import pytest
from aiohttp import web
from played_streams import free_port, stream, typing
from virtctl_cluster import Cluster

pytestmark = pytest.mark.usefixtures("heeds_interrupts")


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
