"""VMI to libvirt domain."""

from kubevirt.machine.domain.build import build_domain, domain_name, domain_type
from kubevirt.machine.domain.context import DiskFacts, DomainContext, Firmware, HostCell, HostDevices, Smbios

__all__ = [
    "DiskFacts",
    "DomainContext",
    "Firmware",
    "HostCell",
    "HostDevices",
    "Smbios",
    "build_domain",
    "domain_name",
    "domain_type",
]
