"""Where the contents of a data volume come from: the importer's sources, as far as machines embed them."""


from kubevirt.api.base import Api, required


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
