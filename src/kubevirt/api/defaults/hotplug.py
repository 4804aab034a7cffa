"""How far a running guest can later grow: sockets and memory that are prepared for plugging in."""

from kubevirt.api.config import MAX_VCPUS, ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.kit.quantity import Quantity

MIN_GUEST = Quantity("1Gi")
"""Smaller guests cannot have memory plugged in."""
ALIGNMENT = Quantity("2Mi")


def set_hotplug_limits(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> None:
    """Set the limits where the cluster changes running guests, and the guest says nothing itself."""
    if not config.live_update or spec.architecture == "arm64":
        return
    _sockets(spec, config)
    memory = spec.domain.memory
    if memory is None or memory.guest is None or memory.max_guest is not None:
        return
    limit = config.max_guest if config.max_guest is not None else memory.guest * config.max_hotplug_ratio
    if memory_hotplug_obstacle(spec, limit) is None:
        memory.max_guest = limit


def _sockets(spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> None:
    cpu = spec.domain.cpu
    if cpu is None:
        return
    sockets = cpu.sockets or 0
    limit = cpu.max_sockets or config.max_cpu_sockets or sockets * config.max_hotplug_ratio
    per_socket = (cpu.cores or 0) * (cpu.threads or 0)
    if limit * per_socket > MAX_VCPUS:
        limit = max(MAX_VCPUS // per_socket, sockets)
    cpu.max_sockets = limit or None


def memory_hotplug_obstacle(spec: VirtualMachineInstanceSpec, limit: Quantity | None) -> str | None:
    """Why memory up to `limit` cannot be plugged into this guest while it runs; None when it can."""
    domain = spec.domain
    guest = domain.memory.guest if domain.memory is not None else None
    cpu = domain.cpu
    if domain.launch_security is not None:
        return "Memory hotplug is not compatible with encrypted VMs"
    if cpu is not None and cpu.realtime is not None:
        return "Memory hotplug is not compatible with realtime VMs"
    if cpu is not None and cpu.numa is not None and cpu.numa.guest_mapping_passthrough is not None:
        return "Memory hotplug is not compatible with guest mapping passthrough"
    if guest is None:
        return "Guest memory must be configured when memory hotplug is enabled"
    if limit is None:
        return "Max guest memory must be configured when memory hotplug is enabled"
    if guest > limit:
        return "Guest memory is greater than the configured maxGuest memory"
    pages = domain.memory.hugepages if domain.memory is not None else None
    alignment = MIN_GUEST if pages is not None and pages.page_size == "1Gi" else ALIGNMENT
    if limit.bytes % alignment.bytes:
        return f"MaxGuest must be {alignment} aligned"
    if guest.bytes % alignment.bytes:
        return f"Guest memory must be {alignment} aligned"
    if spec.architecture not in ("", None, "amd64"):
        return "Memory hotplug is only available for x86_64 VMs"
    if guest < MIN_GUEST:
        return "Memory hotplug is only available for VMs with at least 1Gi of guest memory"
    return None
