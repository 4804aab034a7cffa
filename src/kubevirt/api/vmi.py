"""VirtualMachineInstance: one run of a virtual machine, from its start to its end."""

from typing import Annotated

from kubevirt.api.access import AccessCredential
from kubevirt.api.backup_status import (
    ChangedBlockTrackingStatus,
    VirtualMachineInstanceBackupStatus,
    VirtualMachineInstanceBackupVolumeInfo,
)
from kubevirt.api.base import Api, Atomic, Int64, Nullable, Preserve, constant, map_of, marks, present, required
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
from kubevirt.api.references import PodDNSConfig, PodResourceClaim
from kubevirt.api.scheduling import Affinity, Toleration, TopologySpreadConstraint
from kubevirt.api.vmi_status import (
    ContainerDiskInfo,
    CPUTopology,
    DomainMemoryDumpInfo,
    HotplugVolumeStatus,
    InitrdInfo,
    KernelBootStatus,
    KernelInfo,
    MemoryStatus,
    TopologyHints,
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
    "NoTemplate",
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
    """SSH keys and passwords brought into the guest."""
    affinity: Affinity | None = None
    """Nodes and pods the launcher pod should be near to or far from."""
    architecture: str | None = None
    """CPU architecture of the guest: amd64, arm64 or s390x. The default is that of the cluster."""
    dns_config: PodDNSConfig | None = None
    """Resolver settings of the launcher pod, handed to the guest by DHCP."""
    dns_policy: str | None = None
    """How DNS is set up: ClusterFirst (the default), ClusterFirstWithHostNet, Default or None."""
    domain: DomainSpec = required(DomainSpec)
    """The machine that the guest sees."""
    eviction_strategy: str | None = None
    """What draining the node does: None lets the guest be shut down, LiveMigrate moves it and waits,
    LiveMigrateIfPossible moves it where it can be moved, External leaves it to another controller.
    """
    hostname: str | None = None
    """Host name of guest and pod; the name of the instance where unset."""
    liveness_probe: Probe | None = None
    """Check of a guest that is stopped when it fails."""
    networks: Annotated[list[Network], marks(maxItems=256)] = []
    """Networks the machine is connected to, each by the interface of its name."""
    node_selector: dict[str, str] = {}
    """Labels the node must have."""
    priority_class_name: str | None = None
    """Priority class of the launcher pod."""
    readiness_probe: Probe | None = None
    """Check that decides whether the instance is Ready and gets traffic of services."""
    resource_claims: Annotated[list[PodResourceClaim], map_of("name")] = []
    """Dynamic resource claims that devices refer to."""
    scheduler_name: str | None = None
    """Scheduler that places the launcher pod."""
    service_account_name: str | None = None
    """Service account of the launcher pod."""
    start_strategy: str | None = None
    """Paused: the guest is created but does not run before it is unpaused."""
    subdomain: str | None = None
    """Sub-domain under which a headless service makes the guest known in DNS."""
    termination_grace_period_seconds: Int64 | None = None
    """Seconds the guest gets to shut down before it is turned off. The default is 30."""
    tolerations: list[Toleration] = []
    """Taints of nodes that the launcher pod puts up with."""
    topology_spread_constraints: Annotated[
        list[TopologySpreadConstraint], map_of("topologyKey", "whenUnsatisfiable")
    ] = []
    """How launcher pods are spread over zones, nodes and the like."""
    utility_volumes: Annotated[list[UtilityVolume], map_of("name"), marks(maxItems=256)] = []
    """Claims given to the launcher pod for its own use, not to the guest; only by hot-plug."""
    volumes: Annotated[list[Volume], marks(maxItems=256)] = []
    """Data for the guest: each is shown by the disk or file system of its name."""


class VirtualMachineInstance(Api):
    """A virtual machine that runs, from start to end; restarted means a new one."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("VirtualMachineInstance")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: VirtualMachineInstanceSpec = required(VirtualMachineInstanceSpec)
    """The machine and its demands on the cluster."""
    status: VirtualMachineInstanceStatus = present(VirtualMachineInstanceStatus)
    """The running instance as it is."""


class VirtualMachineInstanceTemplateSpec(Api):
    """From which instances are made."""

    metadata: Annotated[ObjectMeta, Nullable, Preserve] = present(ObjectMeta)
    """Labels and annotations of the instances."""
    spec: VirtualMachineInstanceSpec = present(VirtualMachineInstanceSpec)
    """The instances' spec."""


class NoTemplate(VirtualMachineInstanceTemplateSpec):
    """Stands where no template was given: an empty one is little, but it is a template. Does not survive encoding."""
