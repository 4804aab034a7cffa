"""DHCPv6 for exactly one client and one address (RFC 8415, 3646). Pure: bytes in, bytes out.

The same as `packet` for IPv4, and by hand for the same reason. A client that asks for nothing but name servers is
answered too; prefixes are not handed out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from socket import AF_INET6, inet_pton

import msgspec

from kubevirt.machine.network.attachment import Dhcp6Lease
from kubevirt.virt_launcher.dhcp.packet import search_list

SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE, ASK = 1, 2, 3, 4, 5, 6, 7, 8, 9, 11
_CLIENT_ID, _SERVER_ID, _IA_NA, _ADDRESS, _STATUS, _RAPID, _DNS, _SEARCH = 1, 2, 3, 5, 13, 14, 23, 24
_WITH_SERVER = frozenset({REQUEST, RENEW, RELEASE, DECLINE})
"""Meant for the one server that they name."""
_ETHERNET = 1
_BY_LINK_ADDRESS = 3


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants. `associations` are the numbers of its interfaces' address sets."""

    kind: int
    transaction: bytes
    client: bytes
    server: bytes = b""
    rapid: bool = False
    associations: tuple[bytes, ...] = ()


def parse(data: bytes) -> Question | None:
    """The question in a datagram; None for what is none."""
    if len(data) < 4:
        return None
    found: dict[int, list[bytes]] = {}
    for number, content in _options(data[4:]):
        found.setdefault(number, []).append(content)
    client = found.get(_CLIENT_ID, [b""])[0]
    if not client and data[0] != ASK:
        return None
    return Question(
        kind=data[0], transaction=data[1:4], client=client, server=found.get(_SERVER_ID, [b""])[0],
        rapid=_RAPID in found, associations=tuple(c[:4] for c in found.get(_IA_NA, []) if len(c) >= 12),
    )  # fmt: skip


def answer(question: Question, lease: Dhcp6Lease) -> bytes | None:
    """The reply, or None for what is not to be answered."""
    identity = server_identity(lease.server_mac)
    if question.kind in _WITH_SERVER and question.server != identity:
        return None
    kind, options = REPLY, [(_SERVER_ID, identity)]
    if question.client:
        options.append((_CLIENT_ID, question.client))
    match question.kind:
        case 1:  # SOLICIT
            kind = REPLY if question.rapid else ADVERTISE
            options += [(_RAPID, b"")] if question.rapid else []
            options += _addresses(question, lease)
        case 3 | 5 | 6:  # REQUEST, RENEW, REBIND
            options += _addresses(question, lease)
        case 4 | 8 | 9:  # CONFIRM, RELEASE, DECLINE
            options.append((_STATUS, struct.pack("!H", 0)))
        case 11:  # for anything but an address
            pass
        case _:
            return None
    if lease.dns:
        options.append((_DNS, b"".join(inet_pton(AF_INET6, server) for server in lease.dns)))
    if lease.search:
        options.append((_SEARCH, search_list(lease.search)))
    return bytes([kind]) + question.transaction + b"".join(_option(number, content) for number, content in options)


def server_identity(mac: str) -> bytes:
    """A DUID that follows from the bridge's address, so that it stays the same."""
    return struct.pack("!HH", _BY_LINK_ADDRESS, _ETHERNET) + bytes.fromhex(mac.replace(":", ""))


def _addresses(question: Question, lease: Dhcp6Lease) -> list[tuple[int, bytes]]:
    """The one address for each association, good for as long as the pod is."""
    address = inet_pton(AF_INET6, lease.client_ip) + struct.pack("!II", lease.lease_s, lease.lease_s)
    times = struct.pack("!II", lease.lease_s // 2, lease.lease_s * 4 // 5)
    return [(_IA_NA, number + times + _option(_ADDRESS, address)) for number in question.associations]


def _option(number: int, content: bytes) -> bytes:
    return struct.pack("!HH", number, len(content)) + content


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Up to the first that is cut short."""
    at = 0
    while at + 4 <= len(data):
        number, length = struct.unpack_from("!HH", data, at)
        if at + 4 + length > len(data):
            return
        yield number, data[at + 4 : at + 4 + length]
        at += 4 + length
