"""What an instance type makes of a machine. The machine may say nothing about what its instance type says.

The functions change the spec they are given; each reports the fields in the way instead of overwriting them.
"""

import struct

from kubevirt.api import codec
from kubevirt.api.compute import CPU, DiskIOThreads, Memory
from kubevirt.api.instancetype import VirtualMachineInstancetypeSpec
from kubevirt.api.instancetypes.conflicts import Conflict, Conflicts
from kubevirt.api.instancetypes.topology import arrange, spread_conflict
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.preference import VirtualMachinePreferenceSpec
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.quantity import Quantity


def apply_instancetype(
    at: str,
    instancetype: VirtualMachineInstancetypeSpec,
    preference: VirtualMachinePreferenceSpec | None,
    spec: VirtualMachineInstanceSpec,
    metadata: ObjectMeta,
) -> list[Conflict]:
    """Put the instance type into `spec` and `metadata`; the conflicts, with `at` as the path of the spec.

    With conflicts, what has become of the spec is of no use. The preference is asked for the arrangement of CPUs only.
    """
    offered = codec.clone(instancetype)
    return [
        *_placement(at, offered, spec),
        *_cpu(at, offered, preference, spec),
        *_memory(at, offered, spec),
        *_threads(at, offered, spec),
        *_protection(at, offered, spec),
        *_host_devices(at, offered, spec),
        *_annotations(offered, metadata),
    ]


def _placement(at: str, offered: VirtualMachineInstancetypeSpec, spec: VirtualMachineInstanceSpec) -> Conflicts:
    if offered.node_selector:
        if spec.node_selector:
            yield Conflict(f"{at}.nodeSelector")
        spec.node_selector = offered.node_selector
    if offered.scheduler_name:
        if spec.scheduler_name:
            yield Conflict(f"{at}.schedulerName")
        spec.scheduler_name = offered.scheduler_name


def _cpu(
    at: str,
    offered: VirtualMachineInstancetypeSpec,
    preference: VirtualMachinePreferenceSpec | None,
    spec: VirtualMachineInstanceSpec,
) -> Conflicts:
    cpu = spec.domain.cpu = spec.domain.cpu or CPU()
    conflicts = [Conflict(f"{at}.domain.{field}") for field in _cpu_fields_in_the_way(offered, cpu, spec)]
    if conflicts:
        yield from conflicts
        return
    wanted = offered.cpu
    cpu.model = wanted.model if wanted.model is not None else cpu.model
    if wanted.dedicated_cpu_placement is not None:
        cpu.dedicated_cpu_placement = wanted.dedicated_cpu_placement
    if wanted.isolate_emulator_thread is not None:
        cpu.isolate_emulator_thread = wanted.isolate_emulator_thread
    cpu.numa = wanted.numa or cpu.numa
    cpu.realtime = wanted.realtime or cpu.realtime
    cpu.max_sockets = wanted.max_sockets if wanted.max_sockets is not None else cpu.max_sockets
    if (undivided := spread_conflict(offered, preference)) is not None:
        yield undivided
        return
    topology = arrange(wanted.guest, preference)
    cpu.sockets, cpu.cores, cpu.threads = topology.sockets, topology.cores, topology.threads


def _cpu_fields_in_the_way(
    offered: VirtualMachineInstancetypeSpec, cpu: CPU, spec: VirtualMachineInstanceSpec
) -> list[str]:
    """Fields below `domain`; the number of CPUs is always the instance type's, the rest where it says something."""
    resources, wanted = spec.domain.resources, offered.cpu
    rows = (
        ("resources.requests.cpu", "cpu" in resources.requests),
        ("resources.limits.cpu", "cpu" in resources.limits),
        ("cpu.sockets", cpu.sockets),
        ("cpu.cores", cpu.cores),
        ("cpu.threads", cpu.threads),
        ("cpu.model", cpu.model and wanted.model is not None),
        ("cpu.dedicatedCPUPlacement", cpu.dedicated_cpu_placement and wanted.dedicated_cpu_placement is not None),
        ("cpu.isolateEmulatorThread", cpu.isolate_emulator_thread and wanted.isolate_emulator_thread is not None),
        ("cpu.numa", cpu.numa is not None and wanted.numa is not None),
        ("cpu.realtime", cpu.realtime is not None and wanted.realtime is not None),
    )
    return [field for field, is_in_the_way in rows if is_in_the_way]


