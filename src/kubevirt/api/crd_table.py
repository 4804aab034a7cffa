"""The kinds: names, columns of `kubectl get`, sub-resources, versions; what their types cannot say."""

from typing import Final

from kubevirt.api.backup import VirtualMachineBackup, VirtualMachineBackupTracker
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.crd_definition import Column, Definition, Scale, Version
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.instancetype import VirtualMachineClusterInstancetype, VirtualMachineInstancetype
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.plugin import Plugin
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preference import VirtualMachineClusterPreference, VirtualMachinePreference
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.snapshot_content import VirtualMachineSnapshotContent
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance

AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

_MAIN: Final = (
    Version("v1", stored=True),
    Version(
        "v1alpha3",
        deprecation="kubevirt.io/v1alpha3 is now deprecated and will be removed in a future release.",
    ),
)

_PRESETS_GO: Final = "VirtualMachineInstancePresets is now deprecated and will be removed in v2."
_OLD_ALPHA: Final = (Version("v1alpha1"), Version("v1beta1", stored=True))
_ALPHA: Final = (Version("v1alpha1", stored=True),)
_BETA: Final = (Version("v1beta1", stored=True),)
_REPLICAS: Final = (
    Column("Desired", ".spec.replicas", "integer"),
    Column("Current", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    AGE,
)
_SOURCE: Final = (Column("SourceKind", ".spec.source.kind"), Column("SourceName", ".spec.source.name"))
_CAPTURE: Final = (
    Column("ReadyToUse", ".status.readyToUse", "boolean"),
    Column("CreationTime", ".status.creationTime", "date"),
    Column("Error", ".status.error.message"),
)

DEFINITIONS: Final = (
    Definition(
        type_=VirtualMachine,
        plural="virtualmachines",
        short=("vm", "vms"),
        versions=_MAIN,
        status=True,
        columns=(
            AGE,
            Column("Status", ".status.printableStatus"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        ),
    ),
    Definition(
        type_=VirtualMachineInstance,
        plural="virtualmachineinstances",
        short=("vmi", "vmis"),
        versions=_MAIN,
        columns=(
            AGE,
            Column("Phase", ".status.phase"),
            Column("IP", ".status.interfaces[0].ipAddress"),
            Column("NodeName", ".status.nodeName"),
            Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            Column("Live-Migratable", ".status.conditions[?(@.type=='LiveMigratable')].status", priority=1),
            Column("Paused", ".status.conditions[?(@.type=='Paused')].status", priority=1),
        ),
    ),
    Definition(
        type_=VirtualMachineInstanceReplicaSet,
        plural="virtualmachineinstancereplicasets",
        short=("vmirs", "vmirss"),
        versions=_MAIN,
        status=True,
        scale=Scale(selector=".status.labelSelector"),
        columns=_REPLICAS,
    ),
    Definition(
        type_=KubeVirt,
        plural="kubevirts",
        short=("kv", "kvs"),
        versions=_MAIN,
        status=True,
        columns=(AGE, Column("Phase", ".status.phase")),
        label="operator.kubevirt.io",
    ),
    Definition(
        type_=VirtualMachineInstanceMigration,
        plural="virtualmachineinstancemigrations",
        short=("vmim", "vmims"),
        versions=_MAIN,
        status=True,
        columns=(Column("Phase", ".status.phase"), Column("VMI", ".spec.vmiName")),
    ),
    Definition(
        type_=VirtualMachineInstancePreset,
        plural="virtualmachineinstancepresets",
        short=("vmipreset", "vmipresets"),
        versions=(
            Version("v1", deprecation=f"kubevirt.io/v1 {_PRESETS_GO}"),
            Version("v1alpha3", stored=True, deprecation=f"kubevirt.io/v1alpha3 {_PRESETS_GO}"),
        ),
    ),
    Definition(
        type_=VirtualMachinePool,
        plural="virtualmachinepools",
        short=("vmpool", "vmpools"),
        group="pool.kubevirt.io",
        versions=_OLD_ALPHA,
        status=True,
        scale=Scale(selector=".status.labelSelector"),
        columns=_REPLICAS,
    ),
    Definition(
        type_=VirtualMachineSnapshot,
        plural="virtualmachinesnapshots",
        short=("vmsnapshot", "vmsnapshots"),
        group="snapshot.kubevirt.io",
        versions=_OLD_ALPHA,
        status=True,
        columns=(*_SOURCE, Column("Phase", ".status.phase"), *_CAPTURE),
    ),
    Definition(
        type_=VirtualMachineSnapshotContent,
        plural="virtualmachinesnapshotcontents",
        short=("vmsnapshotcontent", "vmsnapshotcontents"),
        group="snapshot.kubevirt.io",
        versions=_OLD_ALPHA,
        status=True,
        columns=_CAPTURE,
    ),
    Definition(
        type_=VirtualMachineRestore,
        plural="virtualmachinerestores",
        short=("vmrestore", "vmrestores"),
        group="snapshot.kubevirt.io",
        versions=_OLD_ALPHA,
        status=True,
        columns=(
            Column("TargetKind", ".spec.target.kind"),
            Column("TargetName", ".spec.target.name"),
            Column("Complete", ".status.complete", "boolean"),
            Column("RestoreTime", ".status.restoreTime", "date"),
        ),
    ),
    Definition(
        type_=VirtualMachineExport,
        plural="virtualmachineexports",
        short=("vmexport", "vmexports"),
        group="export.kubevirt.io",
        versions=(
            Version(
                "v1beta1",
                deprecation="export.kubevirt.io/v1beta1 VirtualMachineExport is now deprecated and will be removed in "
                "a future version.",
            ),
            Version("v1", stored=True),
        ),
        status=True,
        columns=(*_SOURCE, Column("Phase", ".status.phase")),
    ),
    Definition(
        type_=VirtualMachineBackup,
        plural="virtualmachinebackups",
        short=("vmbackup", "vmbackups"),
        group="backup.kubevirt.io",
        versions=_ALPHA,
        status=True,
        columns=(*_SOURCE, Column("Type", ".status.type"), Column("CheckpointName", ".status.checkpointName")),
    ),
    Definition(
        type_=VirtualMachineBackupTracker,
        plural="virtualmachinebackuptrackers",
        short=("vmbackuptracker", "vmbackuptrackers"),
        group="backup.kubevirt.io",
        versions=_ALPHA,
        status=True,
        columns=(
            *_SOURCE,
            Column("LatestCheckpoint", ".status.latestCheckpoint.name"),
            Column("CheckpointTime", ".status.latestCheckpoint.creationTime", "date"),
        ),
    ),
    Definition(
        type_=VirtualMachineClone,
        plural="virtualmachineclones",
        short=("vmclone", "vmclones"),
        group="clone.kubevirt.io",
        versions=_OLD_ALPHA,
        status=True,
        columns=(
            Column("Phase", ".status.phase"),
            Column("SourceVirtualMachine", ".spec.source.name"),
            Column("TargetVirtualMachine", ".spec.target.name"),
        ),
    ),
    Definition(
        type_=VirtualMachineInstancetype,
        plural="virtualmachineinstancetypes",
        short=("vminstancetype", "vminstancetypes", "vmf", "vmfs"),
        group="instancetype.kubevirt.io",
        versions=_BETA,
    ),
    Definition(
        type_=VirtualMachineClusterInstancetype,
        plural="virtualmachineclusterinstancetypes",
        short=("vmclusterinstancetype", "vmclusterinstancetypes", "vmcf", "vmcfs"),
        group="instancetype.kubevirt.io",
        versions=_BETA,
        cluster_scoped=True,
        categories=(),
    ),
    Definition(
        type_=VirtualMachinePreference,
        plural="virtualmachinepreferences",
        short=("vmpref", "vmprefs", "vmp", "vmps"),
        group="instancetype.kubevirt.io",
        versions=_BETA,
    ),
    Definition(
        type_=VirtualMachineClusterPreference,
        plural="virtualmachineclusterpreferences",
        short=("vmcp", "vmcps"),
        group="instancetype.kubevirt.io",
        versions=_BETA,
        cluster_scoped=True,
        categories=(),
    ),
    Definition(
        type_=MigrationPolicy,
        plural="migrationpolicies",
        group="migrations.kubevirt.io",
        versions=_ALPHA,
        status=True,
        cluster_scoped=True,
        categories=(),
    ),
    Definition(
        type_=Plugin,
        plural="plugins",
        list_kind="PluginList",
        group="plugin.kubevirt.io",
        versions=_ALPHA,
        cluster_scoped=True,
        categories=(),
    ),
)
