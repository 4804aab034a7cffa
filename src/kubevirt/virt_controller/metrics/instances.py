"""Instances as series, one function a family, each over all instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import Metric

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.families import gauge
from kubevirt.machine.overhead import overhead
from kubevirt.virt_controller.conditions import is_true
from kubevirt.virt_controller.metrics.nics import LABELS as NIC_LABELS
from kubevirt.virt_controller.metrics.nics import vnics
from kubevirt.virt_controller.metrics.offers import Look, of_instance

INFO = ("node", "namespace", "name", "phase", "os", "workload", "flavor", "instance_type", "preference",
        "guest_os_kernel_release", "guest_os_machine", "guest_os_arch", "guest_os_name", "guest_os_version_id",
        "evictable", "outdated", "vmi_pod")
WHERE = ("node", "namespace", "name")
BY_MIGRATION = frozenset({"LiveMigrate", "LiveMigrateIfPossible"})
MIGRATIONS = ("pending", "scheduling", "unset", "running")

Instances = Sequence[VirtualMachineInstance]


def families(vmis: Instances, pods: Mapping[str, str], config: ClusterConfig, look: Look) -> Iterator[Metric]:
    """All families about instances. `pods`: names of running launcher pods by the instance's uid; `look` finds what
    instances are offered.
    """
    yield gauge("kubevirt_vmi_info", "A virtual machine instance.", INFO,
                [(info(vmi, pods, config, look), 1.0) for vmi in vmis])
    yield gauge("kubevirt_vmi_non_evictable", "1 where an instance should be migrated at an eviction, but cannot be.",
                WHERE, [(where(vmi), float(is_stuck(vmi, config))) for vmi in vmis])
    yield gauge("kubevirt_vmi_status_addresses", "An address of an instance.",
                (*WHERE, "vnic_name", "interface_name", "address", "type"),
                [(series, 1.0) for vmi in vmis for series in addresses(vmi)])
    yield gauge("kubevirt_vmi_vnic_info", "An interface of an instance.", NIC_LABELS, [
        series for vmi in vmis for series in vnics(vmi.metadata.name, vmi.metadata.namespace, vmi.spec)])
    yield gauge("kubevirt_vmi_launcher_memory_overhead_bytes", "Memory that an instance needs beside its guest's.",
                ("namespace", "name"), [(where(vmi)[1:], float(memory_overhead(vmi))) for vmi in vmis])
    yield gauge("kubevirt_vmi_number_of_outdated", "Instances whose launcher is of an older version.", (),
                [((), float(sum(is_outdated(vmi) for vmi in vmis)))])
    yield from migrations(vmis)


def where(vmi: VirtualMachineInstance) -> tuple[str, str, str]:
    """Node, namespace and name."""
    return vmi.status.node_name, vmi.metadata.namespace, vmi.metadata.name


def info(vmi: VirtualMachineInstance, pods: Mapping[str, str], config: ClusterConfig, look: Look) -> tuple[str, ...]:
    """The labels of an instance."""
    annotations = vmi.metadata.annotations
    told = (annotations.get(f"vm.kubevirt.io/{word}", "") for word in ("os", "workload", "flavor"))
    guest, machine = vmi.status.guest_os_info, vmi.status.machine
    return (
        *where(vmi), vmi.status.phase.lower(), *told, *of_instance(vmi.metadata, look),
        guest.kernel_release if guest is not None else "", (machine.type if machine is not None else "") or "",
        guest.machine if guest is not None else "", guest.name if guest is not None else "",
        guest.version_id if guest is not None else "",
        str(not is_stuck(vmi, config)).lower(), str(is_outdated(vmi)).lower(), pods.get(vmi.metadata.uid, ""),
    )


def is_stuck(vmi: VirtualMachineInstance, config: ClusterConfig) -> bool:
    """An eviction should move the guest, and it cannot be moved."""
    strategy = vmi.spec.eviction_strategy or config.eviction_strategy
    return strategy in BY_MIGRATION and not is_true(vmi.status.conditions, "LiveMigratable")


def is_outdated(vmi: VirtualMachineInstance) -> bool:
    """Its launcher was made from an older image than the installation's."""
    return names.LABEL_OUTDATED_LAUNCHER_IMAGE in vmi.metadata.labels


def addresses(vmi: VirtualMachineInstance) -> Iterator[tuple[str, ...]]:
    """Interfaces that are known by a name or an address."""
    for nic in vmi.status.interfaces:
        if nic.ip_address or nic.name:
            kind = "ExternalInterface" if nic.ip_address else "SystemInterface"
            yield (*where(vmi), nic.name, nic.interface_name, nic.ip_address, kind)


def memory_overhead(vmi: VirtualMachineInstance) -> int:
    """As the launcher pod was given it, else by the model."""
    memory = vmi.status.memory
    if memory is not None and memory.memory_overhead is not None:
        return memory.memory_overhead.bytes
    return overhead(vmi).requested_bytes


def migrations(vmis: Instances) -> Iterator[Metric]:
    """When the last migration of each instance began and ended."""
    moved = [(vmi, vmi.status.migration_state) for vmi in vmis if vmi.status.migration_state is not None]
    labels = (*WHERE, "migration_name")
    yield gauge("kubevirt_vmi_migration_start_time_seconds", "When an instance's migration began.", labels, [
        ((*where(vmi), ""), state.start_timestamp.timestamp()) for vmi, state in moved
        if state is not None and state.start_timestamp is not None])
    yield gauge("kubevirt_vmi_migration_end_time_seconds", "When an instance's migration ended.", (*labels, "status"), [
        ((*where(vmi), "", "failed" if state.failed else "succeeded" if state.completed else ""),
         state.end_timestamp.timestamp())
        for vmi, state in moved if state is not None and state.end_timestamp is not None])


def no_migrations() -> Iterator[Metric]:
    """Gauges that are told by every copy of the program, also while nothing migrates."""
    for phase in MIGRATIONS:
        yield gauge(f"kubevirt_vmi_migrations_in_{phase}_phase", "Migrations in this phase.", (), [((), 0.0)])
