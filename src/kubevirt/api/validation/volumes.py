"""Rules for volumes: one source each, and that it can be used."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation.causes import Causes, duplicate, invalid, not_found, required
from kubevirt.api.vmi import VirtualMachineInstanceSpec
from kubevirt.api.volumes import (
    CloudInitConfigDriveSource,
    CloudInitNoCloudSource,
    ContainerDiskSource,
    HostDisk,
    Volume,
)

CLOUD_INIT_LIMIT: Final = 2048
"""Bytes of cloud-init data that may stand in the object itself."""
HOST_DISK_TYPES: Final = ("Disk", "DiskOrCreate")
RESERVED_PATHS: Final = ("/var/run/kubevirt", "/var/run/libvirt", "/dev", "/proc", "/sys", "/etc")

_SOURCES: Final[tuple[Callable[[Volume], object], ...]] = (
    lambda v: v.persistent_volume_claim,
    lambda v: v.sysprep,
    lambda v: v.cloud_init_no_cloud,
    lambda v: v.cloud_init_config_drive,
    lambda v: v.container_disk,
    lambda v: v.ephemeral,
    lambda v: v.empty_disk,
    lambda v: v.host_disk,
    lambda v: v.data_volume,
    lambda v: v.config_map,
    lambda v: v.secret,
    lambda v: v.downward_api,
    lambda v: v.service_account,
    lambda v: v.downward_metrics,
    lambda v: v.memory_dump,
    lambda v: v.container_path,
)
_AT_MOST_ONE: Final[tuple[tuple[str, Callable[[Volume], object]], ...]] = (
    ("memory dump", lambda v: v.memory_dump),
    ("downwardMetric", lambda v: v.downward_metrics),
    ("serviceAccount", lambda v: v.service_account),
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Names of the volumes that the guest sees, by how it does."""

    disks: frozenset[str]
    filesystems: frozenset[str]


def check_path(field: str, path: str) -> Causes:
    """That a path within a container image leads to a file, and nowhere else."""
    if path == "/":
        yield invalid(field, f"{field} must not point to root")
    elif not path.startswith("/") or any(part in ("", ".", "..") for part in path[1:].removesuffix("/").split("/")):
        yield invalid(field, f"{field} must be an absolute path to a file without relative components")


