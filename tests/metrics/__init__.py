"""Every metric that the programs tell: name, type, labels. Dashboards and rules of others are made for exactly these.

A page is held against its part of the table both ways: nothing of the table is missing from a page of a world that has
everything, and nothing of ours is on a page that is not in the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True)
class Row:
    """One metric. A label that ends in `*` stands for any number of labels that begin so."""

    name: str
    kind: str
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def rows(kind: str, labels: str, *names: str) -> tuple[Row, ...]:
    """Metrics of one kind that have the same labels."""
    return tuple(Row(name, kind, tuple(labels.split())) for name in names)


EVERY_PROGRAM = (
    *rows(COUNTER, "code method host resource verb", "kubevirt_rest_client_requests_total"),
    *rows(HISTOGRAM, "verb url", "kubevirt_rest_client_request_latency_seconds"),
)
QUEUES = (
    *rows(GAUGE, "name", "kubevirt_workqueue_depth", "kubevirt_workqueue_longest_running_processor_seconds",
          "kubevirt_workqueue_unfinished_work_seconds",
          "kubevirt_workqueue_longest_wait_seconds"),  # the last one is this project's own
    *rows(COUNTER, "name", "kubevirt_workqueue_adds_total", "kubevirt_workqueue_retries_total"),
    *rows(HISTOGRAM, "name", "kubevirt_workqueue_queue_duration_seconds", "kubevirt_workqueue_work_duration_seconds"),
)
API = (
    *EVERY_PROGRAM,
    *rows(GAUGE, "", "kubevirt_virt_api_ready_status"),
    *rows(GAUGE, "namespace vmi", "kubevirt_vnc_active_connections", "kubevirt_console_active_connections",
          "kubevirt_usbredir_active_connections", "kubevirt_portforward_active_tunnels",
          "kubevirt_vmi_last_api_connection_timestamp_seconds"),
    *rows(COUNTER, "namespace", "kubevirt_vm_created_by_pod_total"),
)
WAITING_CONTROLLER = (
    *EVERY_PROGRAM,
    *rows(GAUGE, "", "kubevirt_virt_controller_ready_status", "kubevirt_virt_controller_leading_status",
          "kubevirt_vmi_migrations_in_pending_phase", "kubevirt_vmi_migrations_in_scheduling_phase",
          "kubevirt_vmi_migrations_in_unset_phase", "kubevirt_vmi_migrations_in_running_phase"),
)
VNIC = "name namespace vnic_name binding_type network binding_name model"
LEADING_CONTROLLER = (
    *WAITING_CONTROLLER,
    *QUEUES,
    *rows(COUNTER, "namespace name", "kubevirt_vmi_sync_total"),
    *rows(GAUGE, "", "kubevirt_vmi_number_of_outdated"),
    *rows(HISTOGRAM, "phase last_phase", "kubevirt_vmi_phase_transition_time_seconds"),
    *rows(HISTOGRAM, "phase", "kubevirt_vmi_phase_transition_time_from_creation_seconds",
          "kubevirt_vmi_phase_transition_time_from_deletion_seconds"),
    *rows(GAUGE, "node namespace name migration_name", "kubevirt_vmi_migration_start_time_seconds"),
    *rows(GAUGE, "node namespace name migration_name status", "kubevirt_vmi_migration_end_time_seconds"),
    *rows(GAUGE, "node namespace name phase os workload flavor instance_type preference guest_os_kernel_release "
                 "guest_os_machine guest_os_arch guest_os_name guest_os_version_id evictable outdated vmi_pod",
          "kubevirt_vmi_info"),
    *rows(GAUGE, "node namespace name", "kubevirt_vmi_non_evictable"),
    *rows(GAUGE, "node namespace name vnic_name interface_name address type", "kubevirt_vmi_status_addresses"),
    *rows(GAUGE, VNIC, "kubevirt_vmi_vnic_info", "kubevirt_vm_vnic_info"),
    *rows(GAUGE, "namespace name", "kubevirt_vmi_launcher_memory_overhead_bytes"),
    *rows(GAUGE, "name namespace os workload flavor machine_type instance_type preference status status_group",
          "kubevirt_vm_info"),
    *rows(GAUGE, "name namespace label_*", "kubevirt_vm_labels"),
    *rows(GAUGE, "name namespace", "kubevirt_vm_create_date_timestamp_seconds"),
    *rows(COUNTER, "name namespace", *(f"kubevirt_vm_{group}_status_last_transition_timestamp_seconds" for group in (
        "starting", "running", "migrating", "non_running", "error"))),
    *rows(GAUGE, "name namespace persistentvolumeclaim volume_mode device", "kubevirt_vm_disk_allocated_size_bytes"),
    *rows(GAUGE, "name namespace resource unit source", "kubevirt_vm_resource_requests"),
    *rows(GAUGE, "name namespace resource unit", "kubevirt_vm_resource_limits"),
)
GUEST = "node namespace name kubernetes_vmi_label_*"
HANDLER = (
    *EVERY_PROGRAM,
    *QUEUES,
    *rows(GAUGE, "", "kubevirt_virt_handler_ready_status"),
    *rows(GAUGE, "goversion kubeversion", "kubevirt_info"),
    *rows(GAUGE, "machine_type node", "kubevirt_node_deprecated_machine_types"),
    *rows(COUNTER, "namespace name", "kubevirt_vmi_sync_total"),
    *rows(COUNTER, "namespace name type bugcheck_code", "kubevirt_vmi_guest_os_panic_total"),
    *rows(COUNTER, "code", "promhttp_metric_handler_requests_total"),
    *rows(GAUGE, "", "promhttp_metric_handler_requests_in_flight"),
    *rows(COUNTER, GUEST, "kubevirt_vmi_cpu_usage_seconds_total", "kubevirt_vmi_cpu_user_usage_seconds_total",
          "kubevirt_vmi_cpu_system_usage_seconds_total", "kubevirt_vmi_memory_pgmajfault_total",
          "kubevirt_vmi_memory_pgminfault_total"),
    *rows(GAUGE, GUEST, "kubevirt_vmi_guest_load_1m", "kubevirt_vmi_guest_load_5m", "kubevirt_vmi_guest_load_15m",
          "kubevirt_vmi_node_cpu_affinity", "kubevirt_vmi_memory_resident_bytes", "kubevirt_vmi_memory_available_bytes",
          "kubevirt_vmi_memory_unused_bytes", "kubevirt_vmi_memory_cached_bytes", "kubevirt_vmi_memory_usable_bytes",
          "kubevirt_vmi_memory_actual_balloon_bytes", "kubevirt_vmi_memory_domain_bytes",
          "kubevirt_vmi_memory_swap_in_traffic_bytes", "kubevirt_vmi_memory_swap_out_traffic_bytes",
          "kubevirt_vmi_dirty_rate_bytes_per_second"),
    *rows(COUNTER, f"{GUEST} id state", "kubevirt_vmi_vcpu_seconds_total"),
    *rows(COUNTER, f"{GUEST} id", "kubevirt_vmi_vcpu_wait_seconds_total", "kubevirt_vmi_vcpu_delay_seconds_total"),
    *rows(COUNTER, f"{GUEST} drive", "kubevirt_vmi_storage_iops_read_total", "kubevirt_vmi_storage_iops_write_total",
          "kubevirt_vmi_storage_read_traffic_bytes_total", "kubevirt_vmi_storage_write_traffic_bytes_total",
          "kubevirt_vmi_storage_read_times_seconds_total", "kubevirt_vmi_storage_write_times_seconds_total",
          "kubevirt_vmi_storage_flush_requests_total", "kubevirt_vmi_storage_flush_times_seconds_total"),
    *rows(COUNTER, f"{GUEST} interface", "kubevirt_vmi_network_receive_bytes_total",
          "kubevirt_vmi_network_transmit_bytes_total", "kubevirt_vmi_network_receive_packets_total",
          "kubevirt_vmi_network_transmit_packets_total", "kubevirt_vmi_network_receive_errors_total",
          "kubevirt_vmi_network_transmit_errors_total", "kubevirt_vmi_network_receive_packets_dropped_total",
          "kubevirt_vmi_network_transmit_packets_dropped_total"),
    *rows(COUNTER, f"{GUEST} interface type", "kubevirt_vmi_network_traffic_bytes_total"),
    *rows(GAUGE, f"{GUEST} disk_name mount_point file_system_type", "kubevirt_vmi_filesystem_capacity_bytes",
          "kubevirt_vmi_filesystem_used_bytes"),
)
_GENERAL = ("process_", "go_", "python_")


def on_page(text: str) -> dict[str, Row]:
    """What a page tells, by name; labels are those of all its series together."""
    found: dict[str, Row] = {}
    declared = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    for family in text_string_to_metric_families(text):
        if family.name.startswith(_GENERAL) or not family.samples:
            continue
        # The parser has a counter's name without its ending, and gives all samples of counters that ending.
        name = family.name if family.name in declared else f"{family.name}_total"
        labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
        found[name] = Row(name, family.type, tuple(labels))
    return found


def differences(text: str, table: Iterable[Row]) -> list[str]:
    """Where a page and its table differ; empty when they do not."""
    found, wanted = on_page(text), {row.name: row for row in table}
    told = [f"{name} is missing" for name in wanted if name not in found]
    told += [f"{name} is in no table" for name in found if name not in wanted]
    for name, row in wanted.items():
        if name not in found:
            continue
        if found[name].kind != row.kind:
            told.append(f"{name} is a {found[name].kind}, not a {row.kind}")
        open_ended = tuple(label.removesuffix("*") for label in row.labels if label.endswith("*"))
        fixed = {label for label in row.labels if not label.endswith("*")}
        has = {label for label in found[name].labels if not (open_ended and label.startswith(open_ended))}
        if has != fixed:
            told.append(f"{name} has labels {sorted(has)}, not {sorted(fixed)}")
    return told
