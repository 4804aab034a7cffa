"""Where the data behind disks and shared file systems comes from."""

from typing import Annotated, ClassVar

from kubevirt.api.base import MAP_ATOMIC, Api, Marks, marks, present, required, rules
from kubevirt.api.references import DownwardAPIVolumeFile, LocalObjectReference
from kubevirt.kit.quantity import Quantity


class CloudInitConfigDriveSource(Api):
    """A cloud-init disk in ConfigDrive layout."""

    network_data: str | None = None
    """Network configuration for cloud-init, up to 2048 bytes."""
    network_data_base64: str | None = None
    """The same, in base64."""
    network_data_secret_ref: LocalObjectReference | None = None
    """Secret that holds it under the key networkdata."""
    secret_ref: LocalObjectReference | None = None
    """Secret that holds the user data under the key userdata."""
    user_data: str | None = None
    """User data for cloud-init (a script or a cloud-config), up to 2048 bytes."""
    user_data_base64: str | None = None
    """The same, in base64."""


class CloudInitNoCloudSource(Api):
    """A cloud-init disk in NoCloud layout."""

    network_data: str | None = None
    """Network configuration for cloud-init, up to 2048 bytes."""
    network_data_base64: str | None = None
    """The same, in base64."""
    network_data_secret_ref: LocalObjectReference | None = None
    """Secret that holds it under the key networkdata."""
    secret_ref: LocalObjectReference | None = None
    """Secret that holds the user data under the key userdata."""
    user_data: str | None = None
    """User data for cloud-init (a script or a cloud-config), up to 2048 bytes."""
    user_data_base64: str | None = None
    """The same, in base64."""


class ConfigMapVolumeSource(Api):
    """A disk filled from a ConfigMap."""

    schema_marks: ClassVar[Marks] = MAP_ATOMIC

    name: Annotated[str | None, marks(default="")] = None
    """Name of the ConfigMap."""
    optional: bool | None = None
    """Whether the instance starts without it, too."""
    volume_label: str | None = None
    """Label of the disk's file system."""


class ContainerDiskSource(Api):
    """A disk image from a container image; changes are lost with the pod."""

    image: str = required(str)
    """The container image; the disk image lies in its directory /disk."""
    image_pull_policy: str | None = None
    """When the image is pulled: Always (the default for the tag latest), IfNotPresent or Never."""
    image_pull_secret: str | None = None
    """Secret with the credentials for the registry."""
    path: str | None = None
    """Path of the disk image within the container image, where it is not the only file in /disk."""


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
    """The directory, within the launcher's compute container."""
    read_only: Annotated[
        bool | None,
        rules(("self == true", "readOnly must be true, write access is not supported")),
        marks(default=True),
    ] = None
    """Always true: the guest cannot write."""


class DataVolumeSource(Api):
    """The claim behind a data volume of this name."""

    hotpluggable: bool | None = None
    """Whether it can be pulled out while the guest runs."""
    name: str = required(str)
    """Name of the data volume, and of the claim behind it."""


class DownwardAPIVolumeSource(Api):
    """A disk filled from fields of the instance itself."""

    fields: list[DownwardAPIVolumeFile] = []
    """The files."""
    volume_label: str | None = None
    """Label of the disk's file system."""


class DownwardMetricsVolumeSource(Api):
    """A small disk with host metrics."""


class EmptyDiskSource(Api):
    """An empty scratch disk; it lives as long as the pod."""

    capacity: Quantity = required(Quantity)
    """Size of the disk."""


class EphemeralClaimSource(Api):
    """A claim of the same namespace."""

    claim_name: str = required(str)
    """Name of the claim."""
    read_only: bool | None = None
    """Whether the claim is mounted read-only."""


class EphemeralVolumeSource(Api):
    """A claim used as read-only base; writes are lost with the pod."""

    persistent_volume_claim: EphemeralClaimSource | None = None
    """The claim, which is only read."""


