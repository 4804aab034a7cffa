"""Rules for what administrators offer to machines: instance types, preferences and presets."""

from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.preference import CPUPreferences, VirtualMachinePreferenceSpec
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.selectors import matches
from kubevirt.api.validation.causes import Cause, Causes, invalid, required
from kubevirt.kit.errors import Refused
from kubevirt.kit.quantity import Quantity

TOPOLOGIES = ("sockets", "cores", "threads", "spread", "any")
OLD_TOPOLOGIES = ("preferSockets", "preferCores", "preferThreads", "preferSpread", "preferAny")
SPREADS = ("SocketsCores", "SocketsCoresThreads", "CoresThreads")


def validate_instancetype(spec: VirtualMachineInstancetypeSpec) -> list[Cause]:
    """What is wrong with an instance type, of a namespace or the cluster."""
    return list(_instancetype(spec))


def _instancetype(spec: VirtualMachineInstancetypeSpec) -> Causes:
    memory, at = spec.memory, "spec.memory"
    overcommit = memory.overcommit_percent
    if overcommit is not None and not 0 <= overcommit <= 100:
        yield invalid(
            f"{at}.overcommitPercent",
            f"{at}.overcommitPercent '{overcommit}': must be in range between 0 and 100.",
        )
    if overcommit and memory.hugepages is not None:
        yield invalid(
            f"{at}.overcommitPercent",
            f"{at}.overcommitPercent and {at}.hugepages should not be requested together.",
        )
    if memory.guest < Quantity():
        yield invalid(f"{at}.guest", f"{at}.guest '{memory.guest}': must be greater than or equal to 0.")


def validate_preference(spec: VirtualMachinePreferenceSpec) -> list[Cause]:
    """What is wrong with a preference, of a namespace or the cluster."""
    return list(_cpu(spec.cpu)) if spec.cpu is not None else []


def preference_warnings(spec: VirtualMachinePreferenceSpec) -> list[str]:
    """What is accepted, but should be written otherwise."""
    found = []
    if spec.prefer_spread_socket_to_core_ratio is not None:
        found.append("spec.preferSpreadSocketToCoreRatio is deprecated, use spec.cpu.spreadOptions.ratio")
    topology = spec.cpu.preferred_cpu_topology if spec.cpu is not None else None
    if topology in OLD_TOPOLOGIES:
        new = TOPOLOGIES[OLD_TOPOLOGIES.index(topology)]
        found.append(f"spec.cpu.preferredCPUTopology {topology} is deprecated, use {new}")
    firmware = spec.firmware
    if firmware is not None and firmware.preferred_use_efi is not None:
        found.append("spec.firmware.preferredUseEfi is deprecated, use spec.firmware.preferredEfi")
    if firmware is not None and firmware.preferred_use_secure_boot is not None:
        found.append("spec.firmware.preferredUseSecureBoot is deprecated, use spec.firmware.preferredEfi")
    return found


def _cpu(cpu: CPUPreferences) -> Causes:
    topology, at = cpu.preferred_cpu_topology, "spec.cpu"
    if topology is not None and topology not in (*TOPOLOGIES, *OLD_TOPOLOGIES):
        yield invalid(f"{at}.preferredCPUTopology", f"unknown preferredCPUTopology {topology}")
    options = cpu.spread_options
    if options is None:
        return
    if options.across is not None and options.across not in SPREADS:
        yield invalid(
            f"{at}.spreadOptions.across",
            f"across {options.across} is not supported, must be one of: {', '.join(SPREADS)}",
        )
    if options.ratio is not None and options.ratio < 1:
        yield invalid(f"{at}.spreadOptions.ratio", "ratio must be greater than 0")
    if options.across == "CoresThreads" and options.ratio not in (None, 2):
        yield invalid(
            f"{at}.spreadOptions.ratio",
            "only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores and threads",
        )


def validate_preset(preset: VirtualMachineInstancePreset) -> list[Cause]:
    """What is wrong with a preset."""
    if preset.spec.domain is None:
        return [required("spec.domain", "missing domain.")]
    try:
        matches(preset.spec.selector, {})
    except Refused as e:
        return [invalid("spec.selector", e.cause)]
    return []
