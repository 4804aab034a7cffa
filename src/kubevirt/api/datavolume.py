"""Data volumes (cdi.kubevirt.io) as far as virtual machines embed them in `dataVolumeTemplates`.

The importer project owns these types; they are validated lightly and passed on.
"""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, Preserve, one_of, required
from kubevirt.api.meta import LabelSelector, ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference, TypedObjectReference, VolumeResourceRequirements


class DataVolumeBlankImage(Api):
    """An empty disk."""


class DataVolumeSourceGCS(Api):
    """An image in Google Cloud Storage."""

    secret_ref: str | None = None
    url: str = required(str)


class DataVolumeSourceHTTP(Api):
    """An image behind an HTTP or HTTPS address."""

    cert_config_map: str | None = None
    extra_headers: list[str] = []
    secret_extra_headers: list[str] = []
    secret_ref: str | None = None
    url: str = required(str)


class DataVolumeSourceImageIO(Api):
    """A disk of an oVirt image service."""

    cert_config_map: str | None = None
    disk_id: str = required(str)
    insecure_skip_verify: bool | None = None
    secret_ref: str | None = None
    url: str = required(str)


class DataVolumeSourcePVC(Api):
    """A copy of an existing claim."""

    name: str = required(str)
    namespace: str = required(str)


class PlatformOptions(Api):
    """Which image is taken from a multi-platform one."""

    architecture: str | None = None


class DataVolumeSourceRegistry(Api):
    """A disk image within a container image."""

    cert_config_map: str | None = None
    image_stream: str | None = None
    platform: PlatformOptions | None = None
    pull_method: str | None = None
    secret_ref: str | None = None
    url: str | None = None


class DataVolumeSourceS3(Api):
    """An image in an S3 bucket."""

    cert_config_map: str | None = None
    secret_ref: str | None = None
    url: str = required(str)


class DataVolumeSourceSnapshot(Api):
    """A copy of a volume snapshot."""

    name: str = required(str)
    namespace: str = required(str)


class DataVolumeSourceUpload(Api):
    """Data that a client uploads."""


class DataVolumeSourceVDDK(Api):
    """A disk read from VMware through VDDK."""

    backing_file: str | None = None
    extra_args: str | None = None
    init_image_url: str | None = None
    secret_ref: str | None = None
    thumbprint: str | None = None
    url: str | None = None
    uuid: str | None = None


class DataVolumeSource(Api):
    """Where the contents of a data volume come from; exactly one is set."""

    blank: DataVolumeBlankImage | None = None
    gcs: DataVolumeSourceGCS | None = None
    http: DataVolumeSourceHTTP | None = None
    imageio: DataVolumeSourceImageIO | None = None
    pvc: DataVolumeSourcePVC | None = None
    registry: DataVolumeSourceRegistry | None = None
    s3: DataVolumeSourceS3 | None = None
    snapshot: DataVolumeSourceSnapshot | None = None
    upload: DataVolumeSourceUpload | None = None
    vddk: DataVolumeSourceVDDK | None = None


class DataVolumeSourceRef(Api):
    """Names an object that in turn names the source."""

    kind: str = required(str)
    name: str = required(str)
    namespace: str | None = None


class DataVolumeCheckpoint(Api):
    """One stage of a multi-stage import."""

    current: str = required(str)
    previous: str = required(str)


class StorageSpec(Api):
    """A claim whose unset parts are filled from the storage profile."""

    access_modes: list[str] = []
    data_source: TypedLocalObjectReference | None = None
    data_source_ref: TypedObjectReference | None = None
    resources: VolumeResourceRequirements | None = None
    selector: LabelSelector | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    volume_name: str | None = None


class PersistentVolumeClaimSpec(Api):
    """A claim for storage."""

    access_modes: Annotated[list[str], Atomic] = []
    data_source: TypedLocalObjectReference | None = None
    data_source_ref: TypedObjectReference | None = None
    resources: VolumeResourceRequirements | None = None
    selector: LabelSelector | None = None
    storage_class_name: str | None = None
    volume_attributes_class_name: str | None = None
    volume_mode: str | None = None
    volume_name: str | None = None


class DataVolumeSpec(Api):
    """What a data volume contains and where it is stored."""

    checkpoints: list[DataVolumeCheckpoint] = []
    content_type: Annotated[str | None, one_of("kubevirt", "archive")] = None
    final_checkpoint: bool | None = None
    preallocation: bool | None = None
    priority_class_name: str | None = None
    pvc: PersistentVolumeClaimSpec | None = None
    source: DataVolumeSource | None = None
    source_ref: DataVolumeSourceRef | None = None
    storage: StorageSpec | None = None


class DataVolumeTemplateDummyStatus(Api):
    """Always empty; kept so that a pasted data volume is accepted."""


class DataVolumeTemplateSpec(Api):
    """A data volume that is created with the virtual machine and removed with it."""

    api_version: str | None = None
    kind: str | None = None
    metadata: Annotated[ObjectMeta | None, Nullable, Preserve] = None
    spec: DataVolumeSpec = required(DataVolumeSpec)
    status: Annotated[DataVolumeTemplateDummyStatus | None, Nullable] = None
