"""The links of a pod through netlink: reading what is there and making single things be so.

Everything here works in the network namespace of the calling thread, blocks, and may be repeated: a method that finds
its work done changes nothing. What must be done in which order is `wiring.py`; what is wanted at all is
`machine.network`.
"""

import ipaddress
import socket
from typing import Any, cast

from pyroute2.iproute.linux import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from kubevirt.machine.network import Route
from kubevirt.machine.network.facts import PodNic

PARKED_TABLE = 107
"""Routing table that no rule looks up: keeps the pod's routes once the pod's link belongs to the guest."""
_PARKED = "kubevirt:parked:"
_MAIN_TABLE = 254
_NO_DUPLICATE_DETECTION = 0x02
_NO_PREFIX_ROUTE = 0x200
_UP = 0x1
_EOPNOTSUPP, _ENODEV = 95, 19

Link = dict[str, Any]  # a netlink message, whose values have many types


class Links:
    """An open netlink socket in the thread's namespace. Use as a context manager."""

    def __init__(self) -> None:
        self._netlink = IPRoute()

    def __enter__(self) -> "Links":
        return self

    def __exit__(self, *_: object) -> None:
        self._netlink.close()

    def all(self) -> dict[str, Link]:
        """Every link by its name."""
        return {_name(link): cast("Link", link) for link in self._netlink.get_links()}

    def find(self, name: str) -> Link | None:
        try:
            return cast("Link", self._netlink.link("get", ifname=name)[0])
        except NetlinkError as e:
            if e.code != _ENODEV:
                raise
            return None

    def get(self, name: str) -> Link:
        """A link that must be there. Raises NetlinkError."""
        return cast("Link", self._netlink.link("get", ifname=name)[0])

    def nics(self) -> list[PodNic]:
        """The pod's links as the CNI plugins left them, also when they have been rebuilt for a guest since."""
        links = self.all()
        nics: dict[str, PodNic] = {}
        for link in links.values():
            if (alias := str(_attribute(link, "IFLA_IFALIAS") or "")).startswith(_PARKED):
                name, bridge = alias.removeprefix(_PARKED).split(":")
                nics[name] = self._nic(name, link, self.routes(links[bridge], PARKED_TABLE))
        for name, link in links.items():
            if name != "lo" and name not in nics:
                nics[name] = self._nic(name, link, self.routes(link, _MAIN_TABLE))
        return list(nics.values())

    def mark_parked(self, link: Link, name: str, bridge: str) -> None:
        """Declare the link's addresses, and the bridge's routes in PARKED_TABLE, to be the facts of pod link `name`."""
        self.change(link, ifalias=f"{_PARKED}{name}:{bridge}")

    def ensure(self, name: str, kind: str, **settings: object) -> Link:
        """A link of that name, made with the settings when there is none."""
        if link := self.find(name):
            return link
        self._netlink.link("add", ifname=name, kind=kind, **settings)
        return self.get(name)

    def ensure_holder(self, name: str, mac: str, mtu: int) -> Link:
        """A link that only holds addresses: a dummy, or where the kernel has none a bridge without ports."""
        try:
            return self.ensure(name, "dummy", address=mac, mtu=mtu)
        except NetlinkError as e:
            if e.code not in (_EOPNOTSUPP, _ENODEV):
                raise
        return self.ensure(name, "bridge", address=mac, mtu=mtu)

    def change(self, link: Link, **settings: object) -> None:
        self._netlink.link("set", index=link["index"], **settings)

    def set_mtu(self, link: Link, mtu: int) -> None:
        if _attribute(link, "IFLA_MTU") != mtu:
            self.change(link, mtu=mtu)

    def up(self, link: Link) -> None:
        if not link["flags"] & _UP:
            self.change(link, state="up")

    def enslave(self, link: Link, bridge: Link, *, learning: bool = True) -> None:
        """Make the link a port of the bridge; without learning the bridge keeps no table of what lies behind it."""
        if _attribute(link, "IFLA_MASTER") == bridge["index"]:
            return
        self.change(link, master=bridge["index"])
        if not learning:
            self._netlink.brport("set", index=link["index"], learning=0)

    def addresses(self, link: Link) -> list[str]:
        """Addresses with prefix length, link-local ones left out."""
        found = []
        for message in self._netlink.get_addr(index=link["index"]):
            address = ipaddress.ip_interface(
                f"{_attribute(message, 'IFA_LOCAL') or _attribute(message, 'IFA_ADDRESS')}/{message['prefixlen']}"
            )
            if not address.ip.is_link_local or address.version == 4:
                found.append(str(address))
        return found

    def add_addresses(self, link: Link, addresses: list[str], *, prefix_route: bool = True) -> None:
        present = self.addresses(link)
        for address in addresses:
            if address in present:
                continue
            interface = ipaddress.ip_interface(address)
            flags = 0 if prefix_route else _NO_PREFIX_ROUTE
            if interface.version == 6:
                flags |= _NO_DUPLICATE_DETECTION
            self._netlink.addr("add", index=link["index"], address=str(interface.ip), family=_family(interface.version),
                               prefixlen=interface.network.prefixlen, flags=flags)  # fmt: skip

    def remove_addresses(self, link: Link) -> None:
        self._netlink.flush_addr(index=link["index"])

    def routes(self, link: Link, table: int) -> list[Route]:
        """IPv4 routes through the link, those to its own subnets among them. Guests learn IPv6 routes by themselves."""
        found = []
        for message in self._netlink.get_routes(table=table, family=socket.AF_INET):
            if _attribute(message, "RTA_OIF") == link["index"]:
                destination = _attribute(message, "RTA_DST")
                found.append(Route(
                    destination=f"{destination}/{message['dst_len']}" if destination else "",
                    gateway=_attribute(message, "RTA_GATEWAY") or "",
                ))  # fmt: skip
        return found

    def add_routes(self, link: Link, routes: list[Route], table: int) -> None:
        """Routes in a table of their own; their gateways need not be reachable through the link."""
        present = self.routes(link, table)
        for route in routes:
            if route not in present:
                way: dict[str, object] = {"scope": "link"}
                if route.gateway:
                    way = {"gateway": route.gateway, "flags": ["onlink"]}
                self._netlink.route("add", dst=route.destination or "default", oif=link["index"], table=table, **way)

    def _nic(self, name: str, link: Link, routes: list[Route]) -> PodNic:
        return PodNic(name=name, mac=_attribute(link, "IFLA_ADDRESS") or "", mtu=_attribute(link, "IFLA_MTU") or 0,
                      addresses=self.addresses(link), routes=routes)  # fmt: skip


def mac_of(link: Link) -> str:
    return str(_attribute(link, "IFLA_ADDRESS"))


def _name(link: object) -> str:
    return str(_attribute(link, "IFLA_IFNAME"))


def _attribute(message: object, name: str) -> Any:
    return message.get_attr(name)  # type: ignore[attr-defined]  # pyroute2's messages are made at run time


def _family(version: int) -> int:
    return int(socket.AF_INET if version == 4 else socket.AF_INET6)
