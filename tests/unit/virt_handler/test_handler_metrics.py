"""What virt-handler tells Prometheus of its guests; asking never holds up the page."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.measures import Measures
from kubevirt.kube.metrics.page import text_of
from kubevirt.launcher_link.wire import LinkUnavailable
from kubevirt.machine.domain_report import AgentReport, DomainReport, GuestFilesystem
from kubevirt.machine.domain_stats import CpuStats, DiskStats, DomainStats, InterfaceStats, MemoryStats, VcpuStats
from kubevirt.virt_handler.metrics import HandlerMetrics

STATS = DomainStats(
    timestamp=1.0, cpu=CpuStats(usage_seconds=2.5), vcpus=[VcpuStats(id="0", state="running", usage_seconds=1.5)],
    memory=MemoryStats(resident_bytes=1024, major_faults=3),
    disks=[DiskStats(name="root", read_bytes=10, flush_requests=2)],
    interfaces=[InterfaceStats(name="default", receive_bytes=7, transmit_bytes=8, receive_drops=1)],
)


def vmi(name: str, phase: str = "Running") -> VirtualMachineInstance:
    return codec.convert({"metadata": {"name": name, "namespace": "shop", "labels": {"app.io/x": "y"}},
                          "spec": {"domain": {"devices": {}}}, "status": {"phase": phase}}, VirtualMachineInstance)


class Link:
    """A launcher that answers, refuses, or stays silent."""

    def __init__(self, answer: DomainStats | LinkUnavailable | None) -> None:
        self.answer = answer
        self.questions = 0
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    async def stats(self, *, timeout_s: float) -> DomainStats:
        self.questions += 1
        self.asked.set()
        if self.answer is None:
            await self.released.wait()
            return STATS
        if isinstance(self.answer, LinkUnavailable):
            raise self.answer
        return self.answer


def metrics(links: dict[str, Link | None], phase: str = "Running") -> HandlerMetrics:
    agent = AgentReport(filesystems=[GuestFilesystem(disk_name="vda1", mount_point="/", file_system_type="ext4",
                                                     used_bytes=5, total_bytes=9)])
    launchers: dict[str, Any] = {f"shop/{name}": SimpleNamespace(link=link, report=DomainReport(
        namespace="shop", name=name, uid="u", agent=agent)) for name, link in links.items()}
    return HandlerMetrics(Measures(), host="api", node="node01", instances=lambda: [vmi(n, phase) for n in links],
                          launcher=launchers.get, panics={})


async def families(of: HandlerMetrics) -> dict[str, Any]:
    text = text_of(await of.gather()).decode()
    return {f.name: f for f in text_string_to_metric_families(text)}


async def test_figures_with_their_names_and_labels() -> None:
    found = await families(metrics({"web": Link(STATS)}))
    (cpu,) = found["kubevirt_vmi_cpu_usage_seconds"].samples
    assert (cpu.name, cpu.value) == ("kubevirt_vmi_cpu_usage_seconds_total", 2.5)
    assert cpu.labels == {"node": "node01", "namespace": "shop", "name": "web", "kubernetes_vmi_label_app_io_x": "y"}
    assert found["kubevirt_vmi_cpu_usage_seconds"].type == "counter"
    assert found["kubevirt_vmi_memory_resident_bytes"].type == "gauge"
    expected = {
        "kubevirt_vmi_vcpu_seconds": ({"id": "0", "state": "running"}, 1.5),
        "kubevirt_vmi_memory_resident_bytes": ({}, 1024),
        "kubevirt_vmi_memory_pgmajfault": ({}, 3),
        "kubevirt_vmi_storage_read_traffic_bytes": ({"drive": "root"}, 10),
        "kubevirt_vmi_storage_flush_requests": ({"drive": "root"}, 2),
        "kubevirt_vmi_network_receive_bytes": ({"interface": "default"}, 7),
        "kubevirt_vmi_network_receive_packets_dropped": ({"interface": "default"}, 1),
        "kubevirt_vmi_filesystem_used_bytes":
            ({"disk_name": "vda1", "mount_point": "/", "file_system_type": "ext4"}, 5),
        "kubevirt_vmi_filesystem_capacity_bytes":
            ({"disk_name": "vda1", "mount_point": "/", "file_system_type": "ext4"}, 9),
    }
    for name, (labels, value) in expected.items():
        (sample,) = found[name].samples
        assert (sample.labels, sample.value) == ({**cpu.labels, **labels}, value), name
    traffic = {s.labels["type"]: s.value for s in found["kubevirt_vmi_network_traffic_bytes"].samples}
    assert traffic == {"rx": 7, "tx": 8}
    assert found["kubevirt_vmi_memory_unused_bytes"].samples == []


async def test_who_does_not_answer_is_left_out() -> None:
    refuses = Link(LinkUnavailable(cause="gone"))
    found = await families(metrics({"web": Link(STATS), "gone": refuses, "unlinked": None}))
    assert [s.labels["name"] for s in found["kubevirt_vmi_cpu_usage_seconds"].samples] == ["web"]
    (info,) = found["kubevirt_info"].samples
    assert info.labels["kubeversion"].startswith("v")


async def test_a_guest_is_asked_by_one_page_at_a_time() -> None:
    silent = Link(None)
    of = metrics({"web": silent})
    first = asyncio.create_task(families(of))
    await silent.asked.wait()
    second = await families(of)
    silent.released.set()
    assert second["kubevirt_vmi_cpu_usage_seconds"].samples == []
    assert len((await first)["kubevirt_vmi_cpu_usage_seconds"].samples) == 1
    assert silent.questions == 1


async def test_guests_that_do_not_run_are_not_asked() -> None:
    link = Link(STATS)
    await families(metrics({"web": link}, phase="Scheduled"))
    assert link.questions == 0
