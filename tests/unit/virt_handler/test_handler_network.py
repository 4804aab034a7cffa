"""Wiring real network namespaces: masquerade and bridge binding, repeated, interrupted, and seen from outside by
packets.

Needs root and a kernel with network namespaces, taps, bridges and nftables. Which links, addresses and rules are wanted
is tested with `machine.network`; DHCP answers are the launcher's.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from handler_pod import GATEWAY, POD_IP, POD_MAC, Pod, do_wire, run, until_apart, vmi
from pyroute2.nftables.main import NFTables

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.machine.network import Route
from kubevirt.machine.network.facts import Resolver
from kubevirt.virt_handler.network.links import Links
from kubevirt.virt_handler.network.namespace import PodNamespace
from kubevirt.virt_handler.network.wiring import read_resolver, wire

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(),
    reason="makes network namespaces and taps; run as root with /dev/net/tun",
)


@pytest.fixture
def pod() -> Iterator[Pod]:
    pod = Pod()
    yield pod
    pod.end()


def rules() -> list[tuple[str, list[str]]]:
    """Chain and names of the expressions of every IPv4 rule, in order."""
    with NFTables() as nft:
        return [
            (rule.get_attr("NFTA_RULE_CHAIN"),
             [e.get_attr("NFTA_EXPR_NAME") for e in rule.get_attr("NFTA_RULE_EXPRESSIONS")])
            for rule in nft.get_rules()
        ]  # fmt: skip


def test_masquerade(pod: Pod) -> None:
    attachment, = do_wire(pod, vmi("masquerade"))
    links, nics = pod.links(), pod.nics()
    assert set(links) == {"lo", "eth0", "k6t-eth0", "tap0"}
    assert nics["eth0"].addresses == [f"{POD_IP}/24"], "the pod keeps its address"
    assert nics["k6t-eth0"].addresses == ["10.0.2.1/24"]
    assert nics["k6t-eth0"].mac == "02:00:00:00:00:00"
    assert nics["tap0"].mtu == nics["k6t-eth0"].mtu == attachment.mtu == 1450
    # The message types are made at run time.
    assert links["tap0"].get_attr("IFLA_MASTER") == links["k6t-eth0"]["index"]  # type: ignore[attr-defined]
    assert pod.inside("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/k6t-eth0/route_localnet") == "1\n1\n"
    assert attachment.tap == "tap0"
    assert attachment.ip_addresses == [POD_IP]
    assert pod.do(rules) == [
        ("prerouting", ["meta", "cmp", "counter", "immediate"]),
        ("output", ["payload", "cmp", "counter", "immediate", "nat"]),
        ("postrouting", ["payload", "cmp", "counter", "masq"]),
        ("postrouting", ["meta", "cmp", "counter", "immediate"]),
        ("KUBEVIRT_PREINBOUND", ["counter", "immediate", "nat"]),
        ("KUBEVIRT_POSTINBOUND", ["payload", "cmp", "counter", "immediate", "nat"]),
    ]


def test_masquerade_with_ports_translates_only_those(pod: Pod) -> None:
    do_wire(pod, vmi("masquerade", ports=[{"port": 80}, {"port": 53, "protocol": "UDP"}]))
    inbound = [names for chain, names in pod.do(rules) if chain == "KUBEVIRT_PREINBOUND"]
    assert inbound == [["meta", "cmp", "payload", "cmp", "counter", "immediate", "nat"]] * 2


def test_the_tap_belongs_to_the_launcher(pod: Pod) -> None:
    do_wire(pod, vmi("masquerade"))
    assert pod.inside("ip -d link show tap0").count("user 107 group 107") == 1


@pytest.mark.parametrize("binding", ["masquerade", "bridge"])
def test_wiring_again_changes_nothing_and_gives_the_same_answer(pod: Pod, binding: str) -> None:
    first = do_wire(pod, vmi(binding))
    before = (pod.nics(), pod.inside("ip -4 -o address"), pod.do(rules))
    assert do_wire(pod, vmi(binding)) == first
    assert (pod.nics(), pod.inside("ip -4 -o address"), pod.do(rules)) == before


def test_bridge_gives_the_pods_identity_to_the_guest(pod: Pod) -> None:
    attachment, = do_wire(pod, vmi("bridge"))
    links, nics = pod.links(), pod.nics()
    assert set(links) == {"lo", "eth0", "eth0-nic", "k6t-eth0", "tap0"}
    assert attachment.mac == nics["eth0"].mac == POD_MAC, "the parked link keeps what the guest gets"
    assert nics["eth0"].addresses == [f"{POD_IP}/24"]
    assert nics["eth0-nic"].addresses == []
    assert nics["eth0-nic"].mac == nics["k6t-eth0"].mac != POD_MAC, "nobody but the guest answers with its MAC"
    assert nics["k6t-eth0"].addresses == ["169.254.75.10/32"]
    assert attachment.dhcp is not None
    assert (attachment.dhcp.client_ip, attachment.dhcp.prefix, attachment.dhcp.gateway) == (POD_IP, 24, GATEWAY)
    assert attachment.dhcp.routes == [Route(destination="10.244.0.0/16", gateway=GATEWAY),
                                      Route(destination="0.0.0.0/0", gateway=GATEWAY)]  # fmt: skip
    assert pod.inside("cat /proc/sys/net/ipv4/conf/k6t-eth0/arp_ignore") == "1\n"
    assert pod.do(rules) == []


@pytest.mark.parametrize("step", ["ensure_holder", "mark_parked", "remove_addresses", "up", "enslave"])
def test_a_wiring_cut_short_is_finished_by_the_next(pod: Pod, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = getattr(Links, step)

    def cut_short(*args: object, **kwargs: object) -> object:
        original(*args, **kwargs)
        raise OSError("virt-handler was killed")

    with monkeypatch.context() as patched:
        patched.setattr(Links, step, cut_short)
        with pytest.raises(OSError, match="was killed"):
            do_wire(pod, vmi("bridge"))
    attachment, = do_wire(pod, vmi("bridge"))
    assert attachment.mac == POD_MAC
    assert attachment.dhcp is not None
    assert (attachment.dhcp.client_ip, attachment.dhcp.gateway) == (POD_IP, GATEWAY)
    assert set(pod.links()) == {"lo", "eth0", "eth0-nic", "k6t-eth0", "tap0"}


def test_packets_to_the_pod_reach_a_masqueraded_guest_and_come_back(pod: Pod) -> None:
    """A second namespace with a veth on the bridge stands for the guest; a real one is booted end to end."""
    do_wire(pod, vmi("masquerade"))
    guest = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        until_apart(guest.pid)
        pod.inside(f"ip link add port0 master k6t-eth0 type veth peer name eth0 netns {guest.pid}")
        pod.inside("ip link set port0 up")
        run(guest.pid, "ip addr add 10.0.2.2/24 dev eth0")
        run(guest.pid, "ip link set eth0 up")
        run(guest.pid, "ip route add default via 10.0.2.1")

        def listen() -> socket.socket:
            return socket.create_server(("10.0.2.2", 8080))

        async def exchange() -> tuple[str, str]:
            with PodNamespace(guest.pid) as inside, PodNamespace(pod.outside.pid) as outside:
                server = await inside.run(listen)
                client = await outside.run(lambda: socket.create_connection((POD_IP, 8080), timeout=5))
                with server, client:
                    connection, peer = server.accept()
                    with connection:
                        outward = await inside.run(lambda: _ask_address(pod, "10.0.2.2"))
                        return peer[0], outward

        def _ask_address(pod: Pod, source: str) -> str:
            with socket.socket() as s:
                s.settimeout(5)
                s.bind((source, 0))
                s.connect((GATEWAY, 9090))
                return s.recv(64).decode()

        def answer() -> socket.socket:
            return socket.create_server((GATEWAY, 9090))

        async def both() -> tuple[str, str]:
            with PodNamespace(pod.outside.pid) as outside:
                server = await outside.run(answer)

            async def tell() -> None:
                connection, peer = await asyncio.to_thread(server.accept)
                with connection:
                    connection.sendall(peer[0].encode())

            told = asyncio.create_task(tell())
            seen = await exchange()
            await told
            server.close()
            return seen

        from_outside, as_seen_outside = asyncio.run(both())
        assert from_outside == GATEWAY, "the guest sees who talks to it"
        assert as_seen_outside == POD_IP, "others see the pod's address"
    finally:
        guest.kill()
        guest.wait()


def test_a_pod_without_the_link_of_a_network_is_refused_with_its_name(pod: Pod) -> None:
    instance = vmi("bridge")
    instance.spec.networks = codec.convert(
        {"spec": {"networks": [{"name": "default", "multus": {"networkName": "lan"}}]}}, VirtualMachineInstance
    ).spec.networks
    with pytest.raises(Problem, match="has no link"):
        do_wire(pod, instance)
    assert set(pod.links()) == {"lo", "eth0"}, "nothing is half done"


def test_the_nodes_own_namespace_is_never_wired() -> None:
    with pytest.raises(Problem, match="shares the network namespace of the node"):
        asyncio.run(wire(vmi("masquerade"), os.getpid()))


def test_a_process_that_is_gone_is_named() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(Problem, match="cannot be opened"):
        PodNamespace(process.pid)


def test_resolver(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("# by kubelet\nsearch a.b c.d\nnameserver 10.96.0.10\noptions ndots:5\n")
    assert read_resolver(tmp_path / "resolv.conf") == Resolver(nameservers=["10.96.0.10"], search=["a.b", "c.d"])
