"""Data volumes (cdi.kubevirt.io) as far as virtual machines embed them in `dataVolumeTemplates`.

The importer project owns these types; they are validated lightly and passed on.
"""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Nullable, Preserve, one_of, required
from kubevirt.api.datavolume_sources import DataVolumeSource, DataVolumeSourceRef
from kubevirt.api.meta import LabelSelector, ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference, TypedObjectReference, VolumeResourceRequirements


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
