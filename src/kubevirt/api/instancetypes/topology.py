"""How the CPUs of an instance type become sockets, cores and threads: a preference says, sockets are the default."""

from dataclasses import dataclass
from typing import Final

from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.conflicts import Conflict
from kubevirt.api.preference import VirtualMachinePreferenceSpec

_OLD_NAMES: Final = {
    "preferSockets": "sockets",
    "preferCores": "cores",
    "preferThreads": "threads",
    "preferSpread": "spread",
    "preferAny": "any",
}
THREADS_PER_CORE: Final = 2
"""With a spread over all three levels the ratio is that of sockets to cores, and this is fixed."""
DEFAULT_RATIO: Final = 2


@dataclass(frozen=True)
class Topology:
    """CPUs, arranged."""

    sockets: int = 1
    cores: int = 1
    threads: int = 1


def preferred(preference: VirtualMachinePreferenceSpec | None) -> str:
    """`sockets`, `cores`, `threads`, `spread` or `any`."""
    named = preference.cpu.preferred_cpu_topology if preference is not None and preference.cpu is not None else None
    return _OLD_NAMES.get(named, named) if named else "sockets"


def spread(preference: VirtualMachinePreferenceSpec | None) -> tuple[int, str]:
    """The ratio of topology spread, and over what it spreads."""
    if preference is None:
        return DEFAULT_RATIO, "SocketsCores"
    options = preference.cpu.spread_options if preference.cpu is not None else None
    ratio = preference.prefer_spread_socket_to_core_ratio or DEFAULT_RATIO
    if options is None:
        return ratio, "SocketsCores"
    return options.ratio or ratio, options.across or "SocketsCores"


def arrange(count: int, preference: VirtualMachinePreferenceSpec | None) -> Topology:
    """`count` CPUs as the preference likes them. What a spread cannot divide is `spread_conflict`'s to refuse."""
    if count == 1:
        return Topology()
    match preferred(preference):
        case "cores":
            return Topology(cores=count)
        case "threads":
            return Topology(threads=count)
        case "spread":
            return _spread(count, *spread(preference))
        case _:
            return Topology(sockets=count)


def _spread(count: int, ratio: int, across: str) -> Topology:
    match across:
        case "CoresThreads":
            return Topology(threads=ratio, cores=count // ratio)
        case "SocketsCoresThreads":
            return Topology(threads=THREADS_PER_CORE, cores=ratio, sockets=count // THREADS_PER_CORE // ratio)
        case _:
            return Topology(cores=ratio, sockets=count // ratio)


def spread_conflict(
    instancetype: VirtualMachineInstancetypeSpec | None, preference: VirtualMachinePreferenceSpec | None
) -> Conflict | None:
    """The CPUs of the instance type cannot be spread as the preference wants."""
    if instancetype is None or preferred(preference) != "spread":
        return None
    count = instancetype.cpu.guest
    ratio, across = spread(preference)
    given = f"{count} vCPUs provided by the instance type are not divisible by the"
    options = "Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio"
    match across:
        case "CoresThreads":
            fits, said = count % ratio == 0, f"{given} number of threads per core {ratio}"
        case "SocketsCoresThreads":
            fits = count % THREADS_PER_CORE == 0 and count // THREADS_PER_CORE % ratio == 0
            said = f"{given} number of threads per core {THREADS_PER_CORE} and {options} of {ratio}"
        case _:
            fits, said = count % ratio == 0, f"{given} {options} of {ratio} provided by the preference"
    return None if fits else Conflict("instancetype.spec.cpu.guest", said)