class HostDisk(Api):
    """A disk image in a directory of the node."""

    capacity: Quantity = present(Quantity)
    """Size of an image that is created; 0 or unset for existing ones."""
    path: str = required(str)
    """Path of the image on the node."""
    shared: bool | None = None
    """Whether several guests may use the image at a time."""
    type: str = required(str)
    """Disk for an existing image, DiskOrCreate for one that is created where missing."""


class MemoryDumpVolumeSource(Api):
    """The claim that receives a memory dump."""

    claim_name: str = required(str)
    """Name of the claim."""
    hotpluggable: bool | None = None
    """Whether it can be pulled out while the guest runs."""
    read_only: bool | None = None
    """Whether the claim is mounted read-only."""


class PersistentVolumeClaimVolumeSource(Api):
    """A claim used as disk."""

    claim_name: str = required(str)
    """Name of the claim."""
    hotpluggable: bool | None = None
    """Whether it can be pulled out while the guest runs."""
    read_only: bool | None = None
    """Whether the claim is mounted read-only."""


class SecretVolumeSource(Api):
    """A disk filled from a Secret."""

    optional: bool | None = None
    """Whether the instance starts without it, too."""
    secret_name: str | None = None
    """Name of the Secret."""
    volume_label: str | None = None
    """Label of the disk's file system."""


class ServiceAccountVolumeSource(Api):
    """A disk with the credentials of a service account."""

    service_account_name: str | None = None
    """Name of the service account."""


class SysprepSource(Api):
    """A disk with answer files for Windows' set-up."""

    config_map: LocalObjectReference | None = None
    """ConfigMap with the answer files."""
    secret: LocalObjectReference | None = None
    """Secret with the answer files."""


class Volume(Api):
    """Data for the guest; exactly one source is set."""

    cloud_init_config_drive: CloudInitConfigDriveSource | None = None
    """A cloud-init disk in ConfigDrive layout."""
    cloud_init_no_cloud: CloudInitNoCloudSource | None = None
    """A cloud-init disk in NoCloud layout."""
    config_map: ConfigMapVolumeSource | None = None
    """The contents of a ConfigMap."""
    container_disk: ContainerDiskSource | None = None
    """A disk image from a container image."""
    container_path: ContainerPathVolumeSource | None = None
    """A directory of the launcher container."""
    data_volume: DataVolumeSource | None = None
    """The claim behind a data volume."""
    downward_api: DownwardAPIVolumeSource | None = None
    """Fields of the instance itself."""
    downward_metrics: DownwardMetricsVolumeSource | None = None
    """Metrics of the host."""
    empty_disk: EmptyDiskSource | None = None
    """An empty disk that lives as long as the pod."""
    ephemeral: EphemeralVolumeSource | None = None
    """A claim as read-only base of a temporary disk."""
    host_disk: HostDisk | None = None
    """An image in a directory of the node."""
    memory_dump: MemoryDumpVolumeSource | None = None
    """The claim of a memory dump."""
    name: str = required(str)
    """Name that disks and file systems refer to."""
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    """A claim."""
    secret: SecretVolumeSource | None = None
    """The contents of a Secret."""
    service_account: ServiceAccountVolumeSource | None = None
    """The credentials of a service account."""
    sysprep: SysprepSource | None = None
    """Answer files for Windows' set-up."""

    @property
    def is_hotpluggable(self) -> bool:
        """Whether it was plugged in, and so may be pulled out while the guest runs."""
        sources = (self.persistent_volume_claim, self.data_volume, self.memory_dump)
        return any(source is not None and bool(source.hotpluggable) for source in sources)


class UtilityVolume(Api):
    """A claim given to the launcher pod but not to the guest."""

    claim_name: str = required(str)
    """Name of the claim."""
    name: str = required(str)
    """Name of the volume."""
    read_only: bool | None = None
    """Whether the claim is mounted read-only."""
    type: str | None = None
    """What the volume is for."""


class HotplugVolumeSource(Api):
    """What can be plugged into a running guest; exactly one is set."""

    data_volume: DataVolumeSource | None = None
    """The claim behind a data volume."""
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    """A claim."""
