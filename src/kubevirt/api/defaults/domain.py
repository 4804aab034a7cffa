"""Defaults within a domain that hold on every architecture."""

from collections.abc import Callable

from kubevirt.api.disks import DiskTarget
from kubevirt.api.domain import (
    CPU,
    Clock,
    CPUFeature,
    DomainSpec,
    FeatureAPIC,
    FeatureHyperv,
    Features,
    FeatureSpinlocks,
    FeatureState,
    FeatureVendorID,
    Firmware,
    HyperVPassthrough,
    SyNICTimer,
    TLBFlush,
)

SPINLOCK_RETRIES = 4096

_Switch = FeatureState | FeatureAPIC | FeatureSpinlocks | FeatureVendorID | HyperVPassthrough | SyNICTimer | TLBFlush


def fill_domain(domain: DomainSpec, make_uuid: Callable[[], str]) -> None:
    """Fill in what a domain leaves open."""
    firmware = domain.firmware = domain.firmware or Firmware()
    firmware.uuid = firmware.uuid or make_uuid()
    features = domain.features = domain.features or Features()
    features.acpi = features.acpi or FeatureState()
    for feature in (features.acpi, features.apic, features.smm, features.pvspinlock, features.hyperv_passthrough):
        _switch_on(feature)
    if features.hyperv is not None:
        _hyperv(features.hyperv, domain)
    if domain.clock is not None:
        _timers(domain.clock)
    for disk in domain.devices.disks:
        if disk.disk is None and disk.lun is None and disk.cdrom is None:
            disk.disk = DiskTarget()
        if disk.cdrom is not None:
            disk.cdrom.readonly = True if disk.cdrom.readonly is None else disk.cdrom.readonly
            disk.cdrom.tray = disk.cdrom.tray or "closed"
    for device in domain.devices.inputs:
        device.bus = device.bus or "usb"
        device.type = device.type or "tablet"


def _switch_on(feature: _Switch | None) -> None:
    """A feature that is named is wanted, unless it says otherwise."""
    if feature is not None and feature.enabled is None:
        feature.enabled = True


def _timers(clock: Clock) -> None:
    timer = clock.timer
    if timer is None:
        return
    for each in (timer.hpet, timer.kvm, timer.pit, timer.rtc, timer.hyperv):
        if each is not None and each.present is None:
            each.present = True


def _is_on(feature: _Switch | None) -> bool:
    return feature is not None and feature.enabled is not False


def _hyperv(hyperv: FeatureHyperv, domain: DomainSpec) -> None:
    """Switches on what is named, and what that needs."""
    if _is_on(hyperv.synictimer) and hyperv.synic is None:
        hyperv.synic = FeatureState()
    if (_is_on(hyperv.synic) or _is_on(hyperv.ipi) or _is_on(hyperv.tlbflush)) and hyperv.vpindex is None:
        hyperv.vpindex = FeatureState()
    if _is_on(hyperv.evmcs):
        hyperv.vapic = hyperv.vapic or FeatureState()
        _require_vmx(domain)
    for feature in (
        hyperv.relaxed,
        hyperv.vapic,
        hyperv.spinlocks,
        hyperv.vpindex,
        hyperv.runtime,
        hyperv.synic,
        hyperv.synictimer,
        hyperv.reset,
        hyperv.vendorid,
        hyperv.frequencies,
        hyperv.reenlightenment,
        hyperv.tlbflush,
        hyperv.ipi,
        hyperv.evmcs,
    ):
        _switch_on(feature)
    if hyperv.synictimer is not None:
        _switch_on(hyperv.synictimer.direct)
    if hyperv.tlbflush is not None:
        _switch_on(hyperv.tlbflush.direct)
        _switch_on(hyperv.tlbflush.extended)
    if hyperv.spinlocks is not None and hyperv.spinlocks.enabled and hyperv.spinlocks.spinlocks is None:
        hyperv.spinlocks.spinlocks = SPINLOCK_RETRIES


def _require_vmx(domain: DomainSpec) -> None:
    cpu = domain.cpu = domain.cpu or CPU()
    for feature in cpu.features:
        if feature.name == "vmx":
            feature.policy = "require"
            return
    cpu.features.append(CPUFeature(name="vmx", policy="require"))
