"""From the networks of a VMI to what the node agent creates in the pod, and what the launcher is told about it.

Only the messages are imported here: `plan`, `facts`, `nat` and `lease` need the API types, which cost a launcher
memory.
"""

from kubevirt.machine.network.attachment import LEASE_S, Dhcp6Lease, DhcpLease, NicAttachment, Route

__all__ = ["LEASE_S", "Dhcp6Lease", "DhcpLease", "NicAttachment", "Route"]
