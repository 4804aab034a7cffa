"""Twenty streams at once, consoles and forwarded ports, 100 MB each, every byte in its place.

Real: virtctl, the API server's aggregator, virt-api, virt-handler on the node, the pod network, TLS on every leg, and
two running instances. Not real is only what would answer inside of a guest: an emulated serial port gives some ten KB
a second, so at the guests' end of the streams stands a small program in the launcher's own pod. It listens where QEMU's
console socket was, and on a port that the instance's masquerade leaves to the pod. What a real guest's console and
ports do is in test_verbs.py, what slow and vanished clients do in the unit tests.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.harness import Cluster, eventually, free_port, virtctl_path
from tests.e2e.manifests import as_json

pytestmark = pytest.mark.e2e
NAMES = ("left", "right")
PORTS_EACH = 9
PORT = 9000
BLOCK = 1_000_000
BLOCKS = 100
# What every byte is, given the stream's number. No byte is virtctl console's escape key.
CONTENT = """
import hashlib, random, socket, sys, threading, os
def blocks(number):
    base = random.Random(number).randbytes(%d - 8).replace(b"\\x1d", b"\\x1e")
    for index in range(%d):
        yield b"%%08d" %% index + base
""" % (BLOCK, BLOCKS)  # noqa: UP031 - the text is full of braces and percents
SERVER = CONTENT + """
def line(connection):
    text = b""
    while not text.endswith(b"\\n"):
        text += connection.recv(1)
    return text.decode().split()
def serve(connection):
    way, number = line(connection)
    if way == "down":
        connection.sendall(b"begin\\n")
        for block in blocks(int(number)):
            connection.sendall(block)
    else:
        seen, left = hashlib.sha256(), %d
        while left:
            data = connection.recv(min(left, 262144))
            if not data:
                break
            seen.update(data)
            left -= len(data)
        connection.sendall(b"begin\\n" + seen.hexdigest().encode() + b"\\n")
    connection.close()
def listen(listener):
    listener.listen(32)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()
port = socket.create_server(("", %d))
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("", %d))
def repeat():
    while True:
        data, where = echo.recvfrom(2000)
        echo.sendto(data.upper(), where)
threading.Thread(target=repeat).start()
os.chdir("/var/run/kubevirt-private/" + sys.argv[1])
os.rename("virt-serial0", "virt-serial0.qemu")
console = socket.socket(socket.AF_UNIX)
console.bind("virt-serial0")
os.chmod("virt-serial0", 0o777)
threading.Thread(target=listen, args=(console,)).start()
print("ready", flush=True)
listen(port)
""" % (BLOCK * BLOCKS, PORT, PORT)  # noqa: UP031


def instance(name: str) -> dict[str, Any]:
    """An instance without disks: its firmware finds nothing to boot and rests. Port 22 would be its guest's."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "domain": {
                "memory": {"guest": "32Mi"},
                "devices": {"interfaces": [{"name": "default", "masquerade": {}, "ports": [{"port": 22}]}]},
            },
            "networks": [{"name": "default", "pod": {}}],
        },
    }


