"""KubeVirt: the object that an administrator creates to have everything else installed."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, constant, map_of, marks, one_of, present, required
from kubevirt.api.core import LocalObjectReference
from kubevirt.api.kubevirt_config import (
    ArchConfiguration,
    ArchSpecificConfiguration,
    ChangedBlockTrackingSelectors,
    CommonInstancetypesDeployment,
    ConfidentialComputeConfiguration,
    CustomProfile,
    DeveloperConfiguration,
    DisableFreePageReporting,
    DisableSerialConsoleLog,
    DiskVerification,
    HypervisorConfiguration,
    InstancetypeConfiguration,
    KSMConfiguration,
    LiveUpdateConfiguration,
    LogVerbosity,
    PersistentReservationConfiguration,
    RateLimiter,
    ReloadableComponentConfiguration,
    RESTClientConfiguration,
    SeccompConfiguration,
    SMBiosConfiguration,
    SupportContainerResources,
    TDXAttestationConfiguration,
    TDXConfiguration,
    TLSConfiguration,
    TokenBucketRateLimiter,
    VirtTemplateDeployment,
    VirtualMachineInstanceProfile,
    VirtualMachineOptions,
)
from kubevirt.api.kubevirt_devices import (
    InterfaceBindingMigration,
    InterfaceBindingPlugin,
    MediatedDevicesConfiguration,
    MediatedHostDevice,
    NetworkConfiguration,
    NodeMediatedDeviceTypesConfig,
    PciHostDevice,
    PermittedHostDevices,
    ResourceRequirementsWithoutClaims,
    USBHostDevice,
    USBSelector,
)
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.api.migration_status import MigrationConfiguration
from kubevirt.api.scheduling import Affinity, Toleration
from kubevirt.kit.quantity import Quantity

__all__ = [
    "ArchConfiguration",
    "ArchSpecificConfiguration",
    "CertConfig",
    "ChangedBlockTrackingSelectors",
    "CommonInstancetypesDeployment",
    "ComponentConfig",
    "ConfidentialComputeConfiguration",
    "CustomProfile",
    "CustomizeComponents",
    "CustomizeComponentsPatch",
    "DeveloperConfiguration",
    "DisableFreePageReporting",
    "DisableSerialConsoleLog",
    "DiskVerification",
    "Flags",
    "GenerationStatus",
    "HypervisorConfiguration",
    "InstancetypeConfiguration",
    "InterfaceBindingMigration",
    "InterfaceBindingPlugin",
    "KSMConfiguration",
    "KubeVirt",
    "KubeVirtCertificateRotateStrategy",
    "KubeVirtCondition",
    "KubeVirtConfiguration",
    "KubeVirtSelfSignConfiguration",
    "KubeVirtSpec",
    "KubeVirtStatus",
    "KubeVirtWorkloadUpdateStrategy",
    "LiveUpdateConfiguration",
    "LogVerbosity",
    "MediatedDevicesConfiguration",
    "MediatedHostDevice",
    "NetworkConfiguration",
    "NodeMediatedDeviceTypesConfig",
    "NodePlacement",
    "PciHostDevice",
    "PermittedHostDevices",
    "PersistentReservationConfiguration",
    "RESTClientConfiguration",
    "RateLimiter",
    "ReloadableComponentConfiguration",
    "ResourceRequirementsWithoutClaims",
    "SMBiosConfiguration",
    "SeccompConfiguration",
    "SupportContainerResources",
    "TDXAttestationConfiguration",
    "TDXConfiguration",
    "TLSConfiguration",
    "TokenBucketRateLimiter",
    "USBHostDevice",
    "USBSelector",
    "VirtTemplateDeployment",
    "VirtualMachineInstanceProfile",
    "VirtualMachineOptions",
]



class KubeVirtConfiguration(Api):
    """Settings of the whole installation."""

    additional_guest_memory_overhead_ratio: str | None = None
    api_configuration: ReloadableComponentConfiguration | None = None
    architecture_configuration: ArchConfiguration | None = None
    auto_cpu_limit_namespace_label_selector: LabelSelector | None = None
    changed_block_tracking_label_selectors: Annotated[ChangedBlockTrackingSelectors | None, Nullable] = None
    common_instancetypes_deployment: Annotated[CommonInstancetypesDeployment | None, Nullable] = None
    confidential_compute: Annotated[ConfidentialComputeConfiguration | None, Nullable] = None
    controller_configuration: ReloadableComponentConfiguration | None = None
    cpu_model: str | None = None
    cpu_request: Quantity | None = None
    default_runtime_class: str | None = None
    developer_configuration: DeveloperConfiguration | None = None
    emulated_machines: list[str] = []
    eviction_strategy: str | None = None
    handler_configuration: ReloadableComponentConfiguration | None = None
    hypervisors: Annotated[list[HypervisorConfiguration], Atomic, marks(maxItems=1)] = []
    image_pull_policy: str | None = None
    instancetype: Annotated[InstancetypeConfiguration | None, Nullable] = None
    ksm_configuration: KSMConfiguration | None = None
    live_update_configuration: LiveUpdateConfiguration | None = None
    machine_type: str | None = None
    mediated_devices_configuration: MediatedDevicesConfiguration | None = None
    mem_balloon_stats_period: Int32 | None = None
    migrations: MigrationConfiguration | None = None
    min_cpu_model: str | None = None
    network: NetworkConfiguration | None = None
    obsolete_cpu_models: dict[str, bool] = {}
    ovmf_path: str | None = None
    permitted_host_devices: PermittedHostDevices | None = None
    persistent_reservation_configuration: Annotated[PersistentReservationConfiguration | None, Nullable] = None
    role_aggregation_strategy: Annotated[str | None, one_of("AggregateToDefault", "Manual")] = None
    seccomp_configuration: SeccompConfiguration | None = None
    selinux_launcher_type: str | None = None
    smbios: SMBiosConfiguration | None = None
    support_container_resources: Annotated[list[SupportContainerResources], map_of("type")] = []
    supported_guest_agent_versions: list[str] = []
    tls_configuration: TLSConfiguration | None = None
    virt_template_deployment: Annotated[VirtTemplateDeployment | None, Nullable] = None
    virtual_machine_instances_per_node: int | None = None
    virtual_machine_options: VirtualMachineOptions | None = None
    vm_rollout_strategy: Annotated[str | None, Nullable, one_of("Stage", "LiveUpdate")] = None
    vm_state_storage_class: str | None = None
    webhook_configuration: ReloadableComponentConfiguration | None = None


class CertConfig(Api):
    """Life time of certificates."""

    duration: str | None = None
    renew_before: str | None = None


class KubeVirtSelfSignConfiguration(Api):
    """Certificates signed by the operator itself."""

    ca: CertConfig | None = None
    ca_overlap_interval: str | None = None
    ca_rotate_interval: str | None = None
    cert_rotate_interval: str | None = None
    server: CertConfig | None = None


class KubeVirtCertificateRotateStrategy(Api):
    """How certificates are renewed."""

    self_signed: KubeVirtSelfSignConfiguration | None = None


class Flags(Api):
    """Further command-line flags of the programs."""

    api: dict[str, str] = {}
    controller: dict[str, str] = {}
    handler: dict[str, str] = {}


class CustomizeComponentsPatch(Api):
    """A patch of an installed object."""

    patch: str = required(str)
    resource_name: Annotated[str, marks(minLength=1)] = required(str)
    resource_type: Annotated[str, marks(minLength=1)] = required(str)
    type: str = required(str)


class CustomizeComponents(Api):
    """Changes to the installed objects."""

    flags: Flags | None = None
    patches: Annotated[list[CustomizeComponentsPatch], Atomic] = []


class NodePlacement(Api):
    """On which nodes pods run."""

    affinity: Affinity | None = None
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []


class ComponentConfig(Api):
    """Placement and number of pods."""

    node_placement: NodePlacement | None = None
    replicas: int | None = None


class KubeVirtWorkloadUpdateStrategy(Api):
    """How running machines get a new launcher."""

    batch_eviction_interval: str | None = None
    batch_eviction_size: int | None = None
    workload_update_methods: Annotated[list[str], Atomic] = []


class KubeVirtCondition(Condition):
    """One aspect of the installation's state."""


