"""Small data as disks: ConfigMaps, Secrets, fields of the VMI and the service account's token on ISO images.

The kubelet mounts each as a directory, with its own files behind `..data`; what a user gave is all the rest.
"""

import os
from pathlib import Path

import msgspec

from kubevirt.api.volumes import Volume
from kubevirt.machine import paths
from kubevirt.virt_launcher.workshop.iso import write_iso

LABEL = "cfgdata"


class DataDisk(msgspec.Struct, frozen=True, kw_only=True):
    """Where the data is, and onto which image it goes."""

    directory: str
    iso: str
    label: str = LABEL


def data_disk(volume: Volume) -> DataDisk | None:
    """None for volumes of another kind."""
    name = volume.name
    if volume.config_map is not None:
        return DataDisk(directory=paths.config_map_dir(name), iso=paths.config_map_iso(name),
                        label=volume.config_map.volume_label or LABEL)  # fmt: skip
    if volume.secret is not None:
        return DataDisk(directory=paths.secret_dir(name), iso=paths.secret_iso(name),
                        label=volume.secret.volume_label or LABEL)  # fmt: skip
    if volume.downward_api is not None:
        return DataDisk(directory=paths.downward_api_dir(name), iso=paths.downward_api_iso(name),
                        label=volume.downward_api.volume_label or LABEL)  # fmt: skip
    if volume.sysprep is not None:
        return DataDisk(directory=paths.sysprep_dir(name), iso=paths.sysprep_iso(name))
    if volume.service_account is not None:
        return DataDisk(directory=paths.SERVICE_ACCOUNT_SOURCE, iso=paths.service_account_iso())
    return None


def make(disk: DataDisk) -> None:
    """Write the image. Raises OSError."""
    write_iso(Path(disk.iso), label=disk.label, files=contents(Path(disk.directory)))


def contents(directory: Path) -> dict[str, bytes]:
    """Files below a directory that the kubelet keeps, by their relative names; none where it is missing."""
    found = {}
    for parent, below, files in os.walk(directory, followlinks=True):
        below[:] = [name for name in below if not name.startswith("..")]
        for name in files:
            if not name.startswith(".."):
                file = Path(parent, name)
                found[str(file.relative_to(directory))] = file.read_bytes()
    return found
