"""The resources of our further kinds.

Apart from `resources`, since most programs need few of them, and each type takes time and memory to load.
"""

from typing import Final

from kubevirt.api.backup import VirtualMachineBackup, VirtualMachineBackupTracker
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.instancetypes.resources import CLUSTER_INSTANCETYPES as CLUSTER_INSTANCETYPES
from kubevirt.api.instancetypes.resources import CLUSTER_PREFERENCES as CLUSTER_PREFERENCES
from kubevirt.api.instancetypes.resources import INSTANCETYPES as INSTANCETYPES
from kubevirt.api.instancetypes.resources import PREFERENCES as PREFERENCES
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.plugin import Plugin
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.resource import Resource, T
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.snapshot_content import VirtualMachineSnapshotContent


def _of(
    group_version: str, plural: str, type_: type[T], *, has_status: bool = True, namespaced: bool = True
) -> Resource[T]:
    group, _, version = group_version.rpartition("/")
    return Resource(
        group=group,
        version=version,
        plural=plural,
        kind=type_.__name__,
        type_=type_,
        namespaced=namespaced,
        has_status=has_status,
    )


MIGRATIONS: Final = _of("kubevirt.io/v1", "virtualmachineinstancemigrations", VirtualMachineInstanceMigration)
PRESETS: Final = _of("kubevirt.io/v1", "virtualmachineinstancepresets", VirtualMachineInstancePreset, has_status=False)
POOLS: Final = _of("pool.kubevirt.io/v1beta1", "virtualmachinepools", VirtualMachinePool)
SNAPSHOTS: Final = _of("snapshot.kubevirt.io/v1beta1", "virtualmachinesnapshots", VirtualMachineSnapshot)
SNAPSHOT_CONTENTS: Final = _of(
    "snapshot.kubevirt.io/v1beta1", "virtualmachinesnapshotcontents", VirtualMachineSnapshotContent
)
RESTORES: Final = _of("snapshot.kubevirt.io/v1beta1", "virtualmachinerestores", VirtualMachineRestore)
EXPORTS: Final = _of("export.kubevirt.io/v1", "virtualmachineexports", VirtualMachineExport)
BACKUPS: Final = _of("backup.kubevirt.io/v1alpha1", "virtualmachinebackups", VirtualMachineBackup)
BACKUP_TRACKERS: Final = _of("backup.kubevirt.io/v1alpha1", "virtualmachinebackuptrackers", VirtualMachineBackupTracker)
CLONES: Final = _of("clone.kubevirt.io/v1beta1", "virtualmachineclones", VirtualMachineClone)
MIGRATION_POLICIES: Final = _of(
    "migrations.kubevirt.io/v1alpha1", "migrationpolicies", MigrationPolicy, namespaced=False
)
PLUGINS: Final = _of("plugin.kubevirt.io/v1alpha1", "plugins", Plugin, has_status=False, namespaced=False)
