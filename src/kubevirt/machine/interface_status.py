"""`status.interfaces`: what is known of each network interface from domain, guest agent and pod together.

The addresses are those by which the guest is reached from outside. With masquerade these are the pod's, whatever the
guest has configured; with a bridge the guest's own, which are the pod's too until its agent says otherwise.
"""

from __future__ import annotations

from kubevirt.api.network import Interface
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceNetworkInterface
from kubevirt.machine.domain_report import DomainReport, ReportedInterface
from kubevirt.machine.network.attachment import NicAttachment

AGENT, DOMAIN, MULTUS = "guest-agent", "domain", "multus-status"
LOOPBACK = "lo"


def interfaces(
    vmi: VirtualMachineInstance, report: DomainReport, attachments: list[NicAttachment]
) -> list[VirtualMachineInstanceNetworkInterface]:
    """Those of the spec in its order, then those that only the guest knows."""
    reported = {found.name: found for found in report.interfaces if found.name}
    attached = {attachment.network: attachment for attachment in attachments}
    before = {found.name: found for found in vmi.status.interfaces if found.name}
    secondary = {network.name for network in vmi.spec.networks if network.multus is not None}
    result = []
    for interface in vmi.spec.domain.devices.interfaces:
        if interface.state == "absent" and interface.name not in reported:
            continue
        found = _interface(interface, reported.get(interface.name), attached.get(interface.name),
                           before.get(interface.name))
        if interface.name in secondary and found.pod_interface_name:
            found.info_source = ", ".join(source for source in (found.info_source, MULTUS) if source)
        result.append(found)
    result += [_guest_only(found) for found in report.interfaces
               if not found.name and found.interface_name != LOOPBACK]
    return result


def _interface(
    interface: Interface,
    reported: ReportedInterface | None,
    attachment: NicAttachment | None,
    before: VirtualMachineInstanceNetworkInterface | None,
) -> VirtualMachineInstanceNetworkInterface:
    found = VirtualMachineInstanceNetworkInterface(name=interface.name)
    if reported is not None:
        found.mac = reported.mac
        found.interface_name = reported.interface_name
        found.queue_count = reported.queue_count or None
        found.link_state = reported.link_state
        found.info_source = ", ".join(reported.info_source) or DOMAIN
    if attachment is not None:
        found.mac = found.mac or attachment.mac
        found.pod_interface_name = attachment.pod_interface
        of_pod = attachment.ip_addresses
    else:
        found.pod_interface_name = before.pod_interface_name if before is not None else ""
        of_pod = before.ip_addresses if before is not None else []
    of_guest = reported.ip_addresses if reported is not None else []
    found.ip_addresses = list(of_pod if interface.masquerade is not None else of_guest or of_pod)
    found.ip_address = found.ip_addresses[0] if found.ip_addresses else ""
    return found


def _guest_only(reported: ReportedInterface) -> VirtualMachineInstanceNetworkInterface:
    return VirtualMachineInstanceNetworkInterface(
        mac=reported.mac, interface_name=reported.interface_name, ip_addresses=list(reported.ip_addresses),
        ip_address=reported.ip_addresses[0] if reported.ip_addresses else "", info_source=AGENT,
    )
