"""From the networks of a VMI to what the node agent creates in the pod, and what the launcher is told about it."""

from kubevirt.machine.network.attachment import LEASE_S, Dhcp6Lease, DhcpLease, NicAttachment, Route

__all__ = ["LEASE_S", "Dhcp6Lease", "DhcpLease", "NicAttachment", "Route"]
