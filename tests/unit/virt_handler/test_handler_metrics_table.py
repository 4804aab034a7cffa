"""virt-handler's page against the table of metrics, for a guest of whom everything is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.measures import Measures
from kubevirt.kube.metrics.page import text_of
from kubevirt.machine.domain_report import AgentReport, DomainReport, GuestFilesystem
from kubevirt.machine.domain_stats import (
    CpuStats,
    DiskStats,
    DomainStats,
    InterfaceStats,
    LoadStats,
    MemoryStats,
    VcpuStats,
)
from kubevirt.virt_handler.metrics import HandlerMetrics
from tests.metrics import HANDLER, differences

INSTANCE = codec.convert({"metadata": {"name": "web", "namespace": "shop", "labels": {"app": "x"}},
                          "spec": {"domain": {"devices": {}}}, "status": {"phase": "Running"}}, VirtualMachineInstance)


def full(kind: type[Any], **fixed: Any) -> Any:
    """All figures of one kind, each known."""
    return kind(**{f.name: fixed.get(f.name, 1) for f in msgspec.structs.fields(kind)})


STATS = DomainStats(
    cpu=full(CpuStats), load=full(LoadStats), memory=full(MemoryStats),
    vcpus=[full(VcpuStats, id="0", state="running")],
    disks=[full(DiskStats, name="root")], interfaces=[full(InterfaceStats, name="default")],
)


class Link:
    async def stats(self, *, timeout_s: float) -> DomainStats:
        return STATS


async def test_the_page_holds_what_the_table_says_and_nothing_else() -> None:
    disk = GuestFilesystem(disk_name="vda1", mount_point="/", file_system_type="ext4", used_bytes=5, total_bytes=9)
    report = DomainReport(namespace="shop", name="web", uid="u", agent=AgentReport(filesystems=[disk]))
    launcher: Any = SimpleNamespace(link=Link(), report=report)
    measures = Measures()
    measures.queue("virt-handler-vm").added("shop/web")
    measures.requests.begin("GET", "/api/v1/nodes/node01", ())("200")
    measures.instance_writes.written("shop", "web")
    metrics = HandlerMetrics(measures, host="api", node="node01", instances=lambda: [INSTANCE],
                             launcher={"shop/web": launcher}.get, panics={("shop", "web", "hyper-v", "0x3b"): 2})
    metrics.deprecated_machine_types = ["pc-i440fx-2.4"]
    text = text_of(await metrics.gather()).decode()
    assert differences(text, HANDLER) == []
    told = 'kubevirt_vmi_guest_os_panic_total{bugcheck_code="0x3b",name="web",namespace="shop",type="hyper-v"} 2.0'
    assert told in text
