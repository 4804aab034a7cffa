"""What volumes come from, as far as inference reads it: objects of the importer (CDI) and snapshots of volumes.

The types are partial and only read.
"""

from typing import Final

from kubevirt.api.base import Api, constant, present
from kubevirt.api.datavolume import DataVolumeSpec
from kubevirt.api.datavolume_sources import DataVolumeSourcePVC, DataVolumeSourceSnapshot
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.resource import Resource

CDI: Final = "cdi.kubevirt.io"


class DataVolume(Api):
    """A volume that the importer fills."""

    api_version: str = constant(f"{CDI}/v1beta1")
    kind: str = constant("DataVolume")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: DataVolumeSpec = present(DataVolumeSpec)


class DataSourceSource(Api):
    """What a data source stands for."""

    pvc: DataVolumeSourcePVC | None = None
    snapshot: DataVolumeSourceSnapshot | None = None


class DataSourceSpec(Api):
    """What a data source stands for."""

    source: DataSourceSource = present(DataSourceSource)


class DataSource(Api):
    """A name for the newest of a kind of images."""

    api_version: str = constant(f"{CDI}/v1beta1")
    kind: str = constant("DataSource")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: DataSourceSpec = present(DataSourceSpec)


class VolumeSnapshot(Api):
    """A snapshot of a claim."""

    api_version: str = constant("snapshot.storage.k8s.io/v1")
    kind: str = constant("VolumeSnapshot")
    metadata: ObjectMeta = present(ObjectMeta)


DATA_VOLUMES: Final = Resource(
    group=CDI, version="v1beta1", plural="datavolumes", kind="DataVolume", type_=DataVolume
)
DATA_SOURCES: Final = Resource(
    group=CDI, version="v1beta1", plural="datasources", kind="DataSource", type_=DataSource
)
VOLUME_SNAPSHOTS: Final = Resource(
    group="snapshot.storage.k8s.io", version="v1", plural="volumesnapshots", kind="VolumeSnapshot", type_=VolumeSnapshot
)
