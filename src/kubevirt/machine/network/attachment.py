"""What the launcher is told about a network that the node agent has wired up: the tap to use and the lease to serve.

These travel over the launcher link, so fields are only ever added, each with a default. Addresses are strings in their
usual notation; they were parsed and checked where the plan was made (`plan.py`).
"""

from __future__ import annotations

import msgspec

LEASE_S = 999 * 24 * 3600
"""Length of a DHCP lease: the address belongs to the pod, so it lasts as long as the pod does."""


class Route(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """A route of the pod: `destination` in CIDR notation, `gateway` empty for one on the link."""

    destination: str
    gateway: str = ""


class DhcpLease(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything the DHCPv4 server of one interface answers; there is only ever one client and one address."""

    bridge: str  # the link to listen on
    server_ip: str
    client_ip: str
    prefix: int
    gateway: str = ""
    client_mac: str = ""  # answer only this one; empty: whoever asks
    dns: list[str] = []
    search: list[str] = []
    domain: str = ""
    hostname: str = ""
    mtu: int = 0
    routes: list[Route] = []  # option 121; the default route comes last
    lease_s: int = LEASE_S
    tftp_server_name: str = ""
    boot_file_name: str = ""
    ntp_servers: list[str] = []
    private_options: dict[int, str] = {}  # 224 to 254


class Dhcp6Lease(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The same for DHCPv6: one address, no prefix delegation."""

    bridge: str
    client_ip: str
    server_mac: str  # of the bridge; makes the server's DUID
    dns: list[str] = []
    search: list[str] = []
    lease_s: int = LEASE_S


class NicAttachment(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One interface of the guest, ready to be plugged in."""

    network: str  # name in spec.networks and spec.domain.devices.interfaces
    tap: str
    mac: str = ""  # empty: libvirt chooses one
    mtu: int = 0
    pod_interface: str = ""  # name of the pod's link behind it
    ip_addresses: list[str] = []  # by which the guest is reached from outside; shown until its agent says otherwise
    dhcp: DhcpLease | None = None
    dhcp6: Dhcp6Lease | None = None
