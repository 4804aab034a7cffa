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
    """Secret with the credentials of a service account; without one the bucket is read anonymously."""
    url: str = required(str)
    """The image: gs://bucket/path, or its HTTPS address."""


class DataVolumeSourceHTTP(Api):
    """An image behind an HTTP or HTTPS address."""

    cert_config_map: str | None = None
    """ConfigMap with the authorities that the server's certificate may come from."""
    extra_headers: list[str] = []
    """Headers sent with each request, as "name: value"."""
    secret_extra_headers: list[str] = []
    """Secrets whose values are such headers."""
    secret_ref: str | None = None
    """Secret with the members accessKeyId (user) and secretKey (password)."""
    url: str = required(str)
    """The image: http:// or https://."""


class DataVolumeSourceImageIO(Api):
    """A disk of an oVirt image service."""

    cert_config_map: str | None = None
    """ConfigMap with the authorities that the server's certificate may come from."""
    disk_id: str = required(str)
    """The disk, by its id in oVirt."""
    insecure_skip_verify: bool | None = None
    """Takes any certificate of the server."""
    secret_ref: str | None = None
    """Secret with the members accessKeyId (user) and secretKey (password)."""
    url: str = required(str)
    """Address of the oVirt engine's API."""


class DataVolumeSourcePVC(Api):
    """A copy of an existing claim."""

    name: str = required(str)
    """Name of the claim that is copied."""
    namespace: str = required(str)
    """Its namespace; the author must be allowed to copy from there."""


class PlatformOptions(Api):
    """Which image is taken from a multi-platform one."""

    architecture: str | None = None
    """Architecture in the words of container images: amd64, arm64, s390x."""


class DataVolumeSourceRegistry(Api):
    """A disk image within a container image."""

    cert_config_map: str | None = None
    """ConfigMap with the authorities that the registry's certificate may come from."""
    image_stream: str | None = None
    """ImageStream instead of a url, where the cluster has them."""
    platform: PlatformOptions | None = None
    """Which image is taken from a multi-platform one."""
    pull_method: str | None = None
    """Who fetches the image: pod (the importer, the default) or node (the container runtime)."""
    secret_ref: str | None = None
    """Secret with the members accessKeyId (user) and secretKey (password)."""
    url: str | None = None
    """The image: docker://registry/name:tag."""


class DataVolumeSourceS3(Api):
    """An image in an S3 bucket."""

    cert_config_map: str | None = None
    """ConfigMap with the authorities that the server's certificate may come from."""
    secret_ref: str | None = None
    """Secret with the members accessKeyId and secretKey; without one the bucket is read anonymously."""
    url: str = required(str)
    """The object: http(s)://server/bucket/path."""


class DataVolumeSourceSnapshot(Api):
    """A copy of a volume snapshot."""

    name: str = required(str)
    """Name of the volume snapshot."""
    namespace: str = required(str)
    """Its namespace; the author must be allowed to copy from there."""


class DataVolumeSourceUpload(Api):
    """Data that a client uploads."""


class DataVolumeSourceVDDK(Api):
    """A disk read from VMware through VDDK."""

    backing_file: str | None = None
    """Path of the disk in the datastore: [datastore] folder/name.vmdk."""
    extra_args: str | None = None
    """ConfigMap whose members are further parameters of the VDDK library."""
    init_image_url: str | None = None
    """Container image with the VDDK library, in place of the importer's setting."""
    secret_ref: str | None = None
    """Secret with the members accessKeyId (user) and secretKey (password)."""
    thumbprint: str | None = None
    """SHA-1 fingerprint of the server's certificate."""
    url: str | None = None
    """Address of the vCenter or ESXi server."""
    uuid: str | None = None
    """The virtual machine, by its uuid in vCenter."""


class DataVolumeSource(Api):
    """Where the contents of a data volume come from; exactly one is set."""

    blank: DataVolumeBlankImage | None = None
    """An empty disk."""
    gcs: DataVolumeSourceGCS | None = None
    """An image in Google Cloud Storage."""
    http: DataVolumeSourceHTTP | None = None
    """An image behind an HTTP or HTTPS address."""
    imageio: DataVolumeSourceImageIO | None = None
    """A disk of an oVirt image service."""
    pvc: DataVolumeSourcePVC | None = None
    """A copy of an existing claim."""
    registry: DataVolumeSourceRegistry | None = None
    """A disk image within a container image."""
    s3: DataVolumeSourceS3 | None = None
    """An image in an S3 bucket."""
    snapshot: DataVolumeSourceSnapshot | None = None
    """A copy of a volume snapshot."""
    upload: DataVolumeSourceUpload | None = None
    """Data that a client uploads, as virtctl image-upload does."""
    vddk: DataVolumeSourceVDDK | None = None
    """A disk read from VMware through VDDK."""


