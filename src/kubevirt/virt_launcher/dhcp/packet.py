"""DHCPv4 for exactly one client and one address (RFC 2131, 2132, 3397, 3442). Pure: bytes in, bytes out.

By hand because a lease server that a guest shares with nobody needs a page of RFC tables, and what the field offers
brings a packet library several times the launcher's size.
"""

import struct
from socket import inet_aton, inet_ntoa

import msgspec

from kubevirt.machine.network.attachment import DhcpLease

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6

_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_COOKIE = b"\x63\x82\x53\x63"
_BOOTREQUEST, _BOOTREPLY = 1, 2
_PAD, _END = 0, 255
_MIN_BYTES = 300
"""Of a BOOTP packet; some clients drop shorter ones."""
_OPTION_MAX = 255


class Question(msgspec.Struct, frozen=True, kw_only=True):
    transaction: int
    seconds: int
    flags: int
    client_mac: str
    hardware: bytes
    relay: bytes
    kind: int
    requested: str = ""
    server: str = ""
    """The server that the client has chosen, in a REQUEST after an OFFER."""


def parse(data: bytes) -> Question | None:
    """The question in a datagram; None for anything that is not an Ethernet client's DHCP message."""
    if len(data) < _HEADER.size or data[_HEADER.size - 4 : _HEADER.size] != _COOKIE:
        return None
    op, htype, hlen, _hops, xid, secs, flags, _ci, _yi, _si, gi, chaddr, *_ = _HEADER.unpack_from(data)
    if op != _BOOTREQUEST or htype != 1 or hlen != 6:
        return None
    options = _options(data[_HEADER.size :])
    if len(options.get(53, b"")) != 1:
        return None
    return Question(
        transaction=xid,
        seconds=secs,
        flags=flags,
        client_mac=chaddr[:6].hex(":"),
        hardware=chaddr,
        relay=gi,
        kind=options[53][0],
        requested=_address(options.get(50, b"")),
        server=_address(options.get(54, b"")),
    )


def answer(question: Question, lease: DhcpLease) -> bytes | None:
    """The datagram to send back; None when this server has nothing to say to it."""
    if lease.client_mac and question.client_mac != lease.client_mac.lower():
        return None
    if question.kind == DISCOVER:
        kind = OFFER
    elif question.kind == REQUEST:
        if question.server and question.server != lease.server_ip:
            return None  # the client took somebody else's offer
        kind = NAK if question.requested and question.requested != lease.client_ip else ACK
    else:
        return None
    options = [(53, bytes([kind])), (54, inet_aton(lease.server_ip))]
    if kind != NAK:
        options += lease_options(lease)
    header = _HEADER.pack(
        _BOOTREPLY, 1, 6, 0, question.transaction, question.seconds, question.flags,
        bytes(4),
        bytes(4) if kind == NAK else inet_aton(lease.client_ip),
        inet_aton(lease.server_ip),
        question.relay,
        question.hardware,
        b"",
        lease.boot_file_name.encode()[:127],
        _COOKIE,
    )  # fmt: skip
    return (header + encode_options(options)).ljust(_MIN_BYTES, b"\0")


def lease_options(lease: DhcpLease) -> list[tuple[int, bytes]]:
    """The lease as option numbers and values, in ascending order except that the mask comes first (RFC 2132, 3.3)."""
    options: list[tuple[int, bytes]] = [(1, _mask(lease.prefix))]
    if lease.gateway:
        options.append((3, inet_aton(lease.gateway)))
    dns = [inet_aton(server) for server in lease.dns if ":" not in server]
    if dns:
        options.append((6, b"".join(dns)))
    for number, text in ((12, lease.hostname), (15, lease.domain)):
        if text:
            options.append((number, text.encode()))
    if lease.mtu:
        options.append((26, struct.pack("!H", lease.mtu)))
    if lease.ntp_servers:
        options.append((42, b"".join(inet_aton(server) for server in lease.ntp_servers)))
    options.append((51, struct.pack("!I", min(lease.lease_s, 0xFFFFFFFF))))
    for number, text in ((66, lease.tftp_server_name), (67, lease.boot_file_name)):
        if text:
            options.append((number, text.encode()))
    if lease.search:
        options.append((119, search_list(lease.search)))
    if lease.routes:
        options.append((121, b"".join(_route(route.destination, route.gateway) for route in lease.routes)))
    options.extend((number, text.encode()) for number, text in sorted(lease.private_options.items()))
    return options


def encode_options(options: list[tuple[int, bytes]]) -> bytes:
    """Options longer than 255 bytes are split, to be joined by the client (RFC 3396)."""
    encoded = bytearray()
    for number, value in options:
        for start in range(0, max(len(value), 1), _OPTION_MAX):
            part = value[start : start + _OPTION_MAX]
            encoded += bytes([number, len(part)]) + part
    return bytes(encoded) + bytes([_END])


def search_list(domains: list[str]) -> bytes:
    """Domain names as in DNS messages (RFC 3397), without compression, which is allowed and simpler to read."""
    encoded = bytearray()
    for domain in domains:
        for label in domain.strip(".").split("."):
            encoded += bytes([len(label)]) + label.encode("idna" if not label.isascii() else "ascii")
        encoded += b"\0"
    return bytes(encoded)


def _route(destination: str, gateway: str) -> bytes:
    """RFC 3442: the width of the prefix, its significant bytes, the router."""
    address, _, width = (destination or "0/0").partition("/")
    prefix = int(width or 32)
    network = bytes(byte & mask for byte, mask in zip(inet_aton(address), _mask(prefix), strict=True))
    return bytes([prefix]) + network[: (prefix + 7) // 8] + inet_aton(gateway or "0")


def _mask(prefix: int) -> bytes:
    return struct.pack("!I", 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF)


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        if at + 1 >= len(data):
            break
        number, length = data[at], data[at + 1]
        found[number] = found.get(number, b"") + data[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def _address(packed: bytes) -> str:
    return inet_ntoa(packed) if len(packed) == 4 else ""
