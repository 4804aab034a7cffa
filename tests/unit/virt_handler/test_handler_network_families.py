"""Pods with IPv6 only, with both families, pods of one MAC address; and what wiring leaves in virt-handler: nothing.

As in test_handler_network, which has the ordinary pods, the namespaces, links and packets are real.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handler_held import assert_nothing_stays, held
from handler_pod import GATEWAY, GATEWAY6, POD_IP, POD_IP6, POD_MAC, Pod, do_wire, run, until_apart, vmi

from kubevirt.virt_handler.network import wiring
from kubevirt.virt_handler.network.links import Links
from kubevirt.virt_handler.network.namespace import PodNamespace

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(),
    reason="makes network namespaces and taps; run as root with /dev/net/tun",
)
BOTH, ONLY_6 = (4, 6), (6,)
GUEST, GUEST6 = "10.0.2.2", "fd10:0:2::2"


@pytest.fixture
def pod(request: pytest.FixtureRequest) -> Iterator[Pod]:
    pod = Pod(families=getattr(request, "param", (4,)))
    yield pod
    pod.end()


def addresses(pod: Pod, link: str) -> list[str]:
    def work() -> list[str]:
        with Links() as links:
            return links.addresses(links.get(link))

    return pod.do(work)


@pytest.mark.parametrize(("pod", "bridge", "dhcp", "dhcp6"), [
    pytest.param((4,), ["10.0.2.1/24"], True, False, id="IPv4 only"),
    pytest.param(ONLY_6, ["fd10:0:2::1/120"], False, True, id="IPv6 only"),
    pytest.param(BOTH, ["10.0.2.1/24", "fd10:0:2::1/120"], True, True, id="both"),
], indirect=["pod"])  # fmt: skip
def test_a_masqueraded_guest_has_the_families_of_its_pod(pod: Pod, bridge: list[str], dhcp: bool, dhcp6: bool) -> None:
    attachment, = do_wire(pod, vmi("masquerade"))
    assert addresses(pod, "k6t-eth0") == bridge
    assert (attachment.dhcp is not None, attachment.dhcp6 is not None) == (dhcp, dhcp6)
    assert do_wire(pod, vmi("masquerade")) == [attachment]


@pytest.mark.parametrize("pod", [ONLY_6, BOTH], indirect=True, ids=["IPv6 only", "both"])
def test_a_bridged_guest_takes_over_ipv6_as_well(pod: Pod) -> None:
    before = pod.nics()["eth0"]
    attachment, = do_wire(pod, vmi("bridge"))
    parked = pod.nics()["eth0"]
    assert attachment.mac == parked.mac == POD_MAC
    assert set(parked.addresses) == set(before.addresses) >= {f"{POD_IP6}/64"}
    assert attachment.dhcp is None or attachment.dhcp.client_ip == POD_IP
    assert not [address for address in addresses(pod, "eth0-nic") if address.startswith("fd00")]
    assert do_wire(pod, vmi("bridge")) == [attachment]


def reached(address: str, port: int) -> socket.socket:
    """A connection, as soon as the kernel has made up its mind that new IPv6 addresses are nobody else's."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection((address, port), timeout=60)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize(("pod", "guest", "gateway", "pod_address", "outside"), [
    pytest.param(ONLY_6, f"{GUEST6}/120", "fd10:0:2::1", POD_IP6, GATEWAY6, id="IPv6 in a pod without IPv4"),
    pytest.param(BOTH, f"{GUEST6}/120", "fd10:0:2::1", POD_IP6, GATEWAY6, id="IPv6 beside IPv4"),
    pytest.param(BOTH, f"{GUEST}/24", "10.0.2.1", POD_IP, GATEWAY, id="IPv4 beside IPv6"),
], indirect=["pod"])  # fmt: skip
def test_packets_reach_the_guest_and_show_who_sent_them(pod: Pod, guest: str, gateway: str, pod_address: str,
                                                        outside: str) -> None:
    do_wire(pod, vmi("masquerade"))
    inside = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        until_apart(inside.pid)
        pod.inside(f"ip link add port0 master k6t-eth0 type veth peer name eth0 netns {inside.pid}")
        pod.inside("ip link set port0 up")
        version = "-6 " if ":" in guest else ""
        run(inside.pid, f"ip addr add {guest} dev eth0" + (" nodad" if version else ""))
        run(inside.pid, "ip link set eth0 up")
        run(inside.pid, f"ip {version}route add default via {gateway}")
        address, family = guest.partition("/")[0], socket.AF_INET6 if version else socket.AF_INET

        async def exchange() -> tuple[str, str]:
            with PodNamespace(inside.pid) as here, PodNamespace(pod.outside.pid) as there:
                server = await here.run(lambda: socket.create_server((address, 8080), family=family))
                with server, await there.run(lambda: reached(pod_address, 8080)):
                    connection, peer = server.accept()
                    connection.close()
                outer = await there.run(lambda: socket.create_server((outside, 9090), family=family))
                with outer, await here.run(lambda: reached(outside, 9090)):
                    connection, seen = outer.accept()
                    connection.close()
                return peer[0], seen[0]

        assert asyncio.run(exchange()) == (outside, pod_address), "the guest sees who talks to it, others see the pod"
    finally:
        inside.kill()
        inside.wait()