def check_volumes(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """All rules of the list of volumes."""
    seen: dict[str, int] = {}
    devices = spec.domain.devices
    shown = Shown(
        disks=frozenset(disk.name for disk in devices.disks),
        filesystems=frozenset(filesystem.name for filesystem in devices.filesystems),
    )
    for index, volume in enumerate(spec.volumes):
        at = f"{field}[{index}]"
        if volume.name in seen:
            yield invalid(
                f"{at}.name", f"{at} and {field}[{seen[volume.name]}] must not have the same Name."
            )
        seen.setdefault(volume.name, index)
        if sum(source(volume) is not None for source in _SOURCES) != 1:
            yield invalid(at, f"{at} must have exactly one source type set")
        yield from _source(at, volume, shown, config)
    for kind, source in _AT_MOST_ONE:
        if sum(source(volume) is not None for volume in spec.volumes) > 1:
            yield invalid(field, f"{field} must have max one {kind} volume set")
    yield from _service_account(field, spec)


def _source(at: str, volume: Volume, shown: Shown, config: ClusterConfig) -> Causes:
    if volume.data_volume is not None and not volume.data_volume.name:
        yield required(f"{at}.name", "DataVolume 'name' must be set")
    if volume.cloud_init_no_cloud is not None:
        yield from _cloud_init(at, "cloudInitNoCloud", volume.cloud_init_no_cloud)
    if volume.cloud_init_config_drive is not None:
        yield from _cloud_init(at, "cloudInitConfigDrive", volume.cloud_init_config_drive)
    if volume.downward_metrics is not None and not config.has_gate("DownwardMetrics"):
        yield invalid(at, "downwardMetrics disks are not allowed: DownwardMetrics feature gate is not enabled.")
    if volume.host_disk is not None:
        yield from _host_disk(at, volume.host_disk, config)
    if volume.config_map is not None and not volume.config_map.name:
        yield invalid(f"{at}.configMap.name", f"{at}.configMap.name is a required field")
    if volume.secret is not None and not volume.secret.secret_name:
        yield invalid(f"{at}.secret.secretName", f"{at}.secret.secretName is a required field")
    if volume.service_account is not None and not volume.service_account.service_account_name:
        name = f"{at}.serviceAccount.serviceAccountName"
        yield invalid(name, f"{name} is a required field")
    if volume.container_disk is not None:
        yield from _container_disk(f"{at}.containerDisk", volume.container_disk)
    if volume.container_path is not None:
        yield from _container_path(at, volume, shown)


def _cloud_init(at: str, kind: str, source: CloudInitNoCloudSource | CloudInitConfigDriveSource) -> Causes:
    here = f"{at}.{kind}"
    user = [source.user_data, source.user_data_base64, source.secret_ref]
    network = [source.network_data, source.network_data_base64, source.network_data_secret_ref]
    users, networks = sum(bool(data) for data in user), sum(bool(data) for data in network)
    if users > 1:
        yield invalid(here, f"{here} must have only one userdatasource set.")
    if networks > 1:
        yield invalid(here, f"{here} must have only one networkdata source set.")
    if users + networks < 1:
        yield invalid(here, f"{here} must have at least one userdatasource or one networkdatasource set.")
    sizes = [
        ("userdata", "UserDataSecretRef", "userDataBase64", source.user_data, source.user_data_base64),
        ("networkdata", "NetworkDataSecretRef", "networkDataBase64", source.network_data, source.network_data_base64),
    ]
    for data, reference, member, plain, encoded in sizes:
        size = len((plain or "").encode())
        if encoded:
            decoded = _decode(encoded)
            if decoded is None:
                faulty = f"{here}.{member}"
                yield invalid(faulty, f"{faulty}.{kind}.{member} is not a valid base64 value.")
            size += len(decoded or b"")
        if size > CLOUD_INIT_LIMIT:
            yield invalid(
                here,
                f"{here} {data} exceeds {CLOUD_INIT_LIMIT} byte limit. Should use {reference} for larger data.",
            )


def _decode(text: str) -> bytes | None:
    """The bytes behind base64 text; line breaks are let pass, as Go does."""
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _host_disk(at: str, disk: HostDisk, config: ClusterConfig) -> Causes:
    here = f"{at}.hostDisk"
    if not config.has_gate("HostDisk"):
        yield invalid(at, "HostDisk feature gate is not enabled")
    if not disk.path:
        yield not_found(f"{here}.path", f"{here}.path is required for hostDisk volume")
    if disk.type not in HOST_DISK_TYPES:
        yield invalid(
            f"{here}.type", f"{here}.type has invalid value '{disk.type}', allowed are 'Disk' or 'DiskOrCreate'"
        )
    if disk.type == "Disk" and disk.capacity:
        yield invalid(
            f"{here}.capacity", f"{here}.capacity is allowed to pass only with {here}.type equal to 'DiskOrCreate'"
        )


def _container_disk(here: str, disk: ContainerDiskSource) -> Causes:
    if disk.path:
        yield from check_path(here, disk.path)


def _container_path(at: str, volume: Volume, shown: Shown) -> Causes:
    path = volume.container_path.path if volume.container_path is not None else ""
    if volume.name in shown.disks:
        yield invalid(at, f"ContainerPath volume '{volume.name}' must be mapped to a filesystem, not a disk")
    elif volume.name not in shown.filesystems:
        yield invalid(
            at,
            f"ContainerPath volume '{volume.name}' must have a matching filesystem defined in "
            "spec.domain.devices.filesystems",
        )
    for reserved in RESERVED_PATHS:
        if path == reserved or path.startswith(f"{reserved}/"):
            yield invalid(at, f"ContainerPath volume '{volume.name}' uses reserved path prefix '{reserved}'")


def _service_account(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    """The pod runs as one account, so the volume cannot show another one's credentials."""
    for index, volume in enumerate(spec.volumes):
        name = volume.service_account.service_account_name if volume.service_account is not None else None
        if spec.service_account_name and name and name != spec.service_account_name:
            yield duplicate(
                f"{field}[{index}].serviceAccount.serviceAccountName",
                f"spec.serviceAccountName {_quoted(spec.service_account_name)} and serviceAccount volume "
                f"{_quoted(name)} must reference the same service account",
            )


def _quoted(text: str) -> str:
    return f'"{text}"'
