"""What the launcher tells of its domain, put together from what it knows. Pure."""

import msgspec

from kubevirt.machine.domain_report import AgentReport, DomainReport, ReportedInterface
from kubevirt.virt_launcher.orders import Described

MAX_TERMINATION_BYTES = 4096
"""What the kubelet keeps of a termination message."""


def merge_interfaces(
    planned: list[ReportedInterface], described: Described, guest: list[ReportedInterface]
) -> list[ReportedInterface]:
    """One entry an interface: the plan's address until the guest agent tells the guest's, joined by MAC address."""
    by_mac = {interface.mac.lower(): interface for interface in guest}
    merged = []
    domain = {interface.name: interface for interface in described.interfaces}
    for interface in planned:
        known = domain.get(interface.name)
        mac = known.mac if known is not None else interface.mac
        told = by_mac.pop(mac.lower(), None)
        merged.append(
            ReportedInterface(
                name=interface.name,
                mac=mac,
                ip_addresses=told.ip_addresses if told is not None and told.ip_addresses else interface.ip_addresses,
                interface_name=told.interface_name if told is not None else "",
                queue_count=(known.queues or 1) if known is not None else 0,
                link_state=("down" if known.link_down else "up") if known is not None else "",
                info_source=["domain", "guest-agent"] if told is not None else ["domain"],
            )
        )
    return merged + list(by_mac.values())


def agent_gone(agent: AgentReport | None) -> AgentReport | None:
    """What was learnt stays, except that the agent answers no more."""
    return None if agent is None else msgspec.structs.replace(agent, connected=False)


def termination_message(report: DomainReport) -> bytes:
    """The last report, short enough for the kubelet to keep all of it."""
    short = msgspec.structs.replace(report, interfaces=[], agent=None, credentials=None)
    encoded = msgspec.json.encode(short)
    if len(encoded) > MAX_TERMINATION_BYTES:
        # Each character may have taken six bytes ("\\u00e9").
        short = msgspec.structs.replace(short, failure=short.failure[:400] + " ...")
        encoded = msgspec.json.encode(short)
    return encoded
