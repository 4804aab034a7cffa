"""What a preference demands of a machine: least CPUs and memory, and an architecture.

An instance type has to offer them; without one, the machine itself, defaults included.
"""

from kubevirt.api.compute import CPU
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.topology import preferred, spread
from kubevirt.api.preference import (
    CPUPreferenceRequirement,
    MemoryPreferenceRequirement,
    VirtualMachinePreferenceSpec,
)
from kubevirt.api.validation.causes import Cause, not_found
from kubevirt.api.vmi import VirtualMachineInstanceSpec

CPU_PATH = "spec.template.spec.domain.cpu"
_SPREAD = {
    "SocketsCores": ("sockets", "cores"),
    "CoresThreads": ("cores", "threads"),
    "SocketsCoresThreads": ("sockets", "cores", "threads"),
}
_ANY = ("cores", "sockets", "threads")


def unmet(
    instancetype: VirtualMachineInstancetypeSpec | None,
    preference: VirtualMachinePreferenceSpec | None,
    spec: VirtualMachineInstanceSpec,
) -> Cause | None:
    """The first demand that is not met. `spec` has its defaults."""
    wanted = preference.requirements if preference is not None else None
    if preference is None or wanted is None:
        return None
    found = None
    if wanted.cpu is not None:
        found = _cpu(instancetype, preference, wanted.cpu, spec.domain.cpu)
    if found is None and wanted.memory is not None:
        found = _memory(instancetype, wanted.memory, spec)
    if found is None and wanted.architecture is not None and spec.architecture != wanted.architecture:
        found = ("spec.template.spec.architecture",
                 f"preference requires architecture {wanted.architecture} but {spec.architecture} is being requested")
    return not_found(found[0], f"failure checking preference requirements: {found[1]}") if found else None


def _cpu(
    instancetype: VirtualMachineInstancetypeSpec | None,
    preference: VirtualMachinePreferenceSpec,
    wanted: CPUPreferenceRequirement,
    cpu: CPU | None,
) -> tuple[str, str] | None:
    if instancetype is not None:
        if instancetype.cpu.guest >= wanted.guest:
            return None
        return "spec.instancetype", (
            f"insufficient CPU resources of {instancetype.cpu.guest} vCPU provided by instance type, preference "
            f"requires {wanted.guest} vCPU"
        )
    if cpu is None:
        return CPU_PATH, f"no CPU resources provided by VirtualMachine, preference requires {wanted.guest} vCPU"
    topology = preferred(preference)
    across = spread(preference)[1]
    match topology:
        case "spread":
            parts, told = _SPREAD.get(across, _SPREAD["SocketsCores"]), across
        case "any":
            parts, told = _ANY, "cores, sockets and threads"
        case _:
            parts, told = (topology,), topology
    given = 1
    for part in parts:
        given *= getattr(cpu, part) or 0
    if given >= wanted.guest:
        return None
    return ", ".join(f"{CPU_PATH}.{part}" for part in parts), (
        f"insufficient CPU resources of {given} vCPU provided by VirtualMachine, preference requires "
        f"{wanted.guest} vCPU provided as {told}"
    )


def _memory(
    instancetype: VirtualMachineInstancetypeSpec | None,
    wanted: MemoryPreferenceRequirement,
    spec: VirtualMachineInstanceSpec,
) -> tuple[str, str] | None:
    if instancetype is not None:
        given, by, path = instancetype.memory.guest, "instance type", "spec.instancetype"
    elif spec.domain.memory is not None and spec.domain.memory.guest is not None:
        given, by, path = spec.domain.memory.guest, "VirtualMachine", "spec.template.spec.domain.memory"
    else:
        return None
    if given >= wanted.guest:
        return None
    return path, f"insufficient Memory resources of {given} provided by {by}, preference requires {wanted.guest}"