def _memory(at: str, offered: VirtualMachineInstancetypeSpec, spec: VirtualMachineInstanceSpec) -> Conflicts:
    memory = spec.domain.memory = spec.domain.memory or Memory()
    resources, wanted = spec.domain.resources, offered.memory
    rows = (
        ("memory.guest", memory.guest is not None),
        ("memory.hugepages", memory.hugepages is not None and wanted.hugepages is not None),
        ("memory.maxGuest", memory.max_guest is not None and wanted.max_guest is not None),
        ("resources.requests.memory", "memory" in resources.requests),
        ("resources.limits.memory", "memory" in resources.limits),
    )
    if first := next((field for field, is_in_the_way in rows if is_in_the_way), ""):
        yield Conflict(f"{at}.domain.{first}")
        return
    memory.guest = wanted.guest
    if wanted.overcommit_percent:
        resources.requests["memory"] = reserved(wanted.guest, wanted.overcommit_percent)
    memory.hugepages = wanted.hugepages or memory.hugepages
    memory.max_guest = wanted.max_guest if wanted.max_guest is not None else memory.max_guest


def reserved(guest: Quantity, overcommit_percent: int) -> Quantity:
    """What is reserved of a guest's memory.

    Worked out in single precision: the API has always rounded so, and the amount is seen by schedulers and quotas.
    """
    share = _single(1 - _single(overcommit_percent / 100))
    amount = int(_single(_single(guest.bytes) * share))
    return guest - Quantity(str(guest.bytes - amount))  # written in the guest's own notation


def _single(number: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def _threads(at: str, offered: VirtualMachineInstancetypeSpec, spec: VirtualMachineInstanceSpec) -> Conflicts:
    domain = spec.domain
    if offered.io_threads_policy is not None:
        if domain.io_threads_policy is not None:
            yield Conflict(f"{at}.domain.ioThreadsPolicy")
        domain.io_threads_policy = offered.io_threads_policy
    count = offered.io_threads.supplemental_pool_thread_count if offered.io_threads is not None else None
    if count is not None:
        threads = domain.io_threads = domain.io_threads or DiskIOThreads()
        if threads.supplemental_pool_thread_count is not None:
            yield Conflict(f"{at}.domain.ioThreads.supplementalPoolThreadCount")
        threads.supplemental_pool_thread_count = count


def _protection(at: str, offered: VirtualMachineInstancetypeSpec, spec: VirtualMachineInstanceSpec) -> Conflicts:
    if offered.launch_security is not None:
        if spec.domain.launch_security is not None:
            yield Conflict(f"{at}.domain.launchSecurity")
        spec.domain.launch_security = offered.launch_security


def _host_devices(at: str, offered: VirtualMachineInstancetypeSpec, spec: VirtualMachineInstanceSpec) -> Conflicts:
    devices = spec.domain.devices
    if offered.gpus:
        if devices.gpus:
            yield Conflict(f"{at}.domain.devices.gpus")
        devices.gpus = offered.gpus
    if offered.host_devices:
        if devices.host_devices:
            yield Conflict(f"{at}.domain.devices.hostDevices")
        devices.host_devices = offered.host_devices


def _annotations(offered: VirtualMachineInstancetypeSpec, metadata: ObjectMeta) -> Conflicts:
    for key, value in offered.annotations.items():
        if metadata.annotations.setdefault(key, value) != value:
            yield Conflict(f"annotations.{key}")
