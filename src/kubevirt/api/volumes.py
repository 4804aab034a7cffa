"""Where the data behind disks and shared file systems comes from."""

from typing import Annotated, ClassVar

from kubevirt.api.base import MAP_ATOMIC, Api, Marks, marks, present, required, rules
from kubevirt.api.core import DownwardAPIVolumeFile, LocalObjectReference
from kubevirt.kit.quantity import Quantity


class CloudInitConfigDriveSource(Api):
    """A cloud-init disk in ConfigDrive layout."""

    network_data: str | None = None
    network_data_base64: str | None = None
    network_data_secret_ref: LocalObjectReference | None = None
    secret_ref: LocalObjectReference | None = None
    user_data: str | None = None
    user_data_base64: str | None = None


class CloudInitNoCloudSource(Api):
    """A cloud-init disk in NoCloud layout."""

    network_data: str | None = None
    network_data_base64: str | None = None
    network_data_secret_ref: LocalObjectReference | None = None
    secret_ref: LocalObjectReference | None = None
    user_data: str | None = None
    user_data_base64: str | None = None


class ConfigMapVolumeSource(Api):
    """A disk filled from a ConfigMap."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    name: Annotated[str | None, marks(default="")] = None
    optional: bool | None = None
    volume_label: str | None = None


class ContainerDiskSource(Api):
    """A disk image from a container image; changes are lost with the pod."""

    image: str = required(str)
    image_pull_policy: str | None = None
    image_pull_secret: str | None = None
    path: str | None = None


class ContainerPathVolumeSource(Api):
    """A directory of the launcher container, for sharing by virtio-fs."""

    path: Annotated[
        str,
        marks(maxLength=4096),
        rules(
            ("self.startsWith('/')", "path must be absolute (start with '/')"),
            ("!self.contains('..')", "path must not contain '..'"),
        ),
    ] = required(str)
    read_only: Annotated[
        bool | None,
        rules(("self == true", "readOnly must be true, write access is not supported")),
        marks(default=True),
    ] = None


class DataVolumeSource(Api):
    """The claim behind a data volume of this name."""

    hotpluggable: bool | None = None
    name: str = required(str)


class DownwardAPIVolumeSource(Api):
    """A disk filled from fields of the instance itself."""

    fields: list[DownwardAPIVolumeFile] = []
    volume_label: str | None = None


class DownwardMetricsVolumeSource(Api):
    """A small disk with host metrics."""


class EmptyDiskSource(Api):
    """An empty scratch disk; it lives as long as the pod."""

    capacity: Quantity = required(Quantity)


class EphemeralClaimSource(Api):
    """A claim of the same namespace."""

    claim_name: str = required(str)
    read_only: bool | None = None


class EphemeralVolumeSource(Api):
    """A claim used as read-only base; writes are lost with the pod."""

    persistent_volume_claim: EphemeralClaimSource | None = None


class HostDisk(Api):
    """A disk image in a directory of the node."""

    capacity: Quantity = present(Quantity)
    path: str = required(str)
    shared: bool | None = None
    type: str = required(str)


class MemoryDumpVolumeSource(Api):
    """The claim that receives a memory dump."""

    claim_name: str = required(str)
    hotpluggable: bool | None = None
    read_only: bool | None = None


class PersistentVolumeClaimVolumeSource(Api):
    """A claim used as disk."""

    claim_name: str = required(str)
    hotpluggable: bool | None = None
    read_only: bool | None = None


class SecretVolumeSource(Api):
    """A disk filled from a Secret."""

    optional: bool | None = None
    secret_name: str | None = None
    volume_label: str | None = None


class ServiceAccountVolumeSource(Api):
    """A disk with the credentials of a service account."""

    service_account_name: str | None = None


class SysprepSource(Api):
    """A disk with answer files for Windows' set-up."""

    config_map: LocalObjectReference | None = None
    secret: LocalObjectReference | None = None


class Volume(Api):
    """Data for the guest; exactly one source is set."""

    cloud_init_config_drive: CloudInitConfigDriveSource | None = None
    cloud_init_no_cloud: CloudInitNoCloudSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    container_disk: ContainerDiskSource | None = None
    container_path: ContainerPathVolumeSource | None = None
    data_volume: DataVolumeSource | None = None
    downward_api: DownwardAPIVolumeSource | None = None
    downward_metrics: DownwardMetricsVolumeSource | None = None
    empty_disk: EmptyDiskSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
    host_disk: HostDisk | None = None
    memory_dump: MemoryDumpVolumeSource | None = None
    name: str = required(str)
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    service_account: ServiceAccountVolumeSource | None = None
    sysprep: SysprepSource | None = None


class UtilityVolume(Api):
    """A claim given to the launcher pod but not to the guest."""

    claim_name: str = required(str)
    name: str = required(str)
    read_only: bool | None = None
    type: str | None = None


class HotplugVolumeSource(Api):
    """What can be plugged into a running guest; exactly one is set."""

    data_volume: DataVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
