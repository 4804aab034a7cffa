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
from kubevirt.api.vmi import VirtualMachineInstanceTemplateSpec

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
    infer_from_volume_failure_policy: str | None = None
    kind: str | None = None
    name: str | None = None
    revision_name: str | None = None


class InstancetypeMatcher(Api):
    """Chooses an instance type."""

    infer_from_volume: str | None = None
    infer_from_volume_failure_policy: str | None = None
    kind: str | None = None
    name: str | None = None
    revision_name: str | None = None


class VirtualMachineSpec(Api):
    """A machine that outlives its runs."""

    data_volume_templates: list[Annotated[DataVolumeTemplateSpec, Nullable]] = []
    instancetype: InstancetypeMatcher | None = None
    preference: PreferenceMatcher | None = None
    run_strategy: str | None = None
    running: bool | None = None
    template: VirtualMachineInstanceTemplateSpec = required(VirtualMachineInstanceTemplateSpec)
    update_volumes_strategy: str | None = None

    @property
    def has_template(self) -> bool:
        """Whether a template was given at all: an empty one stands for none."""
        return self.template != VirtualMachineInstanceTemplateSpec()


class VirtualMachine(Api):
    """A virtual machine that can be started and stopped."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachine")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineSpec = required(VirtualMachineSpec)
    status: VirtualMachineStatus = present(VirtualMachineStatus)
