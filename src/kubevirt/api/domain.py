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
    clock: Clock | None = None
    cpu: CPU | None = None
    devices: Devices = required(Devices)
    features: Features | None = None
    firmware: Firmware | None = None
    io_threads: DiskIOThreads | None = None
    io_threads_policy: str | None = None
    launch_security: LaunchSecurity | None = None
    machine: Machine | None = None
    memory: Memory | None = None
    reboot_policy: Annotated[str | None, one_of("Reboot", "Terminate")] = None
    resources: ResourceRequirements = present(ResourceRequirements)
