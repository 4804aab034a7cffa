"""What is made in a pod for each network: links, addresses, translation rules, leases. The making is virt-handler's."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_samples import vmi

from kubevirt.api.network import MultusNetwork, Network, PodNetwork
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.network import names
from kubevirt.machine.network.attachment import Route
from kubevirt.machine.network.facts import PodNic, Resolver
from kubevirt.machine.network.plan import NicPlan, plan_networks

POD = PodNic(name="eth0", mac="0a:58:0a:f4:01:05", mtu=1450, addresses=["10.244.1.5/24"], routes=[
    Route(destination="10.244.1.0/24"),
    Route(destination="", gateway="10.244.1.1"),
    Route(destination="10.96.0.0/12", gateway="10.244.1.2"),
])
POD_V6 = PodNic(name="eth0", mac=POD.mac, mtu=1450, addresses=["10.244.1.5/24", "fd00:10::5/64"])
RESOLVER = Resolver(nameservers=["10.96.0.10", "fd00::a"],
                    search=["lab.svc.cluster.local", "svc.cluster.local", "cluster.local"])


def masquerade(nic: PodNic = POD, **changes: Json) -> NicPlan:
    interface: JsonObject = {"name": "default", "masquerade": {}, **changes}
    return plan_networks(vmi(devices={"interfaces": [interface]}), [nic], RESOLVER)[0]


def bridge(nic: PodNic = POD, **changes: Json) -> NicPlan:
    interface: JsonObject = {"name": "default", "bridge": {}, **changes}
    return plan_networks(vmi(devices={"interfaces": [interface]}), [nic], RESOLVER)[0]


def rule_texts(plan: NicPlan, family: str = "ip") -> list[str]:
    """Rules as nft would print them, roughly."""
    texts = []
    for rule in plan.rules:
        if rule.family != family:
            continue
        parts = [rule.chain + ":"]
        parts += [f"iif {rule.iifname}"] if rule.iifname else []
        parts += [f"oif {rule.oifname}"] if rule.oifname else []
        parts += [f"from {','.join(rule.saddr)}"] if rule.saddr else []
        parts += [f"to {','.join(rule.daddr)}"] if rule.daddr else []
        parts += [f"{rule.proto}/{rule.dport}"] if rule.dport else []
        texts.append(" ".join([*parts, rule.action, rule.target]).rstrip())
    return texts


@pytest.mark.parametrize(("network", "link", "bridge_name", "tap"), [
    pytest.param(Network(name="default", pod=PodNetwork()), "eth0", "k6t-eth0", "tap0", id="the pod network"),
    pytest.param(Network(name="main", multus=MultusNetwork(network_name="a/b", default=True)), "eth0", "k6t-eth0",
                 "tap0", id="a network in the place of the pod network"),
    pytest.param(Network(name="red", multus=MultusNetwork(network_name="red-net")), "podb1f51a511f1",
                 "k6t-b1f51a511f1", "tapb1f51a511f1", id="a secondary network goes by a digest of its name"),
])
def test_names_of_links(network: Network, link: str, bridge_name: str, tap: str) -> None:
    assert (names.pod_link(network), names.bridge(network), names.tap(network)) == (link, bridge_name, tap)


@given(st.text(min_size=1, max_size=300))
def test_names_of_links_fit_into_the_kernels_limit(name: str) -> None:
    network = Network(name=name, multus=MultusNetwork(network_name="x"))
    found = [names.pod_link(network), names.bridge(network), names.tap(network), names.renamed_pod_link(network)]
    assert all(len(link) <= 15 for link in found)


class TestMasquerade:
    def test_the_guest_is_behind_the_bridge(self) -> None:
        plan = masquerade()
        assert (plan.bridge, plan.tap, plan.bridge_mac) == ("k6t-eth0", "tap0", "02:00:00:00:00:00")
        assert plan.bridge_addresses == ["10.0.2.1/24"]
        assert plan.sysctls["net/ipv4/ip_forward"] == "1"
        assert plan.sysctls["net/ipv4/conf/k6t-eth0/route_localnet"] == "1"
        assert not plan.renamed_nic

    def test_without_ports_everything_goes_to_the_guest(self) -> None:
        assert rule_texts(masquerade()) == [
            "postrouting: from 10.0.2.2 masquerade",
            "prerouting: iif eth0 jump KUBEVIRT_PREINBOUND",
            "postrouting: oif k6t-eth0 jump KUBEVIRT_POSTINBOUND",
            "KUBEVIRT_PREINBOUND: dnat 10.0.2.2",
            "KUBEVIRT_POSTINBOUND: from 127.0.0.1 snat 10.0.2.1",
            "output: to 127.0.0.1 dnat 10.0.2.2",
        ]

    def test_with_ports_only_these_do(self) -> None:
        plan = masquerade(ports=[{"port": 22}, {"port": 53, "protocol": "UDP"}])
        assert rule_texts(plan)[3:] == [
            "KUBEVIRT_PREINBOUND: tcp/22 dnat 10.0.2.2",
            "KUBEVIRT_POSTINBOUND: from 127.0.0.1 tcp/22 snat 10.0.2.1",
            "output: to 127.0.0.1 tcp/22 dnat 10.0.2.2",
            "KUBEVIRT_PREINBOUND: udp/53 dnat 10.0.2.2",
            "KUBEVIRT_POSTINBOUND: from 127.0.0.1 udp/53 snat 10.0.2.1",
            "output: to 127.0.0.1 udp/53 dnat 10.0.2.2",
        ]

    def test_chains_come_with_their_hooks(self) -> None:
        assert [(chain.name, chain.hook, chain.priority) for chain in masquerade().chains] == [
            ("prerouting", "prerouting", -100), ("input", "input", 100), ("output", "output", -100),
            ("postrouting", "postrouting", 100), ("KUBEVIRT_PREINBOUND", "", 0), ("KUBEVIRT_POSTINBOUND", "", 0),
        ]

    def test_a_pod_without_ipv6_gets_none(self) -> None:
        plan = masquerade()
        assert plan.attachment.dhcp6 is None
        assert not rule_texts(plan, "ip6")

    def test_ipv6_beside_ipv4(self) -> None:
        plan = masquerade(POD_V6)
        assert plan.bridge_addresses == ["10.0.2.1/24", "fd10:0:2::1/120"]
        assert rule_texts(plan, "ip6")[0] == "postrouting: from fd10:0:2::2 masquerade"
        assert plan.attachment.dhcp6 is not None
        assert plan.attachment.dhcp6.client_ip == "fd10:0:2::2"
        assert plan.attachment.dhcp6.dns == ["fd00::a"]
        assert plan.attachment.ip_addresses == ["10.244.1.5", "fd00:10::5"]

    def test_a_network_of_ones_own(self) -> None:
        machine = vmi({"networks": [{"name": "default", "pod": {"vmNetworkCIDR": "192.168.7.0/28"}}]})
        lease = plan_networks(machine, [POD], RESOLVER)[0].attachment.dhcp
        assert lease is not None
        assert (lease.server_ip, lease.client_ip, lease.prefix) == ("192.168.7.1", "192.168.7.2", 28)

    def test_istio_takes_what_comes_in_but_ssh(self) -> None:
        machine = vmi(metadata={"annotations": {"sidecar.istio.io/inject": "true"}},
                      devices={"interfaces": [{"name": "default", "masquerade": {}, "ports": [
                          {"port": 22}, {"port": 80}, {"port": 15001}]}]})
        assert rule_texts(plan_networks(machine, [POD], RESOLVER)[0])[3:] == [
            "KUBEVIRT_PREINBOUND: tcp/22 dnat 10.0.2.2",
            "KUBEVIRT_POSTINBOUND: from 127.0.0.1,127.0.0.6 tcp/22 snat 10.0.2.1",
            "output: to 127.0.0.1,10.244.1.5 tcp/22 dnat 10.0.2.2",
            "KUBEVIRT_POSTINBOUND: from 127.0.0.1,127.0.0.6 tcp/80 snat 10.0.2.1",
            "output: to 127.0.0.1,10.244.1.5 tcp/80 dnat 10.0.2.2",
        ]

    def test_lease(self) -> None:
        lease = masquerade().attachment.dhcp
        assert lease is not None
        assert (lease.client_ip, lease.gateway, lease.prefix, lease.mtu) == ("10.0.2.2", "10.0.2.1", 24, 1450)
        assert lease.dns == ["10.96.0.10"]
        assert (lease.hostname, lease.domain) == ("guest", "lab.svc.cluster.local")
        assert lease.routes == []


class TestBridge:
    def test_the_guest_takes_over_address_and_mac(self) -> None:
        plan = bridge()
        lease = plan.attachment.dhcp
        assert lease is not None
        assert (lease.client_ip, lease.prefix, lease.gateway) == ("10.244.1.5", 24, "10.244.1.1")
        assert lease.client_mac == plan.attachment.mac == POD.mac
        assert lease.routes == [
            Route(destination="10.96.0.0/12", gateway="10.244.1.2"),
            Route(destination="0.0.0.0/0", gateway="10.244.1.1"),
        ]
        assert not plan.rules

    def test_the_pods_link_becomes_a_port_and_its_name_is_parked(self) -> None:
        plan = bridge()
        assert (plan.renamed_nic, plan.parked_name) == ("eth0-nic", "eth0")
        assert (plan.parked_mac, plan.parked_addresses) == (POD.mac, POD.addresses)
        assert plan.bridge_addresses == ["169.254.75.10/32"]
        assert plan.sysctls["net/ipv4/conf/k6t-eth0/arp_ignore"] == "1"

    def test_a_mac_of_ones_own(self) -> None:
        plan = bridge(macAddress="02:11:22:33:44:55")
        assert plan.attachment.mac == "02:11:22:33:44:55"
        assert plan.parked_mac == POD.mac

    def test_without_a_pod_address_there_is_nothing_to_serve(self) -> None:
        plan = bridge(PodNic(name="eth0", mac=POD.mac, mtu=1500))
        assert plan.attachment.dhcp is None
        assert plan.bridge_addresses == []

    def test_dhcp_options(self) -> None:
        lease = bridge(dhcpOptions={
            "bootFileName": "pxe.0", "tftpServerName": "tftp", "ntpServers": ["10.0.0.1"],
            "privateOptions": [{"option": 240, "value": "x"}],
        }).attachment.dhcp
        assert lease is not None
        assert (lease.boot_file_name, lease.tftp_server_name, lease.ntp_servers) == ("pxe.0", "tftp", ["10.0.0.1"])
        assert lease.private_options == {240: "x"}


def test_a_subdomain_comes_first_in_the_search_list() -> None:
    lease = plan_networks(vmi({"subdomain": "web"}), [POD], RESOLVER)[0].attachment.dhcp
    assert lease is not None
    assert lease.search == ["web.lab.svc.cluster.local", *RESOLVER.search]
    assert lease.domain == "web.lab.svc.cluster.local"


def test_a_link_that_the_cni_did_not_make_is_named() -> None:
    machine = vmi({"networks": [{"name": "red", "multus": {"networkName": "red"}}]},
                  devices={"interfaces": [{"name": "red", "bridge": {}}]})
    with pytest.raises(Problem) as caught:
        plan_networks(machine, [POD], RESOLVER)
    assert caught.value.field == "spec.networks[red]"
    assert "podb1f51a511f1" in caught.value.cause


def test_absent_and_sriov_interfaces_need_nothing() -> None:
    machine = vmi(
        {"networks": [{"name": "a", "pod": {}}, {"name": "b", "multus": {"networkName": "b"}}]},
        devices={"interfaces": [{"name": "a", "bridge": {}, "state": "absent"}, {"name": "b", "sriov": {}}]},
    )
    assert plan_networks(machine, [POD], RESOLVER) == []


@pytest.mark.parametrize(("devices", "queues"), [
    pytest.param({}, 1, id="one unless asked for"),
    pytest.param({"networkInterfaceMultiqueue": True}, 4, id="one per vCPU"),
    pytest.param({"networkInterfaceMultiqueue": True,
                  "interfaces": [{"name": "default", "masquerade": {}, "model": "e1000"}]}, 1,
                 id="models that cannot do it"),
])
def test_tap_queues(devices: dict[str, object], queues: int) -> None:
    machine = vmi(domain={"cpu": {"cores": 2, "sockets": 2}}, devices=devices)  # type: ignore[arg-type]  # test data
    assert plan_networks(machine, [POD], RESOLVER)[0].tap_queues == queues


@given(st.ip_addresses(v=4), st.integers(16, 29))
def test_guest_and_gateway_are_in_the_network(address: ipaddress.IPv4Address, prefix: int) -> None:
    subnet = ipaddress.IPv4Network((int(address) >> 3 << 3, prefix), strict=False)
    machine = vmi({"networks": [{"name": "default", "pod": {"vmNetworkCIDR": str(subnet)}}]})
    lease = plan_networks(machine, [POD], RESOLVER)[0].attachment.dhcp
    assert lease is not None
    assert ipaddress.ip_address(lease.client_ip) in subnet
    assert ipaddress.ip_address(lease.gateway) in subnet
    assert lease.client_ip != lease.gateway


def test_an_interface_that_a_running_guest_was_given_waits_for_a_pod_that_has_its_link() -> None:
    interfaces: list[Json] = [{"name": "default", "masquerade": {}}, {"name": "side", "bridge": {}}]
    instance = vmi(devices={"interfaces": interfaces})
    instance.spec.networks.append(Network(name="side", multus=MultusNetwork(network_name="side")))
    assert [p.network for p in plan_networks(instance, [POD], RESOLVER, running=True)] == ["default"]
    with pytest.raises(Problem, match="the pod has no link"):
        plan_networks(instance, [POD], RESOLVER)
