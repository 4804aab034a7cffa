"""VirtualMachine: a machine that outlives its runs, is started and stopped, and creates a VMI for each run."""

from typing import Annotated

from kubevirt.api.base import Api, Nullable, constant, present, required
from kubevirt.api.datavolume import DataVolumeTemplateSpec
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.vm_status import (
    AddVolumeOptions,
    ControllerRevisionRef,
    InstancetypeStatusRef,
    RemoveVolumeOptions,
    VirtualMachineCondition,
    VirtualMachineMemoryDumpRequest,
    VirtualMachineStartFailure,
    VirtualMachineStateChangeRequest,
    VirtualMachineStatus,
    VirtualMachineVolumeRequest,
    VolumeMigrationState,
    VolumeSnapshotStatus,
    VolumeUpdateState,
)
from kubevirt.api.vmi import NoTemplate, VirtualMachineInstanceTemplateSpec

__all__ = [
    "AddVolumeOptions",
    "ControllerRevisionRef",
    "InstancetypeMatcher",
    "InstancetypeStatusRef",
    "PreferenceMatcher",
    "RemoveVolumeOptions",
    "VirtualMachine",
    "VirtualMachineCondition",
    "VirtualMachineMemoryDumpRequest",
    "VirtualMachineSpec",
    "VirtualMachineStartFailure",
    "VirtualMachineStateChangeRequest",
    "VirtualMachineStatus",
    "VirtualMachineVolumeRequest",
    "VolumeMigrationState",
    "VolumeSnapshotStatus",
    "VolumeUpdateState",
]


class PreferenceMatcher(Api):
    """Chooses a preference."""

    infer_from_volume: str | None = None
    """Volume whose labels name the preference."""
    infer_from_volume_failure_policy: str | None = None
    """What happens when the volume names none: Reject (the default) or Ignore."""
    kind: str | None = None
    """VirtualMachineClusterPreference (the default) or VirtualMachinePreference."""
    name: str | None = None
    """Name of the preference."""
    revision_name: str | None = None
    """ControllerRevision with the copy in use; filled in at the first start."""


class InstancetypeMatcher(Api):
    """Chooses an instance type."""

    infer_from_volume: str | None = None
    """Volume whose labels name the instance type."""
    infer_from_volume_failure_policy: str | None = None
    """What happens when the volume names none: Reject (the default) or Ignore."""
    kind: str | None = None
    """VirtualMachineClusterInstancetype (the default) or VirtualMachineInstancetype."""
    name: str | None = None
    """Name of the instance type."""
    revision_name: str | None = None
    """ControllerRevision with the copy in use; filled in at the first start, so that later changes of the instance type
    do not reach the machine.
    """


class VirtualMachineSpec(Api):
    """A machine that outlives its runs."""

    data_volume_templates: list[Annotated[DataVolumeTemplateSpec, Nullable]] = []
    """Data volumes created with the machine and removed with it; its volumes refer to them by name."""
    instancetype: InstancetypeMatcher | None = None
    """Instance type that sets CPU, memory and the like; those members may then not be set in the template."""
    preference: PreferenceMatcher | None = None
    """Preferred settings, used where neither template nor instance type says anything."""
    run_strategy: str | None = None
    """When an instance should exist: Always, RerunOnFailure, Once, Manual, Halted or WaitAsReceiver."""
    running: bool | None = None
    """Old form of runStrategy: true means Always, false Halted. Exactly one of the two is set."""
    template: VirtualMachineInstanceTemplateSpec = required(NoTemplate)
    """What instances are made from."""
    update_volumes_strategy: str | None = None
    """What replacing a volume of a running machine does: Replacement takes effect at the next start, Migration moves
    the data while the guest runs.
    """

    @property
    def has_template(self) -> bool:
        """Whether a template was given at all, be it empty."""
        return not isinstance(self.template, NoTemplate)


class VirtualMachine(Api):
    """A virtual machine that can be started and stopped."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachine")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineSpec = required(VirtualMachineSpec)
    """The machine as it should be."""
    status: VirtualMachineStatus = present(VirtualMachineStatus)
    """The machine as it is."""
