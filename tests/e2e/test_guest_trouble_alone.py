"""Guests in trouble, with a real libvirt and QEMU but no Kubernetes: a kernel that gives up, a node without space.

The guests are boot sectors of a few instructions, since it matters only what they do to their devices. That the events
reach the instance, and when a guest is tried again, is virt-handler's part (tests/unit/virt_handler).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.launcher_link.wire import LinkError
from kubevirt.machine.domain_report import Reason, State
from tests.e2e.launcher_box import NAMESPACE, PATIENCE_S, UID, Handler, box, boxes_left, eventually, handler, missing

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

# What the driver of a panic device does. mov dx, 0x505 / mov al, 1 / out dx, al / hlt / jmp to the hlt
PANICS = "ba 05 05 b0 01 ee f4 eb fd"
# Writes 7 MiB to its disk, 32 KiB at a time, and panics when all of it is there.
# xor ax, ax / mov ds, ax / again: mov si, packet / mov ax, 0x4300 / mov dl, 0x80 / int 0x13 /
# add dword [packet + 8], 64 / cmp dword [packet + 8], 0x4000 / jb again
# packet (at 0x7c30): 16 bytes, 64 sectors, from 1000:0000, to sector 0x800
WRITES = (
    "31 c0 8e d8 be 30 7c b8 00 43 b2 80 cd 13 66 81 06 38 7c 40 00 00 00 66 81 3e 38 7c 00 40 00 00 72 e2"
    f"{PANICS} 90 90 90 90 90 10 00 40 00 00 00 00 10 00 08 00 00 00 00 00 00"
)
FILLER_BYTES = 11 * 1024 * 1024


def boot_disk(place: Path, program: str) -> Path:
    """A disk of 16 MiB that begins with a program."""
    disk = place / "disk.img"
    disk.write_bytes(bytes.fromhex(program).ljust(510, b"\0") + b"\x55\xaa")
    os.truncate(disk, 16 * 1024 * 1024)
    return disk


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """In place of the one that looks at the cluster, which these tests do without."""
    yield
    assert not boxes_left()


def machine(*, scratch: str = "") -> SyncRequest:
    """A machine with a disk, and an empty one of the given capacity."""
    more: list[Json] = [{"name": "scratch", "emptyDisk": {"capacity": scratch}}] if scratch else []
    disks: list[Json] = [{"name": name, "disk": {"bus": "virtio"}} for name in ("root", *("scratch" for _ in more))]
    raw: JsonObject = {
        "metadata": {"name": "web", "namespace": NAMESPACE, "uid": UID},
        "spec": {
            "architecture": "amd64",
            "volumes": [{"name": "root", "containerDisk": {"image": "demo"}}, *more],
            "domain": {
                "machine": {"type": "q35"},
                "cpu": {"sockets": 1, "cores": 1, "threads": 1, "model": "host-model"},
                "memory": {"guest": "64Mi"},
                "features": {"acpi": {"enabled": True}},
                "devices": {"disks": disks, "panicDevices": [{"model": "isa"}]},
            },
        },
    }
    return SyncRequest(vmi=codec.convert(raw, VirtualMachineInstance))


async def test_a_panic_is_told_and_ends_the_guest(tmp_path: Path) -> None:
    with box(boot_disk(tmp_path, PANICS)) as pod:
        async with handler(pod) as node:
            await node.link.sync(machine())
            await _end_by_panic(node)
            await node.link.acknowledge_final()
            assert await pod.exit_code() == 1


async def test_a_guest_without_space_stands_still_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    told = GuestEvent(type="Warning", reason="IOerror", message="VM Paused due to not enough space on volume: root")
    with box(boot_disk(tmp_path, WRITES), space="12m") as pod:
        async with handler(pod) as node:
            filler = Path(f"/proc/{node.link.peer_pid}/root/run/kubevirt-ephemeral-disks/filler")
            filler.write_bytes(bytes(FILLER_BYTES))
            await node.link.sync(machine())
            report = await node.until(State.PAUSED)
            assert report.reason == Reason.IO_ERROR
            await eventually(lambda: node.guest_events == [told], "the word about the volume")

            await node.link.sync(machine())
            await eventually(lambda: node.guest_events == [told, told], "a second attempt in vain")
            await node.until(State.PAUSED)

            filler.unlink()
            await node.link.sync(machine())
            await _end_by_panic(node)


@pytest.mark.parametrize(("filler_bytes", "scratch", "words"), [
    pytest.param(1024 * 1024, "", "the node has no disk space left for volume root", id="a full node"),
    pytest.param(0, "7Ei", "volume scratch is larger than a disk image can be; give it less capacity",
                 id="more than any disk has"),
])  # fmt: skip
async def test_a_disk_that_cannot_be_made_is_said_with_its_volume(
    filler_bytes: int, scratch: str, words: str, tmp_path: Path
) -> None:
    with box(boot_disk(tmp_path, PANICS), space="1m") as pod:
        async with handler(pod) as node:
            place = Path(f"/proc/{node.link.peer_pid}/root/run/kubevirt-ephemeral-disks")
            with contextlib.suppress(OSError):  # until nothing fits any more
                (place / "filler").write_bytes(bytes(filler_bytes))
            with pytest.raises(LinkError, match=words):
                await node.link.sync(machine(scratch=scratch))


async def test_an_empty_disk_may_be_larger_than_the_node(tmp_path: Path) -> None:
    """It takes what is written to it, no more."""
    with box(boot_disk(tmp_path, PANICS), space="2m") as pod:
        async with handler(pod) as node:
            await node.link.sync(machine(scratch="20Ti"))
            await _end_by_panic(node)


async def _end_by_panic(node: Handler) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await node.final.wait()
    report = node.reports[-1]
    assert (report.state, report.reason) == (State.CRASHED, Reason.PANICKED)
    assert report.failure == "the guest's kernel panicked"
    assert node.guest_events[-1] == GuestEvent(type="Warning", reason="GuestPanicked",
                                               message="GuestPanicked (details unavailable)")  # fmt: skip