class DataVolumeSourceRef(Api):
    """Names an object that in turn names the source."""

    kind: str = required(str)
    """Kind of the object: DataSource."""
    name: str = required(str)
    """Its name."""
    namespace: str | None = None
    """Its namespace; the data volume's own where none is given."""


class DataVolumeCheckpoint(Api):
    """One stage of a multi-stage import."""

    current: str = required(str)
    """The snapshot that this stage imports up to."""
    previous: str = required(str)
    """The snapshot that the stage before ended with; empty for the first."""


class StorageSpec(Api):
    """A claim whose unset parts are filled from the storage profile."""

    access_modes: list[str] = []
    """ReadWriteOnce, ReadWriteMany, ReadOnlyMany; those of the storage profile where none is given."""
    data_source: TypedLocalObjectReference | None = None
    """An object that the storage driver fills the volume from, in the same namespace."""
    data_source_ref: TypedObjectReference | None = None
    """The same, also for kinds and namespaces that dataSource cannot name."""
    resources: VolumeResourceRequirements | None = None
    """The size, as requests.storage: what the guest sees, before the file system's own needs."""
    selector: LabelSelector | None = None
    """Labels of the volumes that may be bound."""
    storage_class_name: str | None = None
    """The storage class; the default one for machines, else the cluster's, where none is given."""
    volume_mode: str | None = None
    """Block or Filesystem; that of the storage profile where none is given."""
    volume_name: str | None = None
    """The volume that is bound, when it is a certain one."""


class PersistentVolumeClaimSpec(Api):
    """A claim for storage."""

    access_modes: Annotated[list[str], Atomic] = []
    """ReadWriteOnce, ReadWriteMany, ReadOnlyMany or ReadWriteOncePod. A live migration needs ReadWriteMany."""
    data_source: TypedLocalObjectReference | None = None
    """An object that the storage driver fills the volume from, in the same namespace."""
    data_source_ref: TypedObjectReference | None = None
    """The same, also for kinds and namespaces that dataSource cannot name."""
    resources: VolumeResourceRequirements | None = None
    """The size, as requests.storage."""
    selector: LabelSelector | None = None
    """Labels of the volumes that may be bound."""
    storage_class_name: str | None = None
    """The storage class; the cluster's default one where none is given, none at all for an empty text."""
    volume_attributes_class_name: str | None = None
    """The class of attributes that the storage driver can change later."""
    volume_mode: str | None = None
    """Block or Filesystem, which is the default."""
    volume_name: str | None = None
    """The volume that is bound, when it is a certain one."""


class DataVolumeSpec(Api):
    """What a data volume contains and where it is stored."""

    checkpoints: list[DataVolumeCheckpoint] = []
    """The stages of a multi-stage import, in order."""
    content_type: Annotated[str | None, one_of("kubevirt", "archive")] = None
    """A disk (the default) or the files of an archive."""
    final_checkpoint: bool | None = None
    """Tells that the last of the checkpoints is the end of the import."""
    preallocation: bool | None = None
    """Reserves all blocks at once, where the importer's setting says otherwise."""
    priority_class_name: str | None = None
    """Priority class of the importer's pods."""
    pvc: PersistentVolumeClaimSpec | None = None
    """The claim, exactly as it shall be. Either this or storage is given."""
    source: DataVolumeSource | None = None
    """Where the contents come from. Either this or sourceRef is given."""
    source_ref: DataVolumeSourceRef | None = None
    """The object that names the source."""
    storage: StorageSpec | None = None
    """The claim, with what is left out filled in from the storage profile."""


class DataVolumeTemplateDummyStatus(Api):
    """Always empty; kept so that a pasted data volume is accepted."""


class DataVolumeTemplateSpec(Api):
    """A data volume that is created with the virtual machine and removed with it."""

    api_version: str | None = None
    kind: str | None = None
    metadata: Annotated[ObjectMeta | None, Nullable, Preserve] = None
    spec: DataVolumeSpec = required(DataVolumeSpec)
    """What the data volume contains and where it is stored."""
    status: Annotated[DataVolumeTemplateDummyStatus | None, Nullable] = None
    """Always empty; kept so that a pasted data volume is accepted."""