def test_two_pods_with_one_mac_do_not_meet(pod: Pod) -> None:
    """Namespaces keep links apart: two bridged guests that were given the same MAC start both."""
    other = Pod()
    try:
        instance = vmi("bridge", macAddress="02:11:22:33:44:55")
        for each in (pod, other):
            attachment, = do_wire(each, instance)
            assert attachment.mac == "02:11:22:33:44:55"
            assert set(each.links()) == {"lo", "eth0", "eth0-nic", "k6t-eth0", "tap0"}
    finally:
        other.end()


@pytest.mark.parametrize("pod", [BOTH], indirect=True, ids=["both families"])
@pytest.mark.parametrize("step", ["add_addresses", "enslave", "create_tap", "ensure_rules"])
def test_a_masquerade_cut_short_is_finished_by_the_next(pod: Pod, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner: object = wiring if step in ("create_tap", "ensure_rules") else Links
    original = getattr(owner, step)

    def cut_short(*args: object, **kwargs: object) -> object:
        original(*args, **kwargs)
        raise OSError("virt-handler was killed")

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, cut_short)
        with pytest.raises(OSError, match="was killed"):
            do_wire(pod, vmi("masquerade"))
    attachment, = do_wire(pod, vmi("masquerade"))
    assert addresses(pod, "k6t-eth0") == ["10.0.2.1/24", "fd10:0:2::1/120"]
    assert set(pod.links()) == {"lo", "eth0", "k6t-eth0", "tap0"}
    assert "KUBEVIRT_PREINBOUND" in pod.do(_chains)
    assert do_wire(pod, vmi("masquerade")) == [attachment]


def _chains() -> set[str]:
    from pyroute2.nftables.main import NFTables

    with NFTables() as kernel:
        return {chain.get_attr("NFTA_CHAIN_NAME") for chain in kernel.get_chains()}


@pytest.mark.parametrize("binding", ["masquerade", "bridge"])
def test_wiring_leaves_no_descriptor_and_no_thread(pod: Pod, binding: str) -> None:
    do_wire(pod, vmi(binding))
    before = held()
    for _ in range(8):
        do_wire(pod, vmi(binding))
    assert_nothing_stays(before, held(), 8)


def test_a_wiring_that_fails_leaves_no_descriptor_and_no_thread(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no more links")

    monkeypatch.setattr(Links, "set_mtu", fails)
    before = held()
    for _ in range(8):
        with pytest.raises(OSError, match="no more links"):
            do_wire(pod, vmi("masquerade"))
    assert_nothing_stays(before, held(), 8)
