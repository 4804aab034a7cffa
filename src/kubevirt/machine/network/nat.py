"""The translation rules of the masquerade binding, as data.

The pod keeps its address; what arrives there goes on to the guest, and what the guest sends leaves with the pod's
address. The rules of one family live in the table `nat` of that family and every one of them counts what it matched.
Connections that come from inside the pod over its loopback address are redirected too and answered through the
bridge's own address, since a packet from 127.0.0.1 would not find its way back.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kubevirt.api.network import Port

Family = Literal["ip", "ip6"]
Action = Literal["masquerade", "snat", "dnat", "jump", "return"]

LOOPBACK: dict[Family, str] = {"ip": "127.0.0.1", "ip6": "::1"}
PREINBOUND, POSTINBOUND = "KUBEVIRT_PREINBOUND", "KUBEVIRT_POSTINBOUND"
ISTIO_SOURCE = "127.0.0.6"
"""Istio's proxy connects to the application from this address."""
ISTIO_DIRECT_PORT = 22
"""The one port that goes past the proxy straight to the guest."""
ISTIO_PROXY_PORTS = frozenset({15000, 15001, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090})


class NftChain(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A chain of table `nat`; one without a hook is only ever jumped to."""

    family: Family
    name: str
    hook: str = ""
    priority: int = 0


class NftRule(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A rule of table `nat`: what is empty matches everything."""

    family: Family
    chain: str
    action: Action
    target: str = ""  # address to translate to, or chain to jump to
    iifname: str = ""
    oifname: str = ""
    saddr: list[str] = []
    daddr: list[str] = []
    proto: str = ""
    dport: int = 0


def chains(family: Family) -> list[NftChain]:
    return [
        NftChain(family=family, name="prerouting", hook="prerouting", priority=-100),
        NftChain(family=family, name="input", hook="input", priority=100),
        NftChain(family=family, name="output", hook="output", priority=-100),
        NftChain(family=family, name="postrouting", hook="postrouting", priority=100),
        NftChain(family=family, name=PREINBOUND),
        NftChain(family=family, name=POSTINBOUND),
    ]


class Masquerade(msgspec.Struct, kw_only=True, frozen=True):
    """What the rules of one family are made from."""

    family: Family
    guest: str
    gateway: str
    pod_link: str
    bridge: str
    ports: list[Port] = []
    istio_pod_address: str = ""  # set when the pod has Istio's proxy in it


def rules(m: Masquerade) -> list[NftRule]:
    """All rules of one family, in the order in which they must be added."""
    found = [
        NftRule(family=m.family, chain="postrouting", saddr=[m.guest], action="masquerade"),
        NftRule(family=m.family, chain="prerouting", iifname=m.pod_link, action="jump", target=PREINBOUND),
        NftRule(family=m.family, chain="postrouting", oifname=m.bridge, action="jump", target=POSTINBOUND),
    ]
    if not m.ports:
        if m.istio_pod_address:
            found.append(_inbound(m, "tcp", ISTIO_DIRECT_PORT))
        else:
            found.append(_inbound(m))
        return [*found, *_from_inside(m)]
    for port in m.ports:
        proto = (port.protocol or "TCP").lower()
        if not m.istio_pod_address:
            found.append(_inbound(m, proto, port.port))
        elif port.port in ISTIO_PROXY_PORTS:
            continue
        elif port.port == ISTIO_DIRECT_PORT:
            found.append(_inbound(m, proto, port.port))
        found += _from_inside(m, proto, port.port)
    return found


def _inbound(m: Masquerade, proto: str = "", port: int = 0) -> NftRule:
    return NftRule(family=m.family, chain=PREINBOUND, proto=proto, dport=port, action="dnat", target=m.guest)


def _from_inside(m: Masquerade, proto: str = "", port: int = 0) -> list[NftRule]:
    """Connections from the pod's own processes, by the loopback address: both directions."""
    loopback = LOOPBACK[m.family]
    sources = [loopback, ISTIO_SOURCE] if m.istio_pod_address and m.family == "ip" else [loopback]
    destinations = [loopback, m.istio_pod_address] if m.istio_pod_address else [loopback]
    return [
        NftRule(family=m.family, chain=POSTINBOUND, saddr=sources, proto=proto, dport=port, action="snat",
                target=m.gateway),
        NftRule(family=m.family, chain="output", daddr=destinations, proto=proto, dport=port, action="dnat",
                target=m.guest),
    ]
