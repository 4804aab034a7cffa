"""DHCP servers on the in-pod bridges: sockets for `packet`.

Bound to one bridge each, so that several interfaces of a guest never hear each other's answers. Answers are broadcast:
the client has no address yet, and nobody else is on the bridge. Needs no capability, since virt-handler lets everyone
in the pod's network namespace bind low ports.
"""

import contextlib
import socket
from collections.abc import Iterator

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.machine.network.attachment import DhcpLease
from kubevirt.virt_launcher.dhcp import packet
from kubevirt.virt_launcher.dhcp.sockets import answered

log = logs.get("dhcp")

SERVER_PORT, CLIENT_PORT = 67, 68


@contextlib.contextmanager
def dhcp_server(lease: DhcpLease) -> Iterator[None]:
    """Answer on the lease's bridge while inside. Raises Problem where the bridge cannot be listened on."""
    sock = _listen(lease.bridge)
    with answered(sock, lambda data, _sender: _reply(sock, data, lease)):
        yield


def _reply(sock: socket.socket, data: bytes, lease: DhcpLease) -> None:
    question = packet.parse(data)
    reply = packet.answer(question, lease) if question is not None else None
    if question is None or reply is None:
        return
    try:
        sock.sendto(reply, ("255.255.255.255", CLIENT_PORT))
    except OSError as error:
        log.warning("a DHCP answer could not be sent", bridge=lease.bridge, cause=error.strerror)
        return
    if question.kind == packet.REQUEST:
        log.info("the guest has its address", bridge=lease.bridge, mac=question.client_mac, ip=lease.client_ip)


def _listen(bridge: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode() + b"\0")
        sock.bind(("", SERVER_PORT))
    except OSError as error:
        sock.close()
        raise Problem(
            cause=f"addresses cannot be served to the guest on {bridge} ({error.strerror})",
            remedy="see the log of virt-handler on this node for how far the pod's network was set up",
        ) from error
    return sock
