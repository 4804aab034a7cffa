"""Platform features and clocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kubevirt.api.clock import Timer
from kubevirt.api.features import FeatureHyperv, Features
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import security
from kubevirt.machine.domain.context import DomainContext
from kubevirt.machine.domain.xml import Element, el, on_off, yes_no

TRANSLATED_CODE_MIB = 64
"""Bound of the cache of translated code in emulation, where QEMU would let it grow to a gigabyte.

With 64 MiB a Linux guest boots as fast as without a bound; 32 cost half as much CPU time again, 8 four times as much.
"""


class _Switch(Protocol):
    @property
    def enabled(self) -> bool | None: ...


def is_on(switch: _Switch | None) -> bool:
    """A feature that is named is on unless it says otherwise."""
    return switch is not None and switch.enabled is not False


def features(vmi: VirtualMachineInstance, context: DomainContext) -> Element:
    """`<features>`."""
    domain = vmi.spec.domain
    given, cpu = domain.features, domain.cpu
    root = el("features", *(_asked_for(given) if given is not None else ()))
    if not context.kvm:
        root.append(el("tcg", el("tb-cache", unit="MiB", text=str(TRANSLATED_CODE_MIB))))
    kvm = el("kvm")
    if given is not None and given.kvm is not None and given.kvm.hidden:
        kvm.append(el("hidden", state="on"))
    if cpu is not None and cpu.dedicated_cpu_placement and context.arch == "amd64":
        kvm.append(el("hint-dedicated", state="on"))
    if len(kvm):
        root.append(kvm)
    realtime = cpu is not None and cpu.realtime is not None
    if realtime or security.technology(domain) == "tdx":
        root.append(el("pmu", state="off"))
    if context.arch == "amd64":
        root.append(el("vmport", state="off"))
    return root


def _asked_for(given: Features) -> Iterator[Element]:
    """What the spec names, but for what the KVM features gather."""
    if given.acpi is None or given.acpi.enabled is not False:  # on by default: only a spec without features has none
        yield el("acpi")
    if is_on(given.apic):
        yield el("apic")
    if is_on(given.smm):
        yield el("smm")
    if given.hyperv_passthrough is not None and given.hyperv_passthrough.enabled:
        yield el("hyperv", mode="passthrough")
    elif given.hyperv is not None:
        yield _hyperv(given.hyperv)
    if given.pvspinlock is not None:
        yield el("pvspinlock", state=on_off(is_on(given.pvspinlock)))


def _hyperv(given: FeatureHyperv) -> Element:
    """Enlightenments for Windows guests, each under libvirt's name for it."""
    root = el("hyperv")
    plain: list[tuple[str, _Switch | None]] = [
        ("relaxed", given.relaxed),
        ("vapic", given.vapic),
        ("vpindex", given.vpindex),
        ("runtime", given.runtime),
        ("synic", given.synic),
        ("reset", given.reset),
        ("frequencies", given.frequencies),
        ("reenlightenment", given.reenlightenment),
        ("ipi", given.ipi),
        ("evmcs", given.evmcs),
    ]
    root.extend(el(name, state=on_off(is_on(switch))) for name, switch in plain if switch is not None)
    if given.spinlocks is not None:
        root.append(el("spinlocks", state=on_off(is_on(given.spinlocks)), retries=given.spinlocks.spinlocks))
    if given.synictimer is not None:
        direct = given.synictimer.direct
        root.append(el("stimer", el("direct", state=on_off(is_on(direct))) if direct is not None else None,
                       state=on_off(is_on(given.synictimer))))
    if given.vendorid is not None:
        root.append(el("vendor_id", state=on_off(is_on(given.vendorid)), value=given.vendorid.vendorid or None))
    if given.tlbflush is not None:
        flush = given.tlbflush
        parts = [("direct", flush.direct), ("extended", flush.extended)]
        root.append(el("tlbflush", *(el(name, state=on_off(is_on(part))) for name, part in parts if part is not None),
                       state=on_off(is_on(flush))))
    return root


def clock(vmi: VirtualMachineInstance) -> Element | None:
    """`<clock>`: the base, and what becomes of the timers a guest may find."""
    given = vmi.spec.domain.clock
    if given is None:
        return None
    root = el("clock")
    if given.utc is not None:
        seconds = given.utc.offset_seconds
        root.set("offset", "utc")
        root.set("adjustment", "reset" if seconds is None else str(seconds))
    elif given.timezone:
        root.set("offset", "timezone")
        root.set("timezone", given.timezone)
    if given.timer is not None:
        root.extend(_timers(given.timer))
    if (frequency := _tsc_frequency(vmi)) is not None:
        root.append(el("timer", name="tsc", frequency=frequency))
    return root


def _timers(given: Timer) -> list[Element]:
    found = []
    if given.rtc is not None:
        found.append(_timer("rtc", given.rtc.present, tick_policy=given.rtc.tick_policy, track=given.rtc.track))
    if given.pit is not None:
        found.append(_timer("pit", given.pit.present, tick_policy=given.pit.tick_policy))
    if given.kvm is not None:
        found.append(_timer("kvmclock", given.kvm.present))
    if given.hpet is not None:
        found.append(_timer("hpet", given.hpet.present, tick_policy=given.hpet.tick_policy))
    if given.hyperv is not None:
        found.append(_timer("hypervclock", given.hyperv.present))
    return found


def _timer(name: str, present: bool | None, *, tick_policy: str | None = None, track: str | None = None) -> Element:
    return el("timer", name=name, tickpolicy=tick_policy or None, present=yes_no(present is not False),
              track=track or None)


def needs_tsc_frequency(vmi: VirtualMachineInstance) -> bool:
    """The guest trusts its TSC, so the frequency must not change under it: it is fixed at the start."""
    given = vmi.spec.domain.features
    hyperv = given.hyperv if given is not None else None
    return (hyperv is not None and is_on(hyperv.reenlightenment)) or has_invariant_tsc(vmi)


def has_invariant_tsc(vmi: VirtualMachineInstance) -> bool:
    """The guest is told that its TSC never changes its pace."""
    cpu = vmi.spec.domain.cpu
    return cpu is not None and any(
        feature.name == "invtsc" and feature.policy in (None, "", "require", "force") for feature in cpu.features
    )


def _tsc_frequency(vmi: VirtualMachineInstance) -> int | None:
    hints = vmi.status.topology_hints
    return hints.tsc_frequency if hints is not None and needs_tsc_frequency(vmi) else None
