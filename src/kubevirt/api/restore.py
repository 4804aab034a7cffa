"""VirtualMachineRestore: brings a machine back to a snapshot, or makes another one from it."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, SetList, Time, constant, marks, one_of, present, required
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.references import TypedLocalObjectReference
from kubevirt.api.snapshot import SnapshotCondition


class VolumeRestoreOverride(Api):
    """Differences of a restored claim from the captured one."""

    annotations: dict[str, str] = {}
    """Further annotations."""
    labels: dict[str, str] = {}
    """Further labels."""
    restore_name: str | None = None
    """Name of the restored claim."""
    volume_name: str | None = None
    """The machine's name for the volume."""


class VirtualMachineRestoreSpec(Api):
    """What is restored where. Cannot be changed."""

    patches: Annotated[list[str], Atomic] = []
    """JSON patch operations, one a string, on the restored machine; only where a new one is made."""
    target: TypedLocalObjectReference = required(TypedLocalObjectReference)
    """The machine: apiGroup kubevirt.io, kind VirtualMachine. It need not exist."""
    target_readiness_policy: Annotated[
        str | None,
        one_of("StopTarget", "WaitGracePeriod", "FailImmediate", "WaitEventually"),
        marks(default="WaitGracePeriod"),
    ] = None
    """What is done about a machine that runs: it is stopped (StopTarget), waited for during 5 minutes
    (WaitGracePeriod, the default) or without end (WaitEventually), or the restore fails (FailImmediate).
    """
    virtual_machine_snapshot_name: str = required(str)
    """The snapshot, in the same namespace."""
    volume_ownership_policy: str | None = None
    """Whether restored claims go with the machine: Vm (the default), or None."""
    volume_restore_overrides: Annotated[list[VolumeRestoreOverride], Atomic] = []
    """Names, labels and annotations of restored claims."""
    volume_restore_policy: str | None = None
    """Names of restored claims: RandomizeNames (the default), InPlace, which replaces the present ones, or
    PrefixTargetName.
    """


class VolumeRestore(Api):
    """A restored volume."""

    data_volume_name: str | None = None
    """The data volume made for it."""
    persistent_volume_claim: str = required(str)
    """The claim made for it."""
    volume_name: str = required(str)
    """The machine's name for the volume."""
    volume_snapshot_name: str = required(str)
    """Where the data comes from."""


class VirtualMachineRestoreStatus(Api):
    """How far the restore is."""

    complete: bool | None = None
    """Whether it is over."""
    conditions: Annotated[list[SnapshotCondition], Atomic] = []
    """Aspects of its state: Ready, Progressing, Failure."""
    deleted_data_volumes: Annotated[list[str], SetList] = []
    """Data volumes that the restored ones replaced."""
    restore_time: Time | None = None
    """When it was over."""
    restores: Annotated[list[VolumeRestore], Atomic] = []
    """The restored volumes."""


class VirtualMachineRestore(Api):
    """Brings a machine's settings and disks back to a snapshot, or makes a new machine from one."""

    api_version: str = constant("snapshot.kubevirt.io/v1beta1")
    kind: str = constant("VirtualMachineRestore")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineRestoreSpec = required(VirtualMachineRestoreSpec)
    """What is restored where."""
    status: VirtualMachineRestoreStatus = present(VirtualMachineRestoreStatus)
    """How far it is."""