class GenerationStatus(Api):
    """Generation of an installed object."""

    group: str = required(str)
    hash: str = ""
    last_generation: Int64 = required(int)
    name: str = required(str)
    namespace: str = ""
    resource: str = required(str)


class KubeVirtSpec(Api):
    """What to install and how."""

    certificate_rotate_strategy: KubeVirtCertificateRotateStrategy | None = None
    configuration: KubeVirtConfiguration | None = None
    customize_components: CustomizeComponents | None = None
    image_pull_policy: str | None = None
    image_pull_secrets: Annotated[list[LocalObjectReference], Atomic] = []
    image_registry: str | None = None
    image_tag: str | None = None
    infra: ComponentConfig | None = None
    monitor_account: str | None = None
    monitor_namespace: str | None = None
    product_component: str | None = None
    product_name: str | None = None
    product_version: str | None = None
    service_monitor_namespace: str | None = None
    synchronization_port: str | None = None
    uninstall_strategy: str | None = None
    workload_update_strategy: KubeVirtWorkloadUpdateStrategy | None = None
    workloads: ComponentConfig | None = None


class KubeVirtStatus(Api):
    """What is installed."""

    conditions: list[KubeVirtCondition] = []
    default_architecture: str = ""
    generations: Annotated[list[GenerationStatus], Atomic] = []
    observed_deployment_config: str = ""
    observed_deployment_id: str = ""
    observed_generation: Int64 | None = None
    observed_kube_virt_registry: str = ""
    observed_kube_virt_version: str = ""
    operator_version: str = ""
    outdated_virtual_machine_instance_workloads: int | None = None
    phase: str = ""
    synchronization_addresses: Annotated[list[str], Atomic] = []
    target_deployment_config: str = ""
    target_deployment_id: str = ""
    target_kube_virt_registry: str = ""
    target_kube_virt_version: str = ""


class KubeVirt(Api):
    """The installation itself."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("KubeVirt")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: KubeVirtSpec = required(KubeVirtSpec)
    status: KubeVirtStatus = present(KubeVirtStatus)
