"""What a preference makes of a machine: it fills in what neither machine nor instance type says.

Two switches are overwritten all the same, ACPI here and disableHotplug among the devices: clients cannot leave them
unsaid. The functions change the spec they are given.
"""

from kubevirt.api import codec
from kubevirt.api.clock import Clock
from kubevirt.api.compute import CPU, Machine
from kubevirt.api.features import FeatureHyperv, Features
from kubevirt.api.firmware import BIOS, EFI, Bootloader, Firmware
from kubevirt.api.instancetypes.device_preferences import apply_device_preferences
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference import (
    ClockPreferences,
    CPUPreferences,
    FeaturePreferences,
    FirmwarePreferences,
    VirtualMachinePreferenceSpec,
)
from kubevirt.api.vmi import VirtualMachineInstanceSpec


def apply_preference(
    preference: VirtualMachinePreferenceSpec, spec: VirtualMachineInstanceSpec, metadata: ObjectMeta
) -> None:
    """Put a preference into `spec` and `metadata`."""
    liked = codec.clone(preference)
    if liked.cpu is not None:
        _cpu(liked.cpu, spec)
    if liked.devices is not None:
        apply_device_preferences(liked.devices, spec)
    if liked.features is not None:
        _features(liked.features, spec)
    if liked.firmware is not None:
        _firmware(liked.firmware, spec)
    _machine_type(liked, spec)
    if liked.clock is not None:
        _clock(liked.clock, spec)
    spec.subdomain = spec.subdomain or liked.preferred_subdomain
    if spec.termination_grace_period_seconds is None:
        spec.termination_grace_period_seconds = liked.preferred_termination_grace_period_seconds
    spec.architecture = spec.architecture or liked.preferred_architecture
    spec.domain.launch_security = spec.domain.launch_security or liked.preferred_launch_security
    for key, value in liked.annotations.items():
        metadata.annotations.setdefault(key, value)


def _machine_type(liked: VirtualMachinePreferenceSpec, spec: VirtualMachineInstanceSpec) -> None:
    """The board, where none is named."""
    kind = liked.machine.preferred_machine_type if liked.machine is not None else None
    if kind and (spec.domain.machine is None or not spec.domain.machine.type):
        spec.domain.machine = Machine(type=kind)


def _cpu(liked: CPUPreferences, spec: VirtualMachineInstanceSpec) -> None:
    if not liked.preferred_cpu_features:
        return
    cpu = spec.domain.cpu = spec.domain.cpu or CPU()
    named = {feature.name for feature in cpu.features}
    cpu.features = [*cpu.features, *(f for f in liked.preferred_cpu_features if f.name not in named)]


def _features(liked: FeaturePreferences, spec: VirtualMachineInstanceSpec) -> None:
    features = spec.domain.features = spec.domain.features or Features()
    features.acpi = liked.preferred_acpi or features.acpi
    features.apic = features.apic or liked.preferred_apic
    features.kvm = features.kvm or liked.preferred_kvm
    features.pvspinlock = features.pvspinlock or liked.preferred_pvspinlock
    features.smm = features.smm or liked.preferred_smm
    passed_through = features.hyperv_passthrough is not None and features.hyperv_passthrough.enabled is True
    if liked.preferred_hyperv is not None and not passed_through:
        features.hyperv = features.hyperv or FeatureHyperv()
        for name in FeatureHyperv.__struct_fields__:
            if getattr(features.hyperv, name) is None:
                setattr(features.hyperv, name, getattr(liked.preferred_hyperv, name))


def _firmware(liked: FirmwarePreferences, spec: VirtualMachineInstanceSpec) -> None:
    """The way to boot is one choice: a part of it is taken only where the choice itself fits."""
    firmware = spec.domain.firmware = spec.domain.firmware or Firmware()
    boot = firmware.bootloader = firmware.bootloader or Bootloader()
    if liked.preferred_use_bios and boot.bios is None and boot.efi is None:
        boot.bios = BIOS()
    if boot.bios is not None and boot.bios.use_serial is None:
        boot.bios.use_serial = liked.preferred_use_bios_serial
    if boot.bios is None and boot.efi is None and liked.preferred_efi is not None:
        boot.efi = liked.preferred_efi
        return
    if liked.preferred_use_efi and boot.efi is None and boot.bios is None:
        boot.efi = EFI()
    if boot.efi is not None and boot.efi.secure_boot is None:
        boot.efi.secure_boot = liked.preferred_use_secure_boot


def _clock(liked: ClockPreferences, spec: VirtualMachineInstanceSpec) -> None:
    clock = spec.domain.clock = spec.domain.clock or Clock()
    offset = liked.preferred_clock_offset
    if offset is not None and clock.utc is None and clock.timezone is None:
        clock.utc, clock.timezone = offset.utc, offset.timezone
    clock.timer = clock.timer or liked.preferred_timer
