"""Presets: settings merged into new instances that carry certain labels. Deprecated, but manifests rely on them.

A preset speaks about a few sections of the machine. Each section is taken where the instance says nothing about it;
where the instance does, its own word stands. A preset counts as applied when a section of it holds in the end, and is
then recorded in an annotation. Presets that contradict each other are an error, as nobody could say which is meant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import msgspec

from kubevirt.api import codec, names
from kubevirt.api.domain import Clock, DomainSpec
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.selectors import matches
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused

APPLIED = "virtualmachinepreset.kubevirt.io/"
"""Prefix of the annotations that name the presets which an instance was made with."""
DEPRECATION = "kubevirt.io/v1 VirtualMachineInstancePresets is now deprecated and will be removed in v2."
_REMEDY = "use an instance type and a preference instead, or change the presets' selectors"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """An instance with the presets of its namespace merged in, and what its creator should know."""

    vmi: VirtualMachineInstance
    applied: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def apply_presets(vmi: VirtualMachineInstance, presets: Iterable[VirtualMachineInstancePreset]) -> Preset:
    """The instance as its namespace's `presets` make it, by their names' order. Raises Refused where they conflict."""
    if vmi.metadata.annotations.get(names.ANNOTATION_EXCLUDE_PRESETS) == "true":
        return Preset(vmi=vmi)
    meant = sorted((p for p in presets if _is_for(p, vmi)), key=lambda p: p.metadata.name)
    if not meant:
        return Preset(vmi=vmi)
    _refuse_contradictions(meant)
    vmi = codec.clone(vmi)
    applied, warnings = [], [DEPRECATION]
    for preset in meant:
        name, wanted = preset.metadata.name, preset.spec.domain
        if wanted is None:
            continue
        for section in contradictions(wanted, vmi.spec.domain):
            warnings.append(f"preset {name} does not change {section}, which the instance sets itself")
        if _merge(wanted, vmi.spec.domain):
            applied.append(name)
            vmi.metadata.annotations[f"{APPLIED}{name}"] = f"{names.GROUP}/{names.VERSION}"
    return Preset(vmi=vmi, applied=tuple(applied), warnings=tuple(warnings))


def contradictions(one: DomainSpec, other: DomainSpec) -> list[str]:
    """The sections about which both say something, and not the same."""
    found = [
        f"spec.resources.requests[{key}]"
        for key, amount in one.resources.requests.items()
        if key in other.resources.requests and amount != other.resources.requests[key]
    ]
    for section in ("cpu", "firmware"):
        found += _differ(section, getattr(one, section), getattr(other, section))
    if one.clock is not None and other.clock is not None:
        if _offset(one.clock) != _offset(other.clock):
            found.append("spec.clock.clockoffset")
        found += _differ("clock.timer", one.clock.timer, other.clock.timer)
    found += _differ("features", one.features, other.features)
    found += _differ("devices.watchdog", one.devices.watchdog, other.devices.watchdog)
    found += _differ("ioThreadsPolicy", one.io_threads_policy, other.io_threads_policy)
    return found


def _is_for(preset: VirtualMachineInstancePreset, vmi: VirtualMachineInstance) -> bool:
    try:
        return matches(preset.spec.selector, vmi.metadata.labels)
    except Refused as e:
        raise Refused(
            field=f"preset {preset.metadata.name} spec.selector.{e.field}", cause=e.cause, remedy=e.remedy
        ) from e


def _refuse_contradictions(presets: list[VirtualMachineInstancePreset]) -> None:
    found = []
    for one, other in combinations(presets, 2):
        if one.spec.domain is not None and other.spec.domain is not None:
            sections = contradictions(one.spec.domain, other.spec.domain)
            if sections:
                found.append(
                    f"presets '{other.metadata.name}' and '{one.metadata.name}' conflict: {', '.join(sections)}"
                )
    if found:
        raise Refused(
            cause=f"VirtualMachinePresets cannot be applied due to conflicts: {'; '.join(found)}", remedy=_REMEDY
        )


def _differ(section: str, one: object, other: object) -> list[str]:
    return [f"spec.{section}"] if one is not None and other is not None and one != other else []


def _offset(clock: Clock) -> tuple[object, ...]:
    """What a clock says beside its timers."""
    return tuple(getattr(clock, member) for member in clock.__struct_fields__ if member != "timer")


def _merge(wanted: DomainSpec, domain: DomainSpec) -> bool:
    """Fill what `domain` leaves open; whether any section is as wanted in the end."""
    wanted = codec.clone(wanted)
    holds = []
    if wanted.resources.requests:
        domain.resources.requests = domain.resources.requests or wanted.resources.requests
        holds.append(domain.resources.requests == wanted.resources.requests)
    for section in ("cpu", "firmware", "features", "io_threads_policy"):
        holds.append(_fill(wanted, domain, section))
    holds.append(_fill(wanted.devices, domain.devices, "watchdog"))
    if wanted.clock is not None:
        timer, domain.clock = wanted.clock.timer, domain.clock or msgspec.structs.replace(wanted.clock, timer=None)
        domain.clock.timer = domain.clock.timer or timer
        holds.append(_offset(domain.clock) == _offset(wanted.clock))
        holds.append(timer is not None and timer == domain.clock.timer)
    return any(holds)


def _fill(wanted: msgspec.Struct, given: msgspec.Struct, member: str) -> bool:
    value = getattr(wanted, member)
    if value is None:
        return False
    if getattr(given, member) is None:
        setattr(given, member, value)
    return bool(getattr(given, member) == value)
