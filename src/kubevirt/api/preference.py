"""Preferences: what a guest's operating system likes best. Used where nothing else is said."""

from kubevirt.api.base import Api, Int32, Int64, constant, present, renamed, required
from kubevirt.api.clock import ClockOffsetUTC, Timer
from kubevirt.api.compute import CPUFeature
from kubevirt.api.features import FeatureAPIC, FeatureHyperv, FeatureKVM, FeatureState
from kubevirt.api.firmware import EFI, LaunchSecurity
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference_devices import DevicePreferences
from kubevirt.kit.quantity import Quantity


class ClockOffsetPreference(Api):
    """The time that the clock shows; either is set."""

    timezone: str | None = None
    """That of a time zone, such as Europe/Rome."""
    utc: ClockOffsetUTC | None = None
    """UTC."""


class ClockPreferences(Api):
    """The guest's clock."""

    preferred_clock_offset: ClockOffsetPreference | None = None
    """The time that it shows."""
    preferred_timer: Timer | None = None
    """Timers."""


class SpreadOptions(Api):
    """How topology spread divides the CPUs."""

    across: str | None = None
    """Over what: SocketsCores (the default), SocketsCoresThreads or CoresThreads."""
    ratio: Int32 | None = None
    """How many of the inner to one of the outer. The default is 2."""


class CPUPreferences(Api):
    """Virtual CPUs."""

    preferred_cpu_features: list[CPUFeature] = renamed("preferredCPUFeatures", [])
    """CPU features to add to or take from the model."""
    preferred_cpu_topology: str | None = renamed("preferredCPUTopology", None)
    """What the CPUs of an instance type become: sockets (the default), cores, threads, spread or any."""
    spread_options: SpreadOptions | None = None
    """How topology spread divides them."""


class FeaturePreferences(Api):
    """Features of the machine."""

    preferred_acpi: FeatureState | None = None
    """ACPI."""
    preferred_apic: FeatureAPIC | None = None
    """APIC."""
    preferred_hyperv: FeatureHyperv | None = None
    """Hyper-V enlightenments."""
    preferred_kvm: FeatureKVM | None = None
    """Visibility of KVM."""
    preferred_pvspinlock: FeatureState | None = None
    """Paravirtual spinlocks."""
    preferred_smm: FeatureState | None = None
    """System management mode."""


class FirmwarePreferences(Api):
    """How the machine starts."""

    preferred_efi: EFI | None = None
    """UEFI, with these settings."""
    preferred_use_bios: bool | None = None
    """BIOS."""
    preferred_use_bios_serial: bool | None = None
    """BIOS that writes to the serial console."""
    preferred_use_efi: bool | None = None
    """UEFI. Deprecated: preferredEfi."""
    preferred_use_secure_boot: bool | None = None
    """Secure boot. Deprecated: preferredEfi."""


class MachinePreferences(Api):
    """The emulated board."""

    preferred_machine_type: str | None = None
    """Name of the board: q35, virt, s390-ccw-virtio or a version of one."""


class VolumePreferences(Api):
    """Storage."""

    preferred_storage_class_name: str | None = None
    """Storage class of data volume templates that name none."""


class CPUPreferenceRequirement(Api):
    """Least CPUs."""

    guest: Int32 = required(int)
    """How many CPUs the guest must see."""


class MemoryPreferenceRequirement(Api):
    """Least memory."""

    guest: Quantity = required(Quantity)
    """Bytes that the guest must see."""


class PreferenceRequirements(Api):
    """Without which a machine is refused."""

    architecture: str | None = None
    """CPU architecture that the machine must have."""
    cpu: CPUPreferenceRequirement | None = None
    """Least CPUs."""
    memory: MemoryPreferenceRequirement | None = None
    """Least memory."""


class VirtualMachinePreferenceSpec(Api):
    """What machines prefer."""

    annotations: dict[str, str] = {}
    """Annotations that instances get."""
    clock: ClockPreferences | None = None
    """The guest's clock."""
    cpu: CPUPreferences | None = None
    """Virtual CPUs."""
    devices: DevicePreferences | None = None
    """Devices."""
    features: FeaturePreferences | None = None
    """Features of the machine."""
    firmware: FirmwarePreferences | None = None
    """How the machine starts."""
    machine: MachinePreferences | None = None
    """The emulated board."""
    prefer_spread_socket_to_core_ratio: Int32 | None = None
    """Cores to a socket with topology spread. Deprecated: cpu.spreadOptions.ratio."""
    preferred_architecture: str | None = None
    """CPU architecture of the guest."""
    preferred_launch_security: LaunchSecurity | None = None
    """Encryption of the guest's memory."""
    preferred_subdomain: str | None = None
    """Sub-domain under which a headless service makes the guest known in DNS."""
    preferred_termination_grace_period_seconds: Int64 | None = None
    """Seconds the guest gets to shut down before it is turned off."""
    requirements: PreferenceRequirements | None = None
    """Without which a machine is refused."""
    volumes: VolumePreferences | None = None
    """Storage."""


class VirtualMachinePreference(Api):
    """What an operating system likes best, for one namespace."""

    api_version: str = constant("instancetype.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachinePreference")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachinePreferenceSpec = required(VirtualMachinePreferenceSpec)
    """What machines prefer."""


class VirtualMachineClusterPreference(Api):
    """What an operating system likes best, for all namespaces."""

    api_version: str = constant("instancetype.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineClusterPreference")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachinePreferenceSpec = required(VirtualMachinePreferenceSpec)
    """What machines prefer."""
