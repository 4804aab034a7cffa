"""DHCPv4 packets: which questions are answered, with what. That a real client understands them is tested end to end."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevirt.machine.network.attachment import DhcpLease, Route
from kubevirt.virt_launcher.dhcp import packet

MAC = "52:54:00:aa:00:01"
LEASE = DhcpLease(bridge="k6t-eth0", server_ip="10.0.2.1", client_ip="10.0.2.2", prefix=24, gateway="10.0.2.1")


COOKIE = b"\x63\x82\x53\x63"


def question(kind: int, *, mac: str = MAC, options: bytes = b"", op: int = 1, cookie: bytes = COOKIE) -> bytes:
    head = struct.pack("!BBBBIHH", op, 1, 6, 0, 0xCAFE, 3, 0x8000) + bytes(16)
    hardware = bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0")
    return head + hardware + bytes(192) + cookie + bytes([53, 1, kind]) + options + b"\xff"


def ask(data: bytes, lease: DhcpLease = LEASE) -> bytes | None:
    asked = packet.parse(data)
    return packet.answer(asked, lease) if asked is not None else None


def options_of(reply: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 240
    while reply[at] != 255:
        number, length = reply[at], reply[at + 1]
        found[number] = found.get(number, b"") + reply[at + 2 : at + 2 + length]
        at += 2 + length
    return found


REQUESTED = bytes([50, 4, 10, 0, 2, 2])
ELSEWHERE = bytes([50, 4, 192, 168, 0, 9])
FROM_US, FROM_OTHERS = bytes([54, 4, 10, 0, 2, 1]), bytes([54, 4, 10, 0, 2, 99])


@pytest.mark.parametrize(
    ("data", "lease", "kind"),
    [
        pytest.param(b"", LEASE, None, id="nothing"),
        pytest.param(question(packet.DISCOVER)[:200], LEASE, None, id="cut off"),
        pytest.param(question(packet.DISCOVER, cookie=b"BOOT"), LEASE, None, id="BOOTP without DHCP"),
        pytest.param(question(packet.DISCOVER, op=2), LEASE, None, id="an answer of another server"),
        pytest.param(question(7), LEASE, None, id="a release"),
        pytest.param(
            question(packet.DISCOVER),
            DhcpLease(bridge="b", server_ip="1.1.1.1", client_ip="1.1.1.2", prefix=30, client_mac="52:54:00:00:00:99"),
            None,
            id="another machine on the bridge",
        ),
        pytest.param(question(packet.REQUEST, options=FROM_OTHERS), LEASE, None, id="another server was chosen"),
        pytest.param(question(packet.DISCOVER), LEASE, packet.OFFER, id="a discovery"),
        pytest.param(question(packet.REQUEST, options=REQUESTED + FROM_US), LEASE, packet.ACK, id="a request"),
        pytest.param(question(packet.REQUEST), LEASE, packet.ACK, id="a renewal"),
        pytest.param(
            question(packet.REQUEST, options=ELSEWHERE), LEASE, packet.NAK, id="an address of the guest's former life"
        ),
    ],
)
def test_which_questions_are_answered(data: bytes, lease: DhcpLease, kind: int | None) -> None:
    reply = ask(data, lease)
    assert (None if reply is None else options_of(reply)[53][0]) == kind


def test_an_offer_in_full() -> None:
    lease = DhcpLease(
        bridge="k6t-eth0", server_ip="169.254.75.10", client_ip="10.244.0.7", prefix=24, gateway="10.244.0.1",
        client_mac=MAC.upper(), dns=["10.96.0.10", "fd00::a"], search=["web.default.svc.cluster.local", "svc"],
        domain="cluster.local", hostname="web", mtu=1450, lease_s=999 * 86400,
        routes=[Route(destination="10.244.0.1/32"), Route(destination="", gateway="10.244.0.1")],
        ntp_servers=["10.0.0.1"], tftp_server_name="tftp", boot_file_name="pxe.0", private_options={240: "x", 224: "y"},
    )  # fmt: skip
    reply = ask(question(packet.DISCOVER), lease)
    assert reply is not None
    assert reply[:8] == bytes([2, 1, 6, 0]) + struct.pack("!I", 0xCAFE)
    assert reply[16:24] == bytes([10, 244, 0, 7, 169, 254, 75, 10])
    assert reply[28:34] == bytes.fromhex(MAC.replace(":", ""))
    assert options_of(reply) == {
        53: b"\x02",
        54: bytes([169, 254, 75, 10]),
        1: bytes([255, 255, 255, 0]),
        3: bytes([10, 244, 0, 1]),
        6: bytes([10, 96, 0, 10]),
        12: b"web",
        15: b"cluster.local",
        26: b"\x05\xaa",
        42: bytes([10, 0, 0, 1]),
        51: struct.pack("!I", 86313600),
        66: b"tftp",
        67: b"pxe.0",
        119: b"\x03web\x07default\x03svc\x07cluster\x05local\x00\x03svc\x00",
        121: bytes([32, 10, 244, 0, 1, 0, 0, 0, 0]) + bytes([0, 10, 244, 0, 1]),
        224: b"y",
        240: b"x",
    }


def test_long_options_are_split() -> None:
    encoded = packet.encode_options([(119, b"x" * 300), (12, b"")])
    assert encoded == b"\x77\xff" + b"x" * 255 + b"\x77\x2d" + b"x" * 45 + b"\x0c\x00\xff"


def test_no_reply_is_shorter_than_bootp_allows() -> None:
    reply = ask(question(packet.REQUEST, options=ELSEWHERE))
    assert reply is not None
    assert len(reply) >= 300


@given(st.binary(max_size=600))
def test_no_datagram_does_harm(data: bytes) -> None:
    ask(question(packet.DISCOVER, options=data))
    ask(data)
