"""`virtctl usbredir` as a whole command: with usbredirect, with a client of one's own, and where there is none."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click
import pytest
from played_streams import program, stream
from virtctl_cluster import Cluster

pytestmark = pytest.mark.usefixtures("heeds_interrupts")
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
def test_usb(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int, error: str
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
        (
            "usbredir 1-2 a",
            'Error on finding usbredirect in $PATH: exec: "usbredirect": executable file not found in $PATH',
        ),
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

    monkeypatch.setattr(click, "echo", read_and_leave)
    cluster.answer("GET VMI:usbredir", stream(code=0))
    assert cluster.run("usbredir --no-launch a").code == 0
    assert told[0].startswith("User can connect usbredir client at: 127.0.0.1:")
