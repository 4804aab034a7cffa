"""What the launcher asks of its workshop, and what it gets back."""

import msgspec

from kubevirt.machine.access_credentials import AgentCredential
from kubevirt.machine.domain_report import BootFiles, ReportedInterface
from kubevirt.machine.network.attachment import Dhcp6Lease, DhcpLease

BUILD = "build"
SETTLE = "settle"
DESCRIBE = "describe"


class BuildOrder(msgspec.Struct, kw_only=True):
    """Prepare the disks of a VMI and make its domain."""

    sync: msgspec.Raw
    """A SyncRequest, as virt-handler sent it."""
    kvm: bool
    allow_emulation: bool


class SpareSlots(msgspec.Struct, kw_only=True):
    """PCI slots that stay free; what the numbers mean stands in `kubevirt.machine.domain.topology`."""

    placeholders: int
    total: int
    minimum: int


class Built(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that the launcher keeps of a VMI."""

    xml: str
    domain_type: str
    paused: bool = False
    acpi: bool = True
    grace_period_s: int = 30
    interfaces: list[ReportedInterface] = []
    leases: list[DhcpLease] = []
    leases6: list[Dhcp6Lease] = []
    volumes: dict[str, str] = {}
    """Disk alias in the domain -> name of its volume."""
    credentials: list[AgentCredential] = []
    """To be brought into the guest by its agent."""
    guest_probes: bool = False
    """Somebody will ask from time to time how the guest is."""
    spare: SpareSlots | None = None
    """The domain is not ready yet: libvirt has to lay out its PCI bus first."""
    boot_files: BootFiles | None = None
    """Of a direct kernel boot."""
    quiet_probes: bool = False
    """Until told otherwise, pings of the agent count as answered."""


class SettleOrder(msgspec.Struct, kw_only=True):
    """Make a domain ready whose PCI bus libvirt has laid out."""

    xml: str
    spare: SpareSlots


class Settled(msgspec.Struct, kw_only=True):
    xml: str


class DescribeOrder(msgspec.Struct, kw_only=True):
    """Read a domain as libvirt has completed it."""

    xml: str


class DescribedInterface(msgspec.Struct, kw_only=True, omit_defaults=True):
    name: str
    mac: str
    queues: int = 0
    link_down: bool = False


class Described(msgspec.Struct, kw_only=True, omit_defaults=True):
    machine_type: str = ""
    vcpus: int = 0
    memory_bytes: int = 0
    interfaces: list[DescribedInterface] = []
