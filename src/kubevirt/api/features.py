"""Features of the machine that are turned on and off: ACPI, APIC, Hyper-V enlightenments, KVM's visibility."""

from kubevirt.api.base import Api, Int32


class FeatureState(Api):
    """A feature that is on unless `enabled` says otherwise."""

    enabled: bool | None = None
    """Whether the feature is on. The default, where the feature is named, is true."""


class FeatureAPIC(Api):
    """The interrupt controller."""

    enabled: bool | None = None
    """Whether the feature is on. The default is true."""
    end_of_interrupt: bool | None = None
    """Paravirtual end of interrupt."""


class FeatureSpinlocks(Api):
    """Spinlock retries before the hypervisor is told."""

    enabled: bool | None = None
    """Whether the feature is on. The default is true."""
    spinlocks: Int32 | None = None
    """Retries before the hypervisor is told; at least 4096, which is the default."""


class SyNICTimer(Api):
    """Synthetic timers of Hyper-V."""

    direct: FeatureState | None = None
    """Delivers expirations directly."""
    enabled: bool | None = None
    """Whether the feature is on. The default is true."""


class TLBFlush(Api):
    """Paravirtual flushing of remote TLBs."""

    direct: FeatureState | None = None
    """Direct flushing for nested guests."""
    enabled: bool | None = None
    """Whether the feature is on. The default is true."""
    extended: FeatureState | None = None
    """Flushing of address ranges."""


class FeatureVendorID(Api):
    """The hypervisor's vendor as the guest sees it."""

    enabled: bool | None = None
    """Whether the feature is on. The default is true."""
    vendorid: str | None = None
    """The text shown, up to 12 characters."""


class FeatureHyperv(Api):
    """Hyper-V enlightenments, mostly for Windows guests."""

    evmcs: FeatureState | None = None
    """Faster nested virtualization; needs vapic and the CPU feature vmx."""
    frequencies: FeatureState | None = None
    """Shows TSC and APIC frequencies."""
    ipi: FeatureState | None = None
    """Paravirtual inter-processor interrupts; needs vpindex."""
    reenlightenment: FeatureState | None = None
    """Tells the guest when its TSC frequency changes."""
    relaxed: FeatureState | None = None
    """Relaxes time-outs in the guest that a hypervisor can cause."""
    reset: FeatureState | None = None
    """Lets the guest reset itself through the hypervisor."""
    runtime: FeatureState | None = None
    """Shows the time that CPUs really ran."""
    spinlocks: FeatureSpinlocks | None = None
    """Tells the hypervisor of long waits for locks."""
    synic: FeatureState | None = None
    """Synthetic interrupt controller; needs vpindex."""
    synictimer: SyNICTimer | None = None
    """Synthetic timers; need synic."""
    tlbflush: TLBFlush | None = None
    """Paravirtual TLB flushes; need vpindex."""
    vapic: FeatureState | None = None
    """Faster access to the interrupt controller."""
    vendorid: FeatureVendorID | None = None
    """Vendor text of the hypervisor."""
    vpindex: FeatureState | None = None
    """Shows CPUs their own index."""


class HyperVPassthrough(Api):
    """Turns on every enlightenment that the host offers."""

    enabled: bool | None = None
    """Whether the feature is on."""


class FeatureKVM(Api):
    """How KVM shows itself to the guest."""

    hidden: bool | None = None
    """Hides KVM from the guest."""


class Features(Api):
    """Features of the machine that can be turned on and off."""

    acpi: FeatureState | None = None
    """ACPI; without it the guest cannot be asked to shut down."""
    apic: FeatureAPIC | None = None
    """The interrupt controller."""
    hyperv: FeatureHyperv | None = None
    """Hyper-V enlightenments."""
    hyperv_passthrough: HyperVPassthrough | None = None
    """All enlightenments that the host offers."""
    kvm: FeatureKVM | None = None
    """How KVM shows itself."""
    pvspinlock: FeatureState | None = None
    """Paravirtual spinlocks."""
    smm: FeatureState | None = None
    """System management mode; secure boot needs it."""
