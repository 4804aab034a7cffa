"""Counters of a guest: what libvirt's flat answer means, and which names devices have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import State
from kubevirt.machine.domain_stats import LoadStats
from kubevirt.virt_launcher.slow_figures import SlowFigures
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
    assert (stats.vcpus, stats.interfaces) == ([], [])
    assert stats.memory.resident_bytes is None
    assert [d.name for d in stats.disks] == [""] * len(stats.disks)


def test_figures_that_libvirt_gives_only_sometimes() -> None:
    stats = domain_stats({"affinity": 6, "dirtyrate.calc_status": 2, "dirtyrate.megabytes_per_second": 3}, {}, now=1.0)
    assert (stats.cpu.affinity, stats.memory.dirty_bytes_per_second) == (6, 3 * 2 ** 20)
    measuring = domain_stats({"dirtyrate.calc_status": 1, "dirtyrate.megabytes_per_second": 3}, {}, now=1.0)
    assert measuring.memory.dirty_bytes_per_second is None


class Slow:
    """A guest whose load and rate of changed memory can be asked for; inquiries are run when the test says so."""

    def __init__(self, answer: str = '{"load1m": 0.5, "load5m": 0.25, "load15m": 0}') -> None:
        self.now = SimpleNamespace(has_agent=True, state=State.RUNNING)
        self.answer = answer
        self.asked: list[str] = []
        self.begun: list[Any] = []
        self.time_s = 100.0
        part: Any = self
        self.figures = SlowFigures(part, part, part, self.begun.append, clock=lambda: self.time_s)

    async def ask(self, command: str) -> bytes:
        self.asked.append(command)
        if not self.answer:
            raise Problem(cause="no such command")
        return self.answer.encode()

    async def measure_dirty_rate(self) -> None:
        self.asked.append("dirty rate")
        if not self.answer:
            raise Problem(cause="a migration goes on")

    async def question(self) -> list[str]:
        """What one question for counters sets off."""
        self.asked.clear()
        self.figures.set_off()
        while self.begun:
            await self.begun.pop()
        return sorted(self.asked)


async def test_slow_figures_come_with_the_next_question() -> None:
    slow = Slow()
    assert slow.figures.load == LoadStats()
    assert await slow.question() == ["dirty rate", "guest-get-load"]
    assert slow.figures.load == LoadStats(one_minute=0.5, five_minutes=0.25, fifteen_minutes=0)
    assert await slow.question() == []
    slow.time_s += 3
    assert await slow.question() == ["dirty rate"]
    slow.time_s += 20
    assert await slow.question() == ["dirty rate", "guest-get-load"]


@pytest.mark.parametrize("answer", ["", "nothing that makes sense"])
async def test_an_agent_that_does_not_know_is_not_asked_again_soon(answer: str) -> None:
    slow = Slow(answer)
    await slow.question()
    assert slow.figures.load == LoadStats()
    slow.time_s += 200
    assert await slow.question() == ["dirty rate"]
    slow.time_s += 200
    assert "guest-get-load" in await slow.question()


async def test_only_a_guest_that_runs_is_asked_and_an_agent_that_goes_takes_its_load_along() -> None:
    slow = Slow()
    await slow.question()
    slow.time_s += 60
    slow.now.state = State.PAUSED
    assert await slow.question() == []
    slow.now = SimpleNamespace(has_agent=False, state=State.RUNNING)
    assert await slow.question() == ["dirty rate"]
    assert slow.figures.load == LoadStats()
