"""The DHCPv6 server on an in-pod bridge: a socket for `packet6`. Loaded only by launchers whose pod has IPv6."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine.network.attachment import Dhcp6Lease
from kubevirt.virt_launcher.dhcp import packet6
from kubevirt.virt_launcher.dhcp.sockets import answered

log = logs.get("dhcp6")

SERVER_PORT = 547
SERVERS = "ff02::1:2"
"""Whom clients ask: all servers on the link."""


@contextlib.contextmanager
def dhcp6_server(lease: Dhcp6Lease) -> Iterator[None]:
    """Answer on the lease's bridge while inside. Raises Problem where the bridge cannot be listened on."""
    sock = _listen(lease.bridge)
    with answered(sock, lambda data, sender: _reply(sock, data, sender, lease)):
        yield


def _reply(sock: socket.socket, data: bytes, sender: tuple[object, ...], lease: Dhcp6Lease) -> None:
    question = packet6.parse(data)
    reply = packet6.answer(question, lease) if question is not None else None
    if question is None or reply is None:
        return
    try:
        sock.sendto(reply, sender)
    except OSError as error:
        log.warning("a DHCPv6 answer could not be sent", bridge=lease.bridge, cause=error.strerror)
        return
    if reply[0] == packet6.REPLY and question.associations:
        log.info("the guest has its address", bridge=lease.bridge, ip=lease.client_ip)


def _listen(bridge: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0")
        sock.bind(("::", SERVER_PORT))
        group = socket.inet_pton(socket.AF_INET6, SERVERS) + struct.pack("@I", socket.if_nametoindex(bridge))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    except OSError as error:
        sock.close()
        raise Problem(
            cause=f"IPv6 addresses cannot be served to the guest on {bridge} ({error.strerror})",
            remedy="see the log of virt-handler on this node for how far the pod's network was set up",
        ) from error
    return sock
