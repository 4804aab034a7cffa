"""VirtualMachineBackup and -Tracker: copies of a running machine's disks, full or of what changed since the last."""

from typing import Annotated, ClassVar

from kubevirt.api.base import Api, Atomic, Int64, Marks, Time, constant, map_of, marks, one_of, present, required, rules
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference
from kubevirt.kit.times import now

_IMMUTABLE = ("self == oldSelf", "spec is immutable after creation")


class BackupVolumeInfo(Api):
    """A volume that is part of a backup."""

    data_endpoint: str = ""
    """Where its data is read (mode Pull)."""
    map_endpoint: str = ""
    """Where the list of changed blocks is read (mode Pull)."""
    volume_name: str = required(str)
    """The machine's name for the volume."""


class BackupCondition(Api):
    """One aspect of the backup's state."""

    last_transition_time: Time = required(now)
    """When `status` last changed."""
    message: Annotated[str, marks(maxLength=32768)] = required(str)
    """Why, as a sentence for people."""
    observed_generation: Annotated[Int64 | None, marks(minimum=0)] = None
    """Generation of the backup that it is about."""
    reason: Annotated[
        str, marks(maxLength=1024, minLength=1, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    ] = required(str)
    """Why, as one word for programs."""
    status: Annotated[str, one_of("True", "False", "Unknown")] = required(str)
    """True, False or Unknown."""
    type: Annotated[
        str,
        marks(
            maxLength=316,
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
            r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    ] = required(str)
    """Progressing, Complete, Failed or Quiesced."""


class VirtualMachineBackupSpec(Api):
    """What is backed up where. Cannot be changed."""

    schema_marks: ClassVar[Marks] = rules(
        _IMMUTABLE,
        ('has(self.pvcName) && self.pvcName != ""', "pvcName is required"),
        (
            "!has(self.mode) || self.mode != 'Pull' || (has(self.tokenSecretRef) && self.tokenSecretRef != \"\")",
            "tokenSecretRef is required when mode is Pull",
        ),
    ).extra_json_schema or {}

    force_full_backup: bool | None = None
    """Copies everything, even where the tracker knows what changed."""
    mode: Annotated[str | None, one_of("Push", "Pull")] = None
    """Push (the default) writes the copy into the claim; Pull offers it for reading."""
    pvc_name: str | None = None
    """Claim with a file system: receives the copy, or holds what changes while it is read."""
    skip_quiesce: bool | None = None
    """Does not ask the guest to bring its file systems to rest."""
    source: Annotated[
        TypedLocalObjectReference,
        rules(
            ("has(self.apiGroup)", "apiGroup is required"),
            (
                "!has(self.apiGroup) || self.apiGroup == 'kubevirt.io' || self.apiGroup == 'backup.kubevirt.io'",
                "apiGroup must be kubevirt.io or backup.kubevirt.io",
            ),
            (
                "!has(self.apiGroup) || (self.apiGroup == 'kubevirt.io' && self.kind == 'VirtualMachine') || "
                "(self.apiGroup == 'backup.kubevirt.io' && self.kind == 'VirtualMachineBackupTracker')",
                "kind must be VirtualMachine for kubevirt.io or VirtualMachineBackupTracker for backup.kubevirt.io",
            ),
            ("self.name != ''", "name is required"),
        ),
    ] = required(TypedLocalObjectReference)
    """A VirtualMachine for a full copy, or a VirtualMachineBackupTracker for what changed since its last one."""
    token_secret_ref: str | None = None
    """Secret with the token that readers must show (mode Pull)."""
    ttl_duration: str | None = None
    """How long the copy is offered, such as 2h, which is the default (mode Pull)."""


class VirtualMachineBackupStatus(Api):
    """How far the backup is."""

    checkpoint_name: str = ""
    """Name of the moment that it shows."""
    conditions: Annotated[list[BackupCondition], map_of("type")] = []
    """Aspects of its state."""
    endpoint_cert: str = ""
    """Certificate authority of the endpoints, PEM (mode Pull)."""
    export_uid: str = ""
    """uid of the export that offers it (mode Pull)."""
    included_volumes: Annotated[list[BackupVolumeInfo], Atomic] = []
    """Its volumes."""
    type: str = ""
    """Full or Incremental."""


class VirtualMachineBackup(Api):
    """Copies the disks of a running machine."""

    api_version: str = constant("backup.kubevirt.io/v1alpha1")
    kind: str = constant("VirtualMachineBackup")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineBackupSpec = required(VirtualMachineBackupSpec)
    """What is backed up."""
    status: VirtualMachineBackupStatus = present(VirtualMachineBackupStatus)
    """How far it is."""


class VirtualMachineBackupTrackerSpec(Api):
    """Whose backups are kept track of. Cannot be changed."""

    schema_marks: ClassVar[Marks] = rules(_IMMUTABLE).extra_json_schema or {}

    source: Annotated[
        TypedLocalObjectReference,
        rules(
            ("has(self.apiGroup) && self.apiGroup == 'kubevirt.io'", "apiGroup must be kubevirt.io"),
            ("self.kind == 'VirtualMachine'", "kind must be VirtualMachine"),
            ("self.name != ''", "name is required"),
        ),
    ] = required(TypedLocalObjectReference)
    """The machine: apiGroup kubevirt.io, kind VirtualMachine."""


class BackupCheckpoint(Api):
    """The moment that the last backup shows."""

    creation_time: Time | None = None
    """The moment."""
    name: str = ""
    """Its name."""
    volumes: Annotated[list[BackupVolumeInfo], Atomic] = []
    """The volumes that were backed up."""


class VirtualMachineBackupTrackerStatus(Api):
    """What is known of the machine's backups."""

    checkpoint_redefinition_required: bool | None = None
    """Whether the emulator has to be told about the last backup, since the guest was restarted."""
    latest_checkpoint: BackupCheckpoint | None = None
    """The last backup; unset means the next one is a full one."""


class VirtualMachineBackupTracker(Api):
    """Keeps track of a machine's backups, so that the next one holds only what changed."""

    api_version: str = constant("backup.kubevirt.io/v1alpha1")
    kind: str = constant("VirtualMachineBackupTracker")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineBackupTrackerSpec = required(VirtualMachineBackupTrackerSpec)
    """Whose backups."""
    status: VirtualMachineBackupTrackerStatus = present(VirtualMachineBackupTrackerStatus)
    """What is known of them."""