@contextlib.contextmanager
def started(*command: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the background."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=120)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def guests_end(cluster: Cluster, name: str) -> Iterator[None]:
    """The program in the launcher's pod, ready."""
    uid = cluster.wait_phase(name, "Running")["metadata"]["uid"]
    pod = cluster.launcher_pods(name)[0]["metadata"]["name"]
    with started(cluster.kubectl_path, "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, "exec", pod, "-c",
                 "compute", "--", "python3", "-c", SERVER, uid) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield


@contextlib.contextmanager
def forwarded(cluster: Cluster, name: str, protocol: str = "tcp") -> Iterator[int]:
    """virtctl port-forward; the port here."""
    port = free_port()
    with started(virtctl_path(), "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, "port-forward",
                 f"vmi/{name}", f"{protocol}/{port}:{PORT}", stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stderr is not None
        assert f"forwarding {protocol} 127.0.0.1:{port} to {PORT}".encode() in process.stderr.readline()
        yield port


def answered(port: int, datagram: bytes) -> bytes:
    """The answer to a datagram, which is sent again while none comes: on any wire one may be lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.settimeout(2)
        mine.connect(("127.0.0.1", port))

        def ask() -> bytes:
            mine.send(datagram)
            try:
                return mine.recv(2000)
            except TimeoutError:
                return b""

        return eventually("an answer to a datagram", ask)


def content(number: int) -> Iterator[bytes]:
    """What stream `number` carries."""
    known: dict[str, Any] = {}
    exec(CONTENT, known)  # noqa: S102 - the text above, so that both ends agree by construction
    yield from known["blocks"](number)


def checksum(number: int) -> str:
    """Of all that stream `number` carries."""
    whole = hashlib.sha256()
    for block in content(number):
        whole.update(block)
    return whole.hexdigest()


def through_port(port: int, way: str, number: int) -> str:
    """Move one stream over a forwarded port; the checksum of what arrived at its other end."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(f"{way} {number}\n".encode())
        if way == "up":
            for block in content(number):
                connection.sendall(block)
        arrived = connection.makefile("rb")
        assert arrived.readline() == b"begin\n"
        if way == "up":
            return arrived.readline().decode().strip()
        return _sum_of(arrived)


def through_console(cluster: Cluster, name: str, way: str, number: int) -> str:
    """Move one stream through `virtctl console`; the checksum of what arrived at its other end."""
    with started(virtctl_path(), "--kubeconfig", cluster.kubeconfig, "-n", cluster.namespace, "console", name,
                 stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"Successfully connected" in process.stderr.readline()
        process.stdin.write(f"{way} {number}\n".encode())
        process.stdin.flush()
        if way == "up":
            for block in content(number):
                process.stdin.write(block)
            process.stdin.flush()
        while process.stdout.readline() != b"begin\n":  # before it comes what was on the firmware's screen
            pass
        arrived = process.stdout.readline().decode().strip() if way == "up" else _sum_of(process.stdout)
        if way == "down":
            assert process.wait(timeout=120) == 0, "the other end has closed, which is an ordinary end"
        return arrived


def _sum_of(stream: Any) -> str:
    whole, left = hashlib.sha256(), BLOCK * BLOCKS
    while left and (data := stream.read(min(left, 1 << 18))):
        whole.update(data)
        left -= len(data)
    return whole.hexdigest()


def test_twenty_streams_at_once(namespace: Cluster) -> None:
    for name in NAMES:
        namespace.apply(as_json(instance(name))).ok()
    with contextlib.ExitStack() as stack:
        for name in NAMES:
            stack.enter_context(guests_end(namespace, name))
        ports = [stack.enter_context(forwarded(namespace, name)) for name in NAMES]
        work = []
        pool = stack.enter_context(ThreadPoolExecutor(20))
        for side, name in enumerate(NAMES):
            ways = ("down", "up")
            work.append(pool.submit(through_console, namespace, name, ways[side], side * 10))
            work += [
                pool.submit(through_port, ports[side], ways[index % 2], side * 10 + 1 + index)
                for index in range(PORTS_EACH)
            ]
        assert len(work) == 20
        arrived = [each.result(timeout=600) for each in work]
        datagrams = stack.enter_context(forwarded(namespace, NAMES[0], "udp"))
        assert answered(datagrams, b"one") == b"ONE"
        assert answered(datagrams, b"two" * 400) == b"TWO" * 400, "each client's address has a stream of its own"
    assert arrived == [checksum(number) for number in range(20)]


def test_afterwards_nothing_is_left_open(namespace: Cluster) -> None:
    """The handlers have closed their streams, each with a line in the log."""

    def closed() -> bool:
        log = namespace.in_namespace("kubevirt").kubectl("logs", "-l", "kubevirt.io=virt-handler", "--tail=-1").ok().out
        mine = [line for line in log.splitlines() if f"{namespace.namespace}/" in line]
        opened = len([line for line in mine if re.search('"stream opened"', line)])
        assert opened == len([line for line in mine if re.search('"stream closed"', line)]) == len(NAMES)
        return True

    eventually("all consoles to be closed", closed)
