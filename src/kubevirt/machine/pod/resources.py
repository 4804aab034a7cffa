"""What the compute container asks of its node: CPU, memory, huge pages, devices.

What the user wrote wins; the rest follows from the machine. CPU is over-committed by the cluster's ratio unless
dedicated, memory is not unless the cluster says so.
"""

from __future__ import annotations

from collections import Counter

from kubevirt.api import names
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.kit.quantity import Quantity
from kubevirt.machine import guest_cpu, overhead
from kubevirt.machine.domain import iothreads, models, placement, security
from kubevirt.machine.domain.interfaces import is_virtio
from kubevirt.machine.pod.context import PodContext

Amounts = dict[str, Quantity]

SCRATCH_STORAGE = Quantity("50M")
"""Ephemeral storage for logs, sockets and images the launcher writes."""
AUTO_MEMORY_LIMIT_RATIO = 2.0
LABEL_AUTO_MEMORY_LIMIT_RATIO = "alpha.kubevirt.io/auto-memory-limits-ratio"


def resources(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    """`resources` of the compute container."""
    given = vmi.spec.domain.resources
    requests, limits = dict(given.requests), dict(given.limits)
    _cpu(vmi, context, requests, limits)
    _memory(vmi, context, requests, limits)
    _storage(requests, limits)
    for name, count in _devices(vmi, context).items():
        limits[name] = limits.get(name, Quantity(0)) + Quantity(count)
    for name, count in _shared_devices(vmi, context).items():
        limits[name] = limits.get(name, Quantity(0)) + Quantity(count)
        requests[name] = requests.get(name, Quantity(0)) + Quantity(count)
    found: JsonObject = {"requests": {name: str(amount) for name, amount in requests.items()}}
    if limits:
        found["limits"] = {name: str(amount) for name, amount in limits.items()}
    if vmi.spec.resource_claims:
        found["claims"] = [{"name": claim.name} for claim in vmi.spec.resource_claims]
    return found


def _storage(requests: Amounts, limits: Amounts) -> None:
    name = "ephemeral-storage"
    requests[name] = requests.get(name, Quantity(0)) + SCRATCH_STORAGE
    if name in limits:
        limits[name] = limits[name] + SCRATCH_STORAGE


def _cpu(vmi: VirtualMachineInstance, context: PodContext, requests: Amounts, limits: Amounts) -> None:
    threads = iothreads.threads(vmi)
    vcpus = guest_cpu.count_vcpus(vmi.spec.domain)
    cpus = vcpus + (threads.total if threads.pool else 0)
    if placement.is_dedicated(vmi):
        total = Quantity(cpus + placement.emulator_cpus(vmi))
        requests["cpu"] = limits["cpu"] = total
        return
    if "cpu" not in requests:
        requests["cpu"] = Quantity.of_milli(cpus * 1000 // context.config.cpu_allocation_ratio)
    if "cpu" not in limits and (context.quota_limits_cpu or _namespace_wants_cpu_limits(context)):
        limits["cpu"] = Quantity(vcpus)


def _namespace_wants_cpu_limits(context: PodContext) -> bool:
    selector = context.config.raw.auto_cpu_limit_namespace_label_selector
    if selector is None:
        return False
    labels = context.namespace_labels
    for requirement in selector.match_expressions:
        value = labels.get(requirement.key)
        holds = {
            "In": value in requirement.values,
            "NotIn": value not in requirement.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not holds.get(requirement.operator, False):
            return False
    return all(labels.get(key) == value for key, value in selector.match_labels.items())


def _memory(vmi: VirtualMachineInstance, context: PodContext, requests: Amounts, limits: Amounts) -> None:
    domain = vmi.spec.domain
    guest = models.guest_memory(domain)
    if "memory" not in requests:
        requests["memory"] = limits["memory"] if "memory" in limits else _overcommitted(guest, context)
    if placement.is_dedicated(vmi):
        limits["memory"] = requests["memory"]
    extra = overhead.overhead(
        vmi, emulation=context.emulation, ratio=context.config.additional_memory_overhead_ratio,
        bindings_bytes=_binding_plugins(vmi, context),
    )
    # A pod whose limit is its request gets what it needs at the worst, because it cannot borrow.
    guaranteed = limits.get("memory") == requests["memory"]
    steady = Quantity.of_bytes(extra.peak_bytes if guaranteed else extra.requested_bytes)
    hugepages = domain.memory.hugepages if domain.memory is not None else None
    if hugepages is not None and hugepages.page_size:
        _on_hugepages(f"hugepages-{hugepages.page_size}", guest, requests, limits)
    if not domain.resources.overcommit_guest_overhead:
        requests["memory"] = requests["memory"] + steady
    if "memory" in limits:
        limits["memory"] = limits["memory"] + Quantity.of_bytes(extra.peak_bytes)
    elif context.quota_limits_memory:
        limits["memory"] = requests["memory"] * _memory_limit_ratio(context)


def _overcommitted(guest: Quantity, context: PodContext) -> Quantity:
    percent = context.config.memory_overcommit
    return guest if percent == 100 else Quantity.of_bytes(guest.bytes * 100 // percent)


def _on_hugepages(name: str, guest: Quantity, requests: Amounts, limits: Amounts) -> None:
    """The guest's memory comes from huge pages, so ordinary memory is asked for only beyond it."""
    on_pages = min(requests["memory"], guest) if guest else requests["memory"]
    beyond = requests["memory"] - on_pages
    requests[name] = limits[name] = on_pages
    requests["memory"] = beyond
    if "memory" in limits:
        limits["memory"] = limits["memory"] - on_pages if limits["memory"] > on_pages else Quantity(0)


def _memory_limit_ratio(context: PodContext) -> float:
    try:
        ratio = float(context.namespace_labels.get(LABEL_AUTO_MEMORY_LIMIT_RATIO, ""))
    except ValueError:
        return AUTO_MEMORY_LIMIT_RATIO
    return ratio if ratio >= 1 else AUTO_MEMORY_LIMIT_RATIO


def _binding_plugins(vmi: VirtualMachineInstance, context: PodContext) -> int:
    """Each plugin in use asks once, however many interfaces it serves."""
    network = context.config.raw.network
    plugins = network.binding if network is not None else {}
    used = {interface.binding.name for interface in vmi.spec.domain.devices.interfaces if interface.binding is not None}
    return sum(
        plugin.compute_resource_overhead.requests.get("memory", Quantity(0)).bytes
        for name, plugin in plugins.items() if name in used and plugin.compute_resource_overhead is not None
    )


def _devices(vmi: VirtualMachineInstance, context: PodContext) -> Counter[str]:
    """Devices of the add-on's own plugins, in limits only: Kubernetes takes the request from there."""
    devices = vmi.spec.domain.devices
    found: Counter[str] = Counter()
    if not context.emulation:
        found[names.DEVICE_KVM] = 1
    if devices.interfaces or devices.autoattach_pod_interface is not False:
        found[names.DEVICE_TUN] = 1
    if not context.emulation and any(is_virtio(interface) for interface in devices.interfaces):
        found[names.DEVICE_VHOST_NET] = 1
    if devices.autoattach_vsock:
        found[names.DEVICE_VHOST_VSOCK] = 1
    return found


def _shared_devices(vmi: VirtualMachineInstance, context: PodContext) -> Counter[str]:
    """Devices that are written into requests and limits alike."""
    domain = vmi.spec.domain
    found: Counter[str] = Counter()
    technology = security.technology(domain)
    if technology:
        found[f"{names.DEVICE_PREFIX}{'tdx' if technology == 'tdx' else 'sev'}"] = 1
    if any(disk.lun is not None and disk.lun.reservation for disk in domain.devices.disks):
        found[f"{names.DEVICE_PREFIX}pr-helper"] = 1
    found.update(gpu.device_name for gpu in domain.devices.gpus if gpu.device_name)
    found.update(device.device_name for device in domain.devices.host_devices if device.device_name)
    for network in vmi.spec.networks:
        if resource := context.attachment_resources.get(network.name):
            found[resource] += 1
    return found
