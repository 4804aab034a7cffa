"""What addvolume asks for, and what it refuses before it asks. The answers of the cluster are tested end to end."""

from __future__ import annotations

import pytest

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.commands.migrate import unfinished
from kubevirt.virtctl.commands.volumes import add_request
from kubevirt.virtctl.errors import CommandError

SOURCE: JsonObject = {"persistentVolumeClaim": {"claimName": "v", "hotpluggable": True}}
PLAIN = {"disk_name": "", "serial": "", "cache": "", "disk_type": "disk", "bus": "scsi"}


@pytest.mark.parametrize(
    ("flags", "name", "disk"),
    [
        ({}, "v", {"name": "", "disk": {"bus": "scsi"}, "serial": "v"}),
        ({"disk_name": "d", "bus": "virtio", "cache": "none"}, "d",
         {"name": "", "disk": {"bus": "virtio"}, "serial": "d", "cache": "none"}),
        ({"disk_type": "lun", "serial": "s"}, "v", {"name": "", "lun": {"bus": "scsi"}, "serial": "s"}),
    ],
)  # fmt: skip
def test_requests(flags: dict[str, str], name: str, disk: JsonObject) -> None:
    assert add_request("v", SOURCE, **(PLAIN | flags)) == {"name": name, "disk": disk, "volumeSource": SOURCE}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"bus": "sata"}, "Invalid bus type 'sata' for disk. Only 'scsi' and 'virtio' are supported."),
        ({"disk_type": "lun", "bus": "virtio"}, "Invalid bus type 'virtio' for LUN disk. "
         "Only 'scsi' bus is supported."),
        ({"disk_type": "floppy"}, "Invalid disk type 'floppy'. Only LUN and Disk are supported."),
        ({"cache": "fast"}, "error adding volume, invalid cache value fast"),
        ({"disk_name": "x" * 64}, f"Invalid disk name {'x' * 64}, must not exceed 63 characters"),
    ],
)
def test_refusals(flags: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        add_request("v", SOURCE, **(PLAIN | flags))
    assert refused.value.message == message


def test_a_migration_that_has_ended_is_not_cancelled() -> None:
    assert unfinished({"metadata": {"name": "m"}, "status": {"phase": "Running"}}) == "m"
    assert unfinished({"metadata": {"name": "m"}}) == "m"
    assert unfinished({"metadata": {"name": "m"}, "status": {"phase": "Failed"}}) == ""
