"""VirtualMachineExport: offers a machine's disks for download."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Time, constant, map_of, present, required
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference


class ExportCondition(Condition):
    """One aspect of the export's state."""


class VirtualMachineExportSpec(Api):
    """What is offered, to whom, how long. Cannot be changed."""

    source: TypedLocalObjectReference = required(TypedLocalObjectReference)
    """A PersistentVolumeClaim (without apiGroup), a VirtualMachine (kubevirt.io), a VirtualMachineSnapshot
    (snapshot.kubevirt.io) or a VirtualMachineBackup (backup.kubevirt.io) of the same namespace.
    """
    token_secret_ref: str | None = None
    """Secret whose key token downloads must show; one is made where none is named."""
    ttl_duration: str | None = None
    """How long after its creation the export is deleted, such as 2h, which is the default."""


class VirtualMachineExportVolumeFormat(Api):
    """One form in which a volume is offered."""

    format: str = required(str)
    """raw, gzip, dir or tar.gz."""
    url: str = required(str)
    """Where it is."""


class VirtualMachineExportVolume(Api):
    """A volume that is offered."""

    formats: Annotated[list[VirtualMachineExportVolumeFormat], map_of("format")] = []
    """In which forms."""
    name: str = required(str)
    """Name of its claim."""


class VirtualMachineExportBackupEndpoint(Api):
    """One way to a backed-up volume."""

    endpoint: str = required(str)
    """data, or map for the list of what changed."""
    url: str = required(str)
    """Where it is."""


class VirtualMachineExportBackup(Api):
    """A backed-up volume that is offered."""

    endpoints: Annotated[list[VirtualMachineExportBackupEndpoint], map_of("endpoint")] = []
    """Ways to it."""
    name: str = required(str)
    """The machine's name for the volume."""


class VirtualMachineExportManifest(Api):
    """Manifests by which the machine can be made elsewhere."""

    type: str = required(str)
    """all, auth-header-secret or oci."""
    url: str = required(str)
    """Where they are."""


class VirtualMachineExportLink(Api):
    """Addresses as seen from one place."""

    backups: Annotated[list[VirtualMachineExportBackup], map_of("name")] = []
    """Backed-up volumes."""
    cert: str = required(str)
    """Certificate authority of the server, PEM."""
    manifests: Annotated[list[VirtualMachineExportManifest], map_of("type")] = []
    """Manifests of the machine."""
    volumes: Annotated[list[VirtualMachineExportVolume], map_of("name")] = []
    """Volumes."""


class VirtualMachineExportLinks(Api):
    """Where the data is."""

    external: VirtualMachineExportLink | None = None
    """Addresses for clients outside the cluster; unset where no ingress leads to the export proxy."""
    internal: VirtualMachineExportLink | None = None
    """Addresses for clients in the cluster."""


class VirtualMachineExportStatus(Api):
    """How far the export is."""

    conditions: Annotated[list[ExportCondition], Atomic] = []
    """Aspects of its state: Ready, PVCReady, VolumesCreated and others."""
    links: VirtualMachineExportLinks | None = None
    """Where the data is, once it can be had."""
    phase: str = ""
    """Pending, Ready, Terminated or Skipped."""
    service_name: str = ""
    """The Service in front of the server."""
    token_secret_ref: str = ""
    """Secret with the token that downloads must show."""
    ttl_expiration_time: Time | None = None
    """When the export is deleted."""
    virtual_machine_name: str = ""
    """The machine, where the source has one."""


class VirtualMachineExport(Api):
    """Offers a machine, a snapshot, a backup or a claim for download."""

    api_version: str = constant("export.kubevirt.io/v1")
    kind: str = constant("VirtualMachineExport")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineExportSpec = required(VirtualMachineExportSpec)
    """What is offered."""
    status: VirtualMachineExportStatus = present(VirtualMachineExportStatus)
    """How far it is."""
