"""What the node agent found in the pod before it changed anything there."""

from __future__ import annotations

import ipaddress

import msgspec

from kubevirt.machine.network.attachment import Route


class PodNic(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A link of the pod as the CNI plugins left it. Read back from the parked link once the bridge binding is wired."""

    name: str
    mac: str
    mtu: int
    addresses: list[str] = []  # "10.244.1.5/24", link-local ones left out
    routes: list[Route] = []  # an empty destination is the default route

    def address(self, version: int) -> str:
        """The first address of an IP version with its prefix length; empty when there is none."""
        for address in self.addresses:
            if ipaddress.ip_interface(address).version == version:
                return address
        return ""


class Resolver(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The pod's /etc/resolv.conf."""

    nameservers: list[str] = []
    search: list[str] = []
