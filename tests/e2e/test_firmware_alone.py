"""A guest with UEFI firmware, secure boot and a TPM runs in the launcher's image: its firmware speaks on the console.

No operating system is booted; what a booted guest does is tested with BIOS machines.
"""

import asyncio
from collections.abc import Iterator

import pytest

from kubevirt.api import codec
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.machine.domain_report import State
from tests.e2e.launcher_box import NAMESPACE, UID, box, boxes_left, handler, missing

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]

BOOT_MANAGER = b"BdsDxe"
"""What the firmware's boot manager begins its messages with, when it looks for something to boot."""


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """In place of the one that looks at the cluster, which these tests do without."""
    yield
    assert not boxes_left()


def machine() -> VirtualMachineInstance:
    return codec.convert(
        {
            "metadata": {"name": "web", "namespace": NAMESPACE, "uid": UID,
                         "annotations": {"kubevirt.io/pci-topology-version": "v3"}},
            "spec": {
                "architecture": "amd64",
                "domain": {
                    "machine": {"type": "q35"},
                    "cpu": {"sockets": 1, "cores": 1, "threads": 1, "model": "host-model"},
                    "memory": {"guest": "256Mi"},
                    "features": {"acpi": {}, "smm": {"enabled": True}},
                    "firmware": {"bootloader": {"efi": {"secureBoot": True}}},
                    "devices": {"tpm": {}},
                },
            },
        },
        VirtualMachineInstance,
    )  # fmt: skip


async def test_the_firmware_looks_for_something_to_boot() -> None:
    with box() as pod:
        async with handler(pod) as played:
            report = await played.link.sync(SyncRequest(vmi=machine(), nics=[]))
            assert report.state == State.RUNNING
            assert pod.pids("swtpm"), "the TPM is a process of its own"
            seen = b""
            reader, writer = await asyncio.open_unix_connection(pod.serial)
            async with asyncio.timeout(240):
                while BOOT_MANAGER not in seen:
                    part = await reader.read(4096)
                    assert part, f"the console was closed after {seen!r}"
                    seen += part
            writer.close()
            await played.link.kill()
            await played.until(State.SHUTOFF)
