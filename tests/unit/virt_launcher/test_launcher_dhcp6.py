"""DHCPv6: what a guest is told, by messages as clients send them, and over a real socket on a real link."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.kit.errors import Problem
from kubevirt.machine.network.attachment import LEASE_S, Dhcp6Lease
from kubevirt.virt_launcher.dhcp import packet6
from kubevirt.virt_launcher.dhcp.packet6 import ADVERTISE, ASK, CONFIRM, RELEASE, REPLY, REQUEST, SOLICIT, answer, parse
from kubevirt.virt_launcher.dhcp.server6 import dhcp6_server

LEASE = Dhcp6Lease(bridge="k6t-eth0", client_ip="fd10:0:2::2", server_mac="02:00:00:00:00:00", dns=["fd00::a"],
                   search=["svc.cluster.local"])
CLIENT = bytes.fromhex("00030001525400123456")
SERVER = bytes.fromhex("00030001020000000000")
ADDRESS = socket.inet_pton(socket.AF_INET6, "fd10:0:2::2")


def option(number: int, content: bytes) -> bytes:
    return struct.pack("!HH", number, len(content)) + content


WANTS = option(3, b"\0\0\0\7" + b"\0" * 8)


def message(kind: int, *options: bytes) -> bytes:
    return bytes([kind]) + b"abc" + b"".join(options)


def asked(kind: int, *options: bytes) -> tuple[int, dict[int, bytes]] | None:
    """Kind and options of the answer."""
    question = parse(message(kind, *options))
    reply = answer(question, LEASE) if question is not None else None
    if reply is None:
        return None
    assert reply[1:4] == b"abc"
    return reply[0], dict(packet6._options(reply[4:]))


@pytest.mark.parametrize(("kind", "options", "expected"), [
    pytest.param(SOLICIT, [WANTS], ADVERTISE, id="who is there"),
    pytest.param(SOLICIT, [WANTS, option(14, b"")], REPLY, id="who is there, in a hurry"),
    pytest.param(REQUEST, [WANTS, option(2, SERVER)], REPLY, id="then give me the address"),
    pytest.param(5, [WANTS, option(2, SERVER)], REPLY, id="may I keep it, you said so"),
    pytest.param(6, [WANTS], REPLY, id="may I keep it, whoever said so"),
])
def test_the_address(kind: int, options: list[bytes], expected: int) -> None:
    found = asked(kind, option(1, CLIENT), *options)
    assert found is not None
    told, content = found
    assert told == expected
    assert (content[1], content[2]) == (CLIENT, SERVER)
    number, renew_s, rebind_s = struct.unpack_from("!III", content[3])
    assert (number, renew_s, rebind_s) == (7, LEASE_S // 2, LEASE_S * 4 // 5)
    assert content[3][12:] == option(5, ADDRESS + struct.pack("!II", LEASE_S, LEASE_S))
    assert content[23] == socket.inet_pton(socket.AF_INET6, "fd00::a")
    assert content[24] == b"\3svc\7cluster\5local\0"
    assert (14 in content) is (option(14, b"") in options)


@pytest.mark.parametrize(("kind", "options"), [
    pytest.param(REQUEST, [option(1, CLIENT), WANTS, option(2, b"another")], id="meant for another server"),
    pytest.param(SOLICIT, [WANTS], id="from nobody"),
    pytest.param(ADVERTISE, [option(1, CLIENT)], id="a server's own message"),
    pytest.param(200, [option(1, CLIENT)], id="something new"),
])
def test_not_answered(kind: int, options: list[bytes]) -> None:
    assert asked(kind, *options) is None


@pytest.mark.parametrize("kind", [CONFIRM, RELEASE])
def test_agreed_to(kind: int) -> None:
    found = asked(kind, option(1, CLIENT), option(2, SERVER))
    assert found is not None
    assert (found[0], found[1][13]) == (REPLY, b"\0\0")


def test_name_servers_alone() -> None:
    found = asked(ASK)
    assert found is not None
    assert found[0] == REPLY
    assert 23 in found[1]
    assert 3 not in found[1]


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(data: bytes) -> None:
    question = parse(data)
    if question is not None:
        answer(question, LEASE)


def test_a_bridge_that_is_not_there() -> None:
    async def serve() -> None:
        with dhcp6_server(Dhcp6Lease(bridge="no-such0", client_ip="::2", server_mac="02:00:00:00:00:00")):
            pass

    with pytest.raises(Problem, match="IPv6 addresses cannot be served to the guest on no-such0"):
        asyncio.run(serve())


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/proc/net/if_inet6").exists(), reason="needs root and IPv6")
def test_over_a_socket() -> None:
    """On the loopback link, which is as good as a bridge for one message."""

    async def ask() -> bytes:
        lease = Dhcp6Lease(bridge="lo", client_ip=LEASE.client_ip, server_mac=LEASE.server_mac)
        with dhcp6_server(lease), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client:
            client.sendto(message(SOLICIT, option(1, CLIENT), WANTS), ("::1", 547))
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 4096), 5)

    assert ADDRESS in asyncio.run(ask())
