"""Features of the machine that are turned on and off: ACPI, APIC, Hyper-V enlightenments, KVM's visibility."""

from kubevirt.api.base import Api, Int32


class FeatureState(Api):
    """A feature that is on unless `enabled` says otherwise."""

    enabled: bool | None = None


class FeatureAPIC(Api):
    """The interrupt controller."""

    enabled: bool | None = None
    end_of_interrupt: bool | None = None


class FeatureSpinlocks(Api):
    """Spinlock retries before the hypervisor is told."""

    enabled: bool | None = None
    spinlocks: Int32 | None = None


class SyNICTimer(Api):
    """Synthetic timers of Hyper-V."""

    direct: FeatureState | None = None
    enabled: bool | None = None


class TLBFlush(Api):
    """Paravirtual flushing of remote TLBs."""

    direct: FeatureState | None = None
    enabled: bool | None = None
    extended: FeatureState | None = None


class FeatureVendorID(Api):
    """The hypervisor's vendor as the guest sees it."""

    enabled: bool | None = None
    vendorid: str | None = None


class FeatureHyperv(Api):
    """Hyper-V enlightenments, mostly for Windows guests."""

    evmcs: FeatureState | None = None
    frequencies: FeatureState | None = None
    ipi: FeatureState | None = None
    reenlightenment: FeatureState | None = None
    relaxed: FeatureState | None = None
    reset: FeatureState | None = None
    runtime: FeatureState | None = None
    spinlocks: FeatureSpinlocks | None = None
    synic: FeatureState | None = None
    synictimer: SyNICTimer | None = None
    tlbflush: TLBFlush | None = None
    vapic: FeatureState | None = None
    vendorid: FeatureVendorID | None = None
    vpindex: FeatureState | None = None


class HyperVPassthrough(Api):
    """Turns on every enlightenment that the host offers."""

    enabled: bool | None = None


class FeatureKVM(Api):
    """How KVM shows itself to the guest."""

    hidden: bool | None = None


class Features(Api):
    """Features of the machine that can be turned on and off."""

    acpi: FeatureState | None = None
    apic: FeatureAPIC | None = None
    hyperv: FeatureHyperv | None = None
    hyperv_passthrough: HyperVPassthrough | None = None
    kvm: FeatureKVM | None = None
    pvspinlock: FeatureState | None = None
    smm: FeatureState | None = None
