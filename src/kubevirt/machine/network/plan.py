"""What the node agent creates in a pod for each network of a VMI: decided here, done in virt-handler.

The plan depends on nothing but its arguments, so making it again after a restart gives the same plan, and wiring is a
comparison of plan and pod. Two bindings exist here: `masquerade`, where the guest has a private address and the pod's
address is translated, and `bridge`, where the guest takes over the pod's address and MAC. SR-IOV and passt need
nothing in advance.
"""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec

from kubevirt.api.network import Interface, Network
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Problem
from kubevirt.machine.guest_cpu import count_vcpus
from kubevirt.machine.network import lease, names, nat
from kubevirt.machine.network.attachment import NicAttachment
from kubevirt.machine.network.facts import PodNic, Resolver

DEFAULT_V4 = "10.0.2.0/24"
DEFAULT_V6 = "fd10:0:2::/120"
MASQUERADE_BRIDGE_MAC = "02:00:00:00:00:00"
"""Fixed, and therefore refused for guests: a guest keeps its neighbour entry of the gateway when it migrates."""
MAX_QUEUES = 256
LAUNCHER_UID = 107
ISTIO_INJECT = "sidecar.istio.io/inject"


class NicPlan(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One interface: links with their addresses, kernel settings, translation rules, and the launcher's share of it."""

    network: str
    binding: Literal["masquerade", "bridge"]
    pod_ifname: str
    bridge: str
    tap: str
    mtu: int
    attachment: NicAttachment
    bridge_mac: str = ""  # empty: the kernel's choice
    bridge_addresses: list[str] = []
    tap_queues: int = 1
    tap_owner: int = LAUNCHER_UID
    renamed_nic: str = ""  # bridge binding: new name of the pod's link, which becomes a port of the bridge
    parked_name: str = ""  # bridge binding: link that keeps the pod's name, MAC and addresses for whoever looks
    parked_mac: str = ""
    parked_addresses: list[str] = []
    sysctls: dict[str, str] = {}  # path below /proc/sys -> value
    chains: list[nat.NftChain] = []
    rules: list[nat.NftRule] = []


def plan_networks(
    vmi: VirtualMachineInstance, pod_nics: list[PodNic], resolver: Resolver, *, running: bool = False
) -> list[NicPlan]:
    """A plan for every interface that needs one, in the order of the spec.

    Raises Problem when the pod lacks the link of a network: the CNI plugins did not make what was asked for. Of a
    guest that is `running` already such an interface was added later; it waits for a pod that has the link.
    """
    networks = {network.name: network for network in vmi.spec.networks}
    links = {nic.name: nic for nic in pod_nics}
    plans = []
    for index, interface in enumerate(vmi.spec.domain.devices.interfaces):
        if interface.state == "absent" or (interface.masquerade is None and interface.bridge is None):
            continue
        network = networks[interface.name]
        nic = links.get(names.pod_link(network))
        if nic is None and running:
            continue
        if nic is None:
            raise Problem(
                field=f"spec.networks[{network.name}]",
                cause=f"the pod has no link {names.pod_link(network)!r} for network {network.name!r}",
                remedy="look at the events of the pod and at the network attachment definition",
            )
        if interface.masquerade is not None:
            plans.append(_masquerade(vmi, interface, network, nic, resolver))
        else:
            plans.append(_bridge(vmi, interface, network, nic, resolver, index=index))
    return plans


def tap_queues(vmi: VirtualMachineInstance, interface: Interface) -> int:
    """One queue per vCPU when multi-queue is asked for and the model can do it."""
    if not vmi.spec.domain.devices.network_interface_multiqueue or interface.model not in (None, "", "virtio"):
        return 1
    return min(count_vcpus(vmi.spec.domain), MAX_QUEUES)


def _addresses(nic: PodNic) -> list[str]:
    return [str(ipaddress.ip_interface(address).ip) for address in nic.addresses]


def _masquerade(
    vmi: VirtualMachineInstance, interface: Interface, network: Network, nic: PodNic, resolver: Resolver
) -> NicPlan:
    bridge = names.bridge(network)
    attachment = NicAttachment(network=network.name, tap=names.tap(network), mac=interface.mac_address or "",
                               mtu=nic.mtu, pod_interface=nic.name, ip_addresses=_addresses(nic))
    plan = NicPlan(network=network.name, binding="masquerade", pod_ifname=nic.name, bridge=bridge,
                   tap=attachment.tap, mtu=nic.mtu, attachment=attachment, bridge_mac=MASQUERADE_BRIDGE_MAC,
                   tap_queues=tap_queues(vmi, interface))
    plan.sysctls["net/ipv4/ip_unprivileged_port_start"] = "0"
    istio = vmi.metadata.annotations.get(ISTIO_INJECT, "").lower() == "true"
    given = network.pod
    if pod_address := nic.address(4):
        subnet = ipaddress.IPv4Network((given and given.vm_network_cidr) or DEFAULT_V4, strict=False)
        plan.bridge_addresses.append(f"{subnet[1]}/{subnet.prefixlen}")
        plan.sysctls["net/ipv4/ip_forward"] = "1"
        plan.sysctls[f"net/ipv4/conf/{bridge}/route_localnet"] = "1"
        attachment.dhcp = lease.masquerade_lease(bridge, subnet, nic.mtu)
        lease.complete(attachment.dhcp, vmi, resolver, interface.dhcp_options)
        _translate(plan, "ip", subnet, interface, pod_address if istio else "")
    if pod_address := nic.address(6):
        subnet6 = ipaddress.IPv6Network((given and given.vm_ipv6_network_cidr) or DEFAULT_V6, strict=False)
        plan.bridge_addresses.append(f"{subnet6[1]}/{subnet6.prefixlen}")
        plan.sysctls["net/ipv6/conf/all/forwarding"] = "1"
        attachment.dhcp6 = lease.masquerade_lease6(bridge, subnet6, MASQUERADE_BRIDGE_MAC)
        lease.complete6(attachment.dhcp6, vmi, resolver)
        _translate(plan, "ip6", subnet6, interface, pod_address if istio else "")
    return plan


def _translate(
    plan: NicPlan,
    family: nat.Family,
    subnet: ipaddress.IPv4Network | ipaddress.IPv6Network,
    interface: Interface,
    istio_address: str,
) -> None:
    plan.chains += nat.chains(family)
    plan.rules += nat.rules(nat.Masquerade(
        family=family, guest=str(subnet[2]), gateway=str(subnet[1]), pod_link=plan.pod_ifname, bridge=plan.bridge,
        ports=interface.ports, istio_pod_address=istio_address.partition("/")[0],
    ))


def _bridge(
    vmi: VirtualMachineInstance, interface: Interface, network: Network, nic: PodNic, resolver: Resolver, *, index: int
) -> NicPlan:
    bridge = names.bridge(network)
    mac = interface.mac_address or nic.mac
    server_ip = f"169.254.75.1{index}"
    attachment = NicAttachment(network=network.name, tap=names.tap(network), mac=mac, mtu=nic.mtu,
                               pod_interface=nic.name, ip_addresses=_addresses(nic))
    attachment.dhcp = lease.bridge_lease(bridge, nic, server_ip, mac)
    plan = NicPlan(network=network.name, binding="bridge", pod_ifname=nic.name, bridge=bridge, tap=attachment.tap,
                   mtu=nic.mtu, attachment=attachment, tap_queues=tap_queues(vmi, interface),
                   renamed_nic=names.renamed_pod_link(network), parked_name=nic.name, parked_mac=nic.mac,
                   parked_addresses=nic.addresses)
    if attachment.dhcp is not None:
        lease.complete(attachment.dhcp, vmi, resolver, interface.dhcp_options)
        plan.bridge_addresses = [f"{server_ip}/32"]
        # The bridge's own address is for DHCP only: it must not answer for the address that now is the guest's.
        plan.sysctls[f"net/ipv4/conf/{bridge}/arp_ignore"] = "1"
        plan.sysctls["net/ipv4/ip_unprivileged_port_start"] = "0"
    return plan
