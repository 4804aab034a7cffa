"""The machine as a whole: the root of everything the guest sees, and one place to import its parts from."""

from typing import Annotated

from kubevirt.api.base import Api, one_of, present, required
from kubevirt.api.clock import Clock, ClockOffsetUTC, HPETTimer, HypervTimer, KVMTimer, PITTimer, RTCTimer, Timer
from kubevirt.api.compute import (
    CPU,
    NUMA,
    Chassis,
    CPUFeature,
    DiskIOThreads,
    Hugepages,
    Machine,
    Memory,
    NUMAGuestMappingPassthrough,
    Realtime,
    ReservedOverhead,
    ResourceRequirements,
)
from kubevirt.api.devices import Devices
from kubevirt.api.features import (
    FeatureAPIC,
    FeatureHyperv,
    FeatureKVM,
    Features,
    FeatureSpinlocks,
    FeatureState,
    FeatureVendorID,
    HyperVPassthrough,
    SyNICTimer,
    TLBFlush,
)
from kubevirt.api.firmware import (
    ACPI,
    BIOS,
    EFI,
    SEV,
    SEVSNP,
    TDX,
    Bootloader,
    Firmware,
    KernelBoot,
    KernelBootContainer,
    LaunchSecurity,
    SEVAttestation,
    SEVPolicy,
)

__all__ = [
    "ACPI",
    "BIOS",
    "CPU",
    "EFI",
    "NUMA",
    "SEV",
    "SEVSNP",
    "TDX",
    "Bootloader",
    "CPUFeature",
    "Chassis",
    "Clock",
    "ClockOffsetUTC",
    "Devices",
    "DiskIOThreads",
    "DomainSpec",
    "FeatureAPIC",
    "FeatureHyperv",
    "FeatureKVM",
    "FeatureSpinlocks",
    "FeatureState",
    "FeatureVendorID",
    "Features",
    "Firmware",
    "HPETTimer",
    "Hugepages",
    "HyperVPassthrough",
    "HypervTimer",
    "KVMTimer",
    "KernelBoot",
    "KernelBootContainer",
    "LaunchSecurity",
    "Machine",
    "Memory",
    "NUMAGuestMappingPassthrough",
    "PITTimer",
    "RTCTimer",
    "Realtime",
    "ReservedOverhead",
    "ResourceRequirements",
    "SEVAttestation",
    "SEVPolicy",
    "SyNICTimer",
    "TLBFlush",
    "Timer",
]


class DomainSpec(Api):
    """The machine: CPU, memory, firmware, features and devices."""

    chassis: Chassis | None = None
    """Chassis strings shown by SMBIOS."""
    clock: Clock | None = None
    """Clock and timers."""
    cpu: CPU | None = None
    """Virtual CPUs."""
    devices: Devices = required(Devices)
    """Everything plugged into the machine."""
    features: Features | None = None
    """ACPI, APIC, Hyper-V enlightenments and the like."""
    firmware: Firmware | None = None
    """How the machine starts, and its identity."""
    io_threads: DiskIOThreads | None = None
    """Number of threads for the policy supplementalPool."""
    io_threads_policy: str | None = None
    """How disks share I/O threads: shared (one for all), auto (spread over a pool) or supplementalPool."""
    launch_security: LaunchSecurity | None = None
    """Protection of the guest's memory from its host."""
    machine: Machine | None = None
    """The emulated board."""
    memory: Memory | None = None
    """Memory of the guest."""
    reboot_policy: Annotated[str | None, one_of("Reboot", "Terminate")] = None
    """What a reboot by the guest does: Reboot within the same instance, or Terminate it."""
    resources: ResourceRequirements = present(ResourceRequirements)
    """What the launcher pod reserves and is limited to."""
