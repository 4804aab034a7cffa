"""The answers of the DHCP servers: what a guest learns of its network is what its pod was given.

The pod's resolver and search list are handed on, with the headless service of `spec.subdomain` before them, so names
resolve in the guest as they do in a pod. The bridge binding hands on the pod's address and routes as well; with
masquerade the guest has an address of its own behind the pod's.
"""

from __future__ import annotations

import ipaddress

from kubevirt.api.network import DHCPOptions
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.hostname import hostname
from kubevirt.machine.network.attachment import Dhcp6Lease, DhcpLease, Route
from kubevirt.machine.network.facts import PodNic, Resolver

DEFAULT_V4 = "0.0.0.0/0"


def masquerade_lease(bridge: str, subnet: ipaddress.IPv4Network, mtu: int) -> DhcpLease:
    """The second address of the subnet for the guest, the first one for the bridge, its gateway and DHCP server."""
    return DhcpLease(bridge=bridge, server_ip=str(subnet[1]), client_ip=str(subnet[2]), prefix=subnet.prefixlen,
                     gateway=str(subnet[1]), mtu=mtu)


def masquerade_lease6(bridge: str, subnet: ipaddress.IPv6Network, server_mac: str) -> Dhcp6Lease:
    return Dhcp6Lease(bridge=bridge, client_ip=str(subnet[2]), server_mac=server_mac)


def bridge_lease(bridge: str, nic: PodNic, server_ip: str, client_mac: str) -> DhcpLease | None:
    """None when the pod has no IPv4 address: then somebody else on that network gives out addresses, or nobody."""
    address = nic.address(4)
    if not address:
        return None
    own = ipaddress.IPv4Interface(address)
    gateway, routes = _routes_to_hand_on(nic, own)
    return DhcpLease(bridge=bridge, server_ip=server_ip, client_ip=str(own.ip), prefix=own.network.prefixlen,
                     gateway=gateway, client_mac=client_mac, mtu=nic.mtu, routes=routes)


def _routes_to_hand_on(nic: PodNic, own: ipaddress.IPv4Interface) -> tuple[str, list[Route]]:
    """Gateway, and the routes with the default one last; the route to the own subnet follows from the address."""
    gateway = ""
    routes: list[Route] = []
    for route in nic.routes:
        if ":" in route.destination or ":" in route.gateway:
            continue
        if route.destination in ("", DEFAULT_V4):
            gateway = route.gateway
        elif route.gateway or ipaddress.IPv4Network(route.destination) != own.network:
            routes.append(route)
    if gateway:
        routes.append(Route(destination=DEFAULT_V4, gateway=gateway))
    return gateway, routes


def complete(lease: DhcpLease, vmi: VirtualMachineInstance, resolver: Resolver, options: DHCPOptions | None) -> None:
    """Fill in what is the same for both bindings: names, resolver and the options that the user asked for."""
    lease.hostname = hostname(vmi)
    lease.dns = [server for server in resolver.nameservers if ":" not in server]
    lease.search = search_list(vmi, resolver)
    lease.domain = max(lease.search, key=len, default="")
    if options is None:
        return
    lease.tftp_server_name = options.tftp_server_name or ""
    lease.boot_file_name = options.boot_file_name or ""
    lease.ntp_servers = list(options.ntp_servers)
    lease.private_options = {extra.option: extra.value for extra in options.private_options}


def complete6(lease: Dhcp6Lease, vmi: VirtualMachineInstance, resolver: Resolver) -> None:
    lease.dns = [server for server in resolver.nameservers if ":" in server]
    lease.search = search_list(vmi, resolver)


def search_list(vmi: VirtualMachineInstance, resolver: Resolver) -> list[str]:
    """The pod's search list, with the domain of the VMI's subdomain first when it has one."""
    search = list(resolver.search)
    if vmi.spec.subdomain:
        service = max((domain for domain in search if ".svc." in f".{domain}."), key=len, default="")
        own = f"{vmi.spec.subdomain}.{service}"
        if service and own not in search:
            search.insert(0, own)
    return search
