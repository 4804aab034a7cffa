"""VirtualMachineInstance: one run of a virtual machine, from its start to its end."""

from typing import Annotated

from kubevirt.api.access import AccessCredential
from kubevirt.api.base import Api, Atomic, Int64, Nullable, Preserve, constant, map_of, marks, present, required
from kubevirt.api.core import PodDNSConfig, PodResourceClaim
from kubevirt.api.domain import DomainSpec
from kubevirt.api.meta import Condition, ObjectMeta
from kubevirt.api.migration_status import (
    DowntimeTuning,
    EffectiveMigrationConfiguration,
    MigrationConfiguration,
    MigrationExperimental,
    PersistentVolumeClaimInfo,
    StallDetector,
    StorageMigratedVolumeInfo,
    VirtualMachineInstanceMigrationSourceState,
    VirtualMachineInstanceMigrationState,
    VirtualMachineInstanceMigrationTargetState,
)
from kubevirt.api.network import Network
from kubevirt.api.probes import Probe
from kubevirt.api.scheduling import Affinity, Toleration, TopologySpreadConstraint
from kubevirt.api.vmi_status import (
    ChangedBlockTrackingStatus,
    ContainerDiskInfo,
    CPUTopology,
    DomainMemoryDumpInfo,
    HotplugVolumeStatus,
    InitrdInfo,
    KernelBootStatus,
    KernelInfo,
    MemoryStatus,
    TopologyHints,
    VirtualMachineInstanceBackupStatus,
    VirtualMachineInstanceBackupVolumeInfo,
    VirtualMachineInstanceCondition,
    VirtualMachineInstanceGuestOSInfo,
    VirtualMachineInstanceNetworkInterface,
    VirtualMachineInstancePhaseTransitionTimestamp,
    VirtualMachineInstanceStatus,
    VolumeStatus,
)
from kubevirt.api.volumes import UtilityVolume, Volume

__all__ = [
    "CPUTopology",
    "ChangedBlockTrackingStatus",
    "Condition",
    "ContainerDiskInfo",
    "DomainMemoryDumpInfo",
    "DowntimeTuning",
    "EffectiveMigrationConfiguration",
    "HotplugVolumeStatus",
    "InitrdInfo",
    "KernelBootStatus",
    "KernelInfo",
    "MemoryStatus",
    "MigrationConfiguration",
    "MigrationExperimental",
    "PersistentVolumeClaimInfo",
    "StallDetector",
    "StorageMigratedVolumeInfo",
    "TopologyHints",
    "VirtualMachineInstance",
    "VirtualMachineInstanceBackupStatus",
    "VirtualMachineInstanceBackupVolumeInfo",
    "VirtualMachineInstanceCondition",
    "VirtualMachineInstanceGuestOSInfo",
    "VirtualMachineInstanceMigrationSourceState",
    "VirtualMachineInstanceMigrationState",
    "VirtualMachineInstanceMigrationTargetState",
    "VirtualMachineInstanceNetworkInterface",
    "VirtualMachineInstancePhaseTransitionTimestamp",
    "VirtualMachineInstanceSpec",
    "VirtualMachineInstanceStatus",
    "VirtualMachineInstanceTemplateSpec",
    "VolumeStatus",
]



class VirtualMachineInstanceSpec(Api):
    """A virtual machine and its demands on the cluster."""

    access_credentials: Annotated[list[AccessCredential], Atomic, marks(maxItems=256)] = []
    affinity: Affinity | None = None
    architecture: str | None = None
    dns_config: PodDNSConfig | None = None
    dns_policy: str | None = None
    domain: DomainSpec = required(DomainSpec)
    eviction_strategy: str | None = None
    hostname: str | None = None
    liveness_probe: Probe | None = None
    networks: Annotated[list[Network], marks(maxItems=256)] = []
    node_selector: dict[str, str] = {}
    priority_class_name: str | None = None
    readiness_probe: Probe | None = None
    resource_claims: Annotated[list[PodResourceClaim], map_of("name")] = []
    scheduler_name: str | None = None
    service_account_name: str | None = None
    start_strategy: str | None = None
    subdomain: str | None = None
    termination_grace_period_seconds: Int64 | None = None
    tolerations: list[Toleration] = []
    topology_spread_constraints: Annotated[
        list[TopologySpreadConstraint], map_of("topologyKey", "whenUnsatisfiable")
    ] = []
    utility_volumes: Annotated[list[UtilityVolume], map_of("name"), marks(maxItems=256)] = []
    volumes: Annotated[list[Volume], marks(maxItems=256)] = []


class VirtualMachineInstance(Api):
    """A virtual machine that runs, from start to end; restarted means a new one."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstance")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstanceSpec = required(VirtualMachineInstanceSpec)
    status: VirtualMachineInstanceStatus = present(VirtualMachineInstanceStatus)


class VirtualMachineInstanceTemplateSpec(Api):
    """From which instances are made."""

    metadata: Annotated[ObjectMeta, Nullable, Preserve] = present(ObjectMeta)
    spec: VirtualMachineInstanceSpec = present(VirtualMachineInstanceSpec)
