"""Counters of a guest: what libvirt's flat answer means, and which names devices have."""

from __future__ import annotations

from typing import Any

import pytest

from kubevirt.virt_launcher.statistics import device_targets, domain_stats, names_in

FLAT: dict[str, Any] = {
    "cpu.time": 2_500_000_000, "cpu.user": 1_000_000_000, "cpu.system": 500_000_000,
    "vcpu.current": 2, "vcpu.maximum": 4,
    "vcpu.0.state": 1, "vcpu.0.time": 1_500_000_000, "vcpu.0.wait": 0, "vcpu.0.delay": 250_000_000,
    "vcpu.1.state": 7,
    "balloon.current": 131072, "balloon.rss": 200000, "balloon.available": 120000, "balloon.usable": 90000,
    "balloon.major_fault": 12,
    "net.count": 1, "net.0.name": "tap0", "net.0.rx.bytes": 100, "net.0.tx.bytes": 50, "net.0.rx.drop": 3,
    "block.count": 2,
    "block.0.name": "vda", "block.0.rd.reqs": 7, "block.0.rd.bytes": 4096, "block.0.rd.times": 1_000_000_000,
    "block.0.wr.bytes": 8192, "block.0.fl.reqs": 2,
    "block.1.name": "sdb",
}
XML = """<domain><devices>
<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/><alias name='ua-rootdisk'/></disk>
<disk type="file"><target dev="sdb"/><alias name="sata0-0-1"/></disk>
<controller type='usb'><alias name='usb'/></controller>
<interface type='ethernet'><target dev='tap0' managed='no'/><model type='virtio'/><alias name='ua-default'/></interface>
</devices></domain>"""


def test_figures_have_units_and_names() -> None:
    stats = domain_stats(FLAT, names_in(XML), now=5.0)
    assert stats.timestamp == 5.0
    assert (stats.cpu.usage_seconds, stats.cpu.user_seconds, stats.cpu.system_seconds) == (2.5, 1.0, 0.5)
    first, second = stats.vcpus
    assert (first.id, first.state, first.usage_seconds, first.wait_seconds, first.delay_seconds) == (
        "0", "running", 1.5, 0.0, 0.25)
    assert (second.state, second.usage_seconds) == ("unknown", None)
    assert stats.memory.resident_bytes == 200000 * 1024
    assert stats.memory.domain_bytes == 128 * 1024 * 1024
    assert (stats.memory.usable_bytes, stats.memory.major_faults, stats.memory.minor_faults) == (90000 * 1024, 12, None)
    root, other = stats.disks
    assert (root.name, root.read_bytes, root.read_requests, root.read_seconds, root.write_requests) == (
        "rootdisk", 4096, 7, 1.0, None)
    assert (root.flush_requests, other.name, other.read_bytes) == (2, "sata0-0-1", None)
    (nic,) = stats.interfaces
    assert (nic.name, nic.receive_bytes, nic.transmit_bytes, nic.receive_drops) == ("default", 100, 50, 3)


def test_the_devices_whose_names_are_needed() -> None:
    assert device_targets(FLAT) == {"vda", "sdb", "tap0"} == names_in(XML).keys()


@pytest.mark.parametrize("flat", [
    pytest.param({}, id="libvirt was too busy to say anything"),
    pytest.param({"block.count": 1, "cpu.time": "much"}, id="nothing that makes sense"),
])
def test_what_is_not_told_is_absent(flat: dict[str, Any]) -> None:
    stats = domain_stats(flat, {}, now=1.0)
    assert stats.cpu.usage_seconds is None
    assert stats.vcpus == stats.interfaces == []
    assert stats.memory.resident_bytes is None
    assert [d.name for d in stats.disks] == [""] * len(stats.disks)
