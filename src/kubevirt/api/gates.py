"""Feature gates: which there are, how ripe each is, and whether one is on.

A gate that is not in the registry is off whatever the configuration says: a typing error never half-enables anything.
"""

from collections.abc import Collection
from enum import Enum
from typing import Final


class Stage(Enum):
    """How ripe a feature is."""

    ALPHA = "alpha"
    """Off unless asked for."""
    BETA = "beta"
    """On unless refused."""
    GA = "ga"
    """Always on."""
    DEPRECATED = "deprecated"
    """Off unless asked for; asking is answered with a warning."""
    DISCONTINUED = "discontinued"
    """Gone: objects that use the feature are refused."""


def _stage(stage: Stage, names: str) -> dict[str, Stage]:
    return dict.fromkeys(names.split(), stage)


REGISTRY: Final[dict[str, Stage]] = {
    **_stage(
        Stage.GA,
        """
        LiveMigration SRIOVLiveMigration NonRoot PSA CPUNodeDiscovery NUMA CommonInstancetypesDeploymentGate GPU
        HotplugNICs BochsDisplayForEFIGuests VMLiveUpdateFeatures NetworkBindingPlugins DynamicPodInterfaceNaming
        VolumesUpdateStrategy VolumeMigration AutoResourceLimitsGate DisableCustomSELinuxPolicy ClusterProfiler
        VMPersistentState VMExport PersistentReservation InstancetypeReferencePolicy EnableVirtioFsConfigVolumes
        ExpandDisks PanicDevices LiveUpdateNADRef VideoConfig SecureExecution MigrationPriorityQueue
        VmiMemoryOverheadReport LibvirtHooksServerAndClient
        """,
    ),
    **_stage(
        Stage.BETA,
        """
        ImageVolume Snapshot WorkloadEncryptionSEV KubevirtSeccompProfile NodeRestriction GPUsWithDRA HostDevicesWithDRA
        DecentralizedLiveMigration DeclarativeHotplugVolumes PasstBinding PodSecondaryInterfaceNamingUpgrade
        ExternalNetResourceInjection RebootPolicy Template OptOutRoleAggregation
        """,
    ),
    **_stage(
        Stage.ALPHA,
        """
        CPUManager ExperimentalIgnitionSupport HypervStrictCheck Sidecar HostDevices HostDisk DownwardMetrics Root
        WorkloadEncryptionTDX VSOCK AlignCPUs EnableVirtioFsStorageVolumes PCINUMAAwareTopology ObjectGraph
        UtilityVolumes IncrementalBackup VGPULiveMigration MigrationStallDetection MigrationDowntimeTuning
        CrossArchitectureVirtualization PortRangesSpec GraceIOVirtualization NetworkDevicesWithDRA
        ConfigurableHypervisor ContainerPathVolumes ReservedOverheadMemlock VMStatsCollector OCIExport Plugins IOMMUFD
        FirmwareAutoSelection
        """,
    ),
    **_stage(
        Stage.DEPRECATED, "DockerSELinuxMCSWorkaround MultiArchitecture DisableMDEVConfiguration HotplugVolumes"
    ),
    **_stage(Stage.DISCONTINUED, "ExperimentalVirtiofsSupport Passt Macvtap PasstIPStackMigration"),
}


def is_enabled(gate: str, *, enabled: Collection[str], disabled: Collection[str]) -> bool:
    """Whether a gate is on, given the two lists of the KubeVirt object; a gate in both is on."""
    stage = REGISTRY.get(gate)
    if stage is None or stage is Stage.DISCONTINUED:
        return False
    if stage is Stage.GA or gate in enabled:
        return True
    return stage is Stage.BETA and gate not in disabled
