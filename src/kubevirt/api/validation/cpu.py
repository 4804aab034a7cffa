"""Rules for virtual CPUs."""

from kubevirt.api.domain import CPU, DomainSpec
from kubevirt.api.validation.causes import Causes, invalid, not_supported, required
from kubevirt.kit.quantity import Quantity

ZERO = Quantity(0)
FEATURE_POLICIES = frozenset({"", "force", "require", "optional", "disable", "forbid"})


def check_requests(field: str, domain: DomainSpec) -> Causes:
    """Shares are not negative, and what is requested is not more than what is allowed."""
    request, limit = domain.resources.requests.get("cpu", ZERO), domain.resources.limits.get("cpu", ZERO)
    at_request, at_limit = f"{field}.resources.requests.cpu", f"{field}.resources.limits.cpu"
    if request < ZERO:
        yield invalid(at_request, f"{at_request} '{request}': must be greater than or equal to 0.")
    if limit < ZERO:
        yield invalid(at_limit, f"{at_limit} '{limit}': must be greater than or equal to 0.")
    if limit > ZERO and request > limit:
        yield invalid(at_request, f"{at_request} '{request}' is greater than {at_limit} '{limit}'")


def check_cpu(field: str, domain: DomainSpec) -> Causes:
    """Placement, NUMA, features and growth."""
    cpu = domain.cpu
    if cpu is None:
        return
    if cpu.dedicated_cpu_placement:
        yield from _dedicated(field, domain, cpu)
    yield from _numa(field, domain, cpu)
    if cpu.isolate_emulator_thread and not cpu.dedicated_cpu_placement:
        yield invalid(
            f"{field}.cpu.isolateEmulatorThread",
            "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement",
        )
    for index, feature in enumerate(cpu.features):
        if (feature.policy or "") not in FEATURE_POLICIES:
            yield not_supported(
                f"{field}.cpu.features[{index}].policy",
                f"CPU feature {feature.name} uses policy {feature.policy} that is not supported.",
            )
    if cpu.max_sockets and (cpu.sockets or 0) > cpu.max_sockets:
        yield invalid(
            f"{field}.cpu.sockets",
            "Number of sockets in CPU topology is greater than the maximum sockets allowed",
        )


def check_realtime(field: str, domain: DomainSpec) -> Causes:
    """Real-time CPUs need CPUs and memory of their own."""
    cpu = domain.cpu
    if cpu is None or cpu.realtime is None:
        return
    at = f"{field}.cpu.realtime"
    if not cpu.dedicated_cpu_placement:
        dedicated = f"{field}.cpu.dedicatedCpuPlacement"
        yield required(dedicated, f"{dedicated} must be set to true when {at} is used")
    if cpu.numa is None or cpu.numa.guest_mapping_passthrough is None:
        mapping = f"{field}.cpu.numa.guestMappingPassthrough"
        yield required(mapping, f"{mapping} must be defined when {at} is used")


def vcpus(cpu: CPU) -> int:
    """The number of virtual CPUs; members that are not given count as one."""
    return (cpu.sockets or 1) * (cpu.cores or 1) * (cpu.threads or 1)


def _numa(field: str, domain: DomainSpec, cpu: CPU) -> Causes:
    if cpu.numa is None or cpu.numa.guest_mapping_passthrough is None:
        return
    at = f"{field}.cpu.numa.guestMappingPassthrough"
    if not cpu.dedicated_cpu_placement:
        yield invalid(
            at, f"{field}.cpu.dedicatedCpuPlacement must be set to true when NUMA topology strategy is set in {at}"
        )
    if domain.memory is None or domain.memory.hugepages is None:
        yield invalid(at, f"{field}.memory.hugepages must be requested when NUMA topology strategy is set in {at}")


def _dedicated(field: str, domain: DomainSpec, cpu: CPU) -> Causes:
    """Whole CPUs for this guest alone: the pod must be of the guaranteed class."""
    requests, limits = domain.resources.requests, domain.resources.limits
    request, limit = requests.get("cpu", ZERO), limits.get("cpu", ZERO)
    at_request, at_limit = f"{field}.resources.requests.cpu", f"{field}.resources.limits.cpu"
    at = f"{field}.cpu.dedicatedCpuPlacement"
    memory = domain.memory
    memory_request, memory_limit = requests.get("memory"), limits.get("memory")
    at_memory_request, at_memory_limit = f"{field}.resources.requests.memory", f"{field}.resources.limits.memory"
    if memory_request and memory_limit and memory_request != memory_limit:
        yield invalid(at_memory_request, f"{at_memory_request} must be equal to {at_memory_limit}")
    if not memory_request and not memory_limit and (memory is None or not (memory.guest or memory.hugepages)):
        yield invalid(
            at_memory_limit,
            f"{at_memory_request}, {at_memory_limit}, {field}.memory.hugepages or {field}.memory.guest "
            "should be provided",
        )
    if limit > ZERO and not limit.is_whole:
        yield invalid(at_limit, "provided resources CPU limits must be an interger")
    if request > ZERO and not request.is_whole:
        yield invalid(at_request, "provided resources CPU requests must be an interger")
    if request > ZERO and limit > ZERO and request != limit:
        yield invalid(at, f"{at_request} or {at_limit} must be equal when DedicatedCPUPlacement is true ")
    if (request > ZERO or limit > ZERO) and vcpus(cpu) not in (request.value, limit.value):
        yield invalid(
            at,
            f"{at_request} or {at_limit} must not be provided at the same time with {field}.cpu.cores "
            "when DedicatedCPUPlacement is true ",
        )
    if not request and not limit and not (cpu.sockets or cpu.cores or cpu.threads):
        yield invalid(
            at,
            f"either {at_request} or {at_limit} or {field}.cpu.cores must be provided "
            "when DedicatedCPUPlacement is true ",
        )
    if (cpu.threads or 0) > 2:
        threads = f"{field}.cpu.threads"
        yield invalid(
            at,
            f"Not more than two threads must be provided at {threads} (got {cpu.threads}) "
            "when DedicatedCPUPlacement is true",
        )
