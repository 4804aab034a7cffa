"""virt-launcher with a real libvirt and a real QEMU, but no Kubernetes: how guests start, and all the ways they end.

What virt-handler and the controllers make of it is tested in the walk through a whole cluster.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.launcher_link.wire import LinkError
from kubevirt.machine.domain_report import DomainReport, Reason, State
from kubevirt.machine.network.attachment import DhcpLease, NicAttachment
from tests.e2e.launcher_box import (
    NAMESPACE,
    PATIENCE_S,
    UID,
    Box,
    Handler,
    box,
    boxes_left,
    eventually,
    handler,
    missing,
    unpacked,
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """In place of the one that looks at the cluster, which these tests do without."""
    yield
    assert not boxes_left()


NIC = NicAttachment(
    network="default",
    tap="tap0",
    mtu=1500,
    ip_addresses=["10.244.0.7"],
    dhcp=DhcpLease(
        bridge="k6t-eth0", server_ip="10.0.2.1", client_ip="10.0.2.2", prefix=24, gateway="10.0.2.1",
        dns=["10.96.0.10"], search=["default.svc.cluster.local"], hostname="web", mtu=1500,
    ),
)  # fmt: skip


def machine(*, disk: bool = False) -> SyncRequest:
    """A VMI of 128 MiB; without a disk it stays in its BIOS."""
    disks: list[JsonObject] = []
    volumes: list[JsonObject] = []
    if disk:
        volumes = [
            {"name": "root", "containerDisk": {"image": "demo"}},
            {"name": "seed", "cloudInitNoCloud": {"userData": "#!/bin/sh\necho printed from cloud-init userdata\n"}},
            {"name": "scratch", "emptyDisk": {"capacity": "64M"}},
        ]
        disks = [{"name": str(volume["name"]), "disk": {"bus": "virtio"}} for volume in volumes]
    raw: JsonObject = {
        "metadata": {"name": "web", "namespace": NAMESPACE, "uid": UID},
        "spec": {
            "architecture": "amd64",
            "terminationGracePeriodSeconds": 30,
            "networks": [{"name": "default", "pod": {}}] if disk else [],
            "volumes": [*volumes],
            "domain": {
                "machine": {"type": "q35"},
                "cpu": {"sockets": 1, "cores": 1, "threads": 1, "model": "host-model"},
                "memory": {"guest": "128Mi"},
                "features": {"acpi": {"enabled": True}},
                "firmware": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"},
                "devices": {
                    "disks": [*disks],
                    "interfaces": [{"name": "default", "masquerade": {}, "model": "virtio"}] if disk else [],
                },
            },
        },
    }
    return SyncRequest(vmi=codec.convert(raw, VirtualMachineInstance), nics=[NIC] if disk else [])


async def read_until(pod: Box, text: bytes, *, within_s: float) -> bytes:
    """What the serial console says up to `text`."""
    seen = b""
    reader, writer = await asyncio.open_unix_connection(pod.serial)
    try:
        async with asyncio.timeout(within_s):
            while text not in seen:
                part = await reader.read(4096)
                assert part, f"the console was closed after {seen!r}"
                seen += part
    finally:
        writer.close()
    return seen


async def the_end(pod: Box, *, state: State, reason: Reason, code: int) -> DomainReport:
    """Waits for the launcher to leave, and reads its last words."""
    assert await pod.exit_code() == code, pod.log
    last = msgspec.json.decode(pod.last_words(), type=DomainReport)
    assert (last.state, last.reason, last.uid) == (state, reason, UID)
    return last


async def test_a_guest_boots_gets_its_address_and_is_shut_down() -> None:
    image = next((unpacked("cirros-container-disk-demo") / "disk").iterdir())
    with box(image) as pod:
        async with handler(pod) as played:
            report = await played.link.sync(machine(disk=True))
            assert (report.state, report.domain_type) == (State.RUNNING, "qemu")
            assert "login:" in (await read_until(pod, b"login:", within_s=240)).decode(errors="replace")
            assert "the guest has its address" in pod.log
            nic = played.reports[-1].interfaces[0]
            assert (nic.name, nic.ip_addresses) == ("default", ["10.244.0.7"]) or "guest-agent" in nic.info_source
            assert nic.mac
            await played.link.shutdown()
            await asyncio.wait_for(played.final.wait(), PATIENCE_S)
            grace = played.reports[-1].grace
            assert grace is not None
            assert grace.deletion_timestamp is not None
            await played.link.acknowledge_final()
        await the_end(pod, state=State.SHUTOFF, reason=Reason.SHUTDOWN, code=0)


async def test_pausing_and_resuming() -> None:
    with box() as pod:
        async with handler(pod) as played:
            await played.link.sync(machine())
            await played.link.pause()
            assert (await played.until(State.PAUSED)).reason == Reason.USER
            await played.link.pause()
            await played.link.unpause()
            await played.until(State.RUNNING)
            await played.link.reset()
            await played.link.ping()


async def test_a_running_guest_is_given_a_cpu_and_its_cable_is_pulled() -> None:
    image = next((unpacked("cirros-container-disk-demo") / "disk").iterdir())
    order = machine(disk=True)
    cpu = order.vmi.spec.domain.cpu
    assert cpu is not None
    cpu.max_sockets = 4
    with box(image) as pod:
        async with handler(pod) as played:
            assert (await played.link.sync(order)).vcpus == 1
            cpu.sockets = 2
            order.vmi.spec.domain.devices.interfaces[0].state = "down"
            report = await played.link.sync(order)
            assert (report.vcpus, report.interfaces[0].link_state) == (2, "down")
            cpu.sockets = 9
            with pytest.raises(LinkError, match="has 2 CPUs and cannot have 9"):
                await played.link.sync(order)
            assert (await played.link.get_domain()).vcpus == 2


async def test_a_second_sync_and_a_second_handler_find_the_guest_running() -> None:
    with box() as pod:
        async with handler(pod) as first:
            await first.link.sync(machine())
        async with handler(pod) as second:
            report = await second.link.sync(machine())
            assert report.state == State.RUNNING
            assert len(pod.pids("qemu-system")) == 1


async def test_a_killed_qemu_is_a_crash() -> None:
    with box() as pod:
        async with handler(pod) as played:
            await played.link.sync(machine())
            qemu = await pod.only("qemu-system")
            os.kill(qemu, signal.SIGKILL)
            await asyncio.wait_for(played.final.wait(), PATIENCE_S)
            await played.link.acknowledge_final()
        last = await the_end(pod, state=State.SHUTOFF, reason=Reason.CRASHED, code=1)
        assert "SIGKILL" in last.failure


async def test_a_killed_libvirtd_costs_the_guest_nothing() -> None:
    with box() as pod:
        async with handler(pod) as played:
            await played.link.sync(machine())
            qemu, daemon = await pod.only("qemu-system"), await pod.only("libvirtd")
            os.kill(daemon, signal.SIGKILL)
            await eventually(lambda: pod.pids("libvirtd") not in ([], [daemon]), "another libvirtd")
            await eventually(lambda: pauses(played), "a libvirtd that does what it is asked")
            await played.until(State.PAUSED)
            assert pod.pids("qemu-system") == [qemu]
            await played.link.kill()
            await asyncio.wait_for(played.final.wait(), PATIENCE_S)
            await played.link.delete()
        await the_end(pod, state=State.SHUTOFF, reason=Reason.DESTROYED, code=0)


async def pauses(played: Handler) -> bool:
    try:
        await played.link.pause()
    except LinkError:
        return False
    return True


async def test_a_guest_that_ends_while_libvirtd_is_away_has_crashed_too() -> None:
    with box() as pod:
        async with handler(pod) as played:
            await played.link.sync(machine())
            qemu, daemon = await pod.only("qemu-system"), await pod.only("libvirtd")
            os.kill(daemon, signal.SIGKILL)
            os.kill(qemu, signal.SIGKILL)
            await asyncio.wait_for(played.final.wait(), PATIENCE_S)
            await played.link.acknowledge_final()
        await the_end(pod, state=State.SHUTOFF, reason=Reason.CRASHED, code=1)


async def test_an_unreadable_disk_is_told_in_plain_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.qcow2"
    broken.write_bytes(b"QFI\xfb\x00\x00\x00\x03" + b"\xff" * 1016)
    with box(broken) as pod:
        async with handler(pod) as played:
            with pytest.raises(LinkError, match="not a readable disk image") as told:
                await played.link.sync(machine(disk=True))
            assert told.value.remedy
            await asyncio.wait_for(played.final.wait(), PATIENCE_S)
            assert "not a readable disk image" in played.reports[-1].failure
            await played.link.acknowledge_final()
        last = await the_end(pod, state=State.SHUTOFF, reason=Reason.FAILED, code=1)
        assert "not a readable disk image" in last.failure


def is_marked(report: DomainReport) -> bool:
    return report.grace is not None and report.grace.marked_for_graceful_shutdown


async def test_a_pod_that_ends_without_a_handler_shuts_its_guest_down_and_in_the_end_kills_it() -> None:
    with box(grace_period_s=1) as pod:
        async with handler(pod) as played:
            request = machine()
            request.vmi.spec.termination_grace_period_seconds = 1
            await played.link.sync(request)
            os.kill(played.link.peer_pid, signal.SIGTERM)
            await eventually(lambda: is_marked(played.reports[-1]), "the mark for a graceful shutdown")
        # Nobody is there any more. A BIOS does not heed the power button, so the grace period runs out.
        await the_end(pod, state=State.SHUTOFF, reason=Reason.DESTROYED, code=0)
        assert "virt-handler is away" in pod.log


async def test_a_pod_that_ends_before_its_start_just_leaves() -> None:
    with box() as pod:
        async with handler(pod) as played:
            os.kill(played.link.peer_pid, signal.SIGTERM)
            assert await pod.exit_code() == 0
        assert pod.last_words() == ""


async def test_what_runs_beside_qemu() -> None:
    """Two processes stay for a guest's life. Their memory is measured by the benchmark, on a machine at rest."""
    with box() as pod:
        async with handler(pod) as played:
            await played.link.sync(machine())
            await eventually(lambda: len(pod.pids("virt_launcher")) == 1, "the workshop to be gone")
            for program in ("kubevirt.virt_launcher", "libvirtd", "qemu-system"):
                await pod.only(program)
            await eventually(lambda: len(pod.pids("")) == 3, "nothing else to run")
