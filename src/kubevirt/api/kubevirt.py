"""KubeVirt: the object that an administrator creates to have everything else installed."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, constant, map_of, marks, one_of, present, required
from kubevirt.api.kubevirt_config import (
    ArchConfiguration,
    ChangedBlockTrackingSelectors,
    CommonInstancetypesDeployment,
    ConfidentialComputeConfiguration,
    HypervisorConfiguration,
    InstancetypeConfiguration,
    KSMConfiguration,
    LiveUpdateConfiguration,
    PersistentReservationConfiguration,
    SeccompConfiguration,
    SMBiosConfiguration,
    SupportContainerResources,
    VirtTemplateDeployment,
    VirtualMachineOptions,
)
from kubevirt.api.kubevirt_devices import (
    MediatedDevicesConfiguration,
    NetworkConfiguration,
    PermittedHostDevices,
)
from kubevirt.api.kubevirt_install import (
    ComponentConfig,
    CustomizeComponents,
    KubeVirtCertificateRotateStrategy,
    KubeVirtWorkloadUpdateStrategy,
)
from kubevirt.api.kubevirt_programs import DeveloperConfiguration, ReloadableComponentConfiguration, TLSConfiguration
from kubevirt.api.meta import Condition, LabelSelector, ObjectMeta
from kubevirt.api.migration_status import MigrationConfiguration
from kubevirt.api.references import LocalObjectReference
from kubevirt.kit.quantity import Quantity


class KubeVirtConfiguration(Api):
    """Settings of the whole installation."""

    additional_guest_memory_overhead_ratio: str | None = None
    """Factor, such as 1.5, on the memory reserved beside the guest's own."""
    api_configuration: ReloadableComponentConfiguration | None = None
    """Request rates of virt-api."""
    architecture_configuration: ArchConfiguration | None = None
    """Settings by CPU architecture."""
    auto_cpu_limit_namespace_label_selector: LabelSelector | None = None
    """Namespaces where launcher pods get a CPU limit of one CPU per virtual CPU."""
    changed_block_tracking_label_selectors: Annotated[ChangedBlockTrackingSelectors | None, Nullable] = None
    """Machines whose changed blocks are tracked."""
    common_instancetypes_deployment: Annotated[CommonInstancetypesDeployment | None, Nullable] = None
    """Whether the common instance types and preferences are installed."""
    confidential_compute: Annotated[ConfidentialComputeConfiguration | None, Nullable] = None
    """Settings for guests hidden from their host."""
    controller_configuration: ReloadableComponentConfiguration | None = None
    """Request rates of virt-controller."""
    cpu_model: str | None = None
    """CPU model of guests that name none. The default is host-model."""
    cpu_request: Quantity | None = None
    """CPU request of guests that name none."""
    default_runtime_class: str | None = None
    """Runtime class of launcher pods."""
    developer_configuration: DeveloperConfiguration | None = None
    """Feature gates, overcommitment and settings for development."""
    emulated_machines: list[str] = []
    """Patterns of the boards that guests may have."""
    eviction_strategy: str | None = None
    """Eviction strategy of guests that name none. The default is None."""
    handler_configuration: ReloadableComponentConfiguration | None = None
    """Request rates of virt-handler."""
    hypervisors: Annotated[list[HypervisorConfiguration], Atomic, marks(maxItems=1)] = []
    """Hypervisors that guests run on."""
    image_pull_policy: str | None = None
    """When the launcher's image is pulled."""
    instancetype: Annotated[InstancetypeConfiguration | None, Nullable] = None
    """How machines refer to instance types."""
    ksm_configuration: KSMConfiguration | None = None
    """Nodes where kernel samepage merging is turned on."""
    live_update_configuration: LiveUpdateConfiguration | None = None
    """Limits for changes of running guests."""
    machine_type: str | None = None
    """Board of guests that name none. The default is q35 on amd64."""
    mediated_devices_configuration: MediatedDevicesConfiguration | None = None
    """Mediated devices that nodes create."""
    mem_balloon_stats_period: Int32 | None = None
    """Seconds between memory statistics of the balloon; 0 turns them off. The default is 10."""
    migrations: MigrationConfiguration | None = None
    """How guests are moved between nodes."""
    min_cpu_model: str | None = None
    """CPU model whose features are not asked of nodes."""
    network: NetworkConfiguration | None = None
    """Network settings."""
    obsolete_cpu_models: dict[str, bool] = {}
    """CPU models that nodes do not offer."""
    ovmf_path: str | None = None
    """Directory of the UEFI images."""
    permitted_host_devices: PermittedHostDevices | None = None
    """Host devices that guests may have."""
    persistent_reservation_configuration: Annotated[PersistentReservationConfiguration | None, Nullable] = None
    """SCSI persistent reservations."""
    role_aggregation_strategy: Annotated[str | None, one_of("AggregateToDefault", "Manual")] = None
    """Whether the cluster roles are added to admin, edit and view: AggregateToDefault or Manual."""
    seccomp_configuration: SeccompConfiguration | None = None
    """Seccomp profile of launcher pods."""
    selinux_launcher_type: str | None = None
    """SELinux type of launcher pods."""
    smbios: SMBiosConfiguration | None = None
    """SMBIOS strings shown to guests."""
    support_container_resources: Annotated[list[SupportContainerResources], map_of("type")] = []
    """Resources of the supporting containers."""
    supported_guest_agent_versions: list[str] = []
    """Versions of the guest agent that are supported."""
    tls_configuration: TLSConfiguration | None = None
    """TLS versions and ciphers of all servers."""
    virt_template_deployment: Annotated[VirtTemplateDeployment | None, Nullable] = None
    """Whether the template service is installed."""
    virtual_machine_instances_per_node: int | None = None
    """How many guests a node can have at most."""
    virtual_machine_options: VirtualMachineOptions | None = None
    """Settings of all guests."""
    vm_rollout_strategy: Annotated[str | None, Nullable, one_of("Stage", "LiveUpdate")] = None
    """LiveUpdate (the default) brings changes of a machine into its running guest where it can; Stage leaves them for
    the next start.
    """
    vm_state_storage_class: str | None = None
    """Storage class for the state of TPM and UEFI that is kept between runs."""
    webhook_configuration: ReloadableComponentConfiguration | None = None
    """Request rates of the webhooks."""


class KubeVirtCondition(Condition):
    """One aspect of the installation's state."""


class GenerationStatus(Api):
    """Generation of an installed object."""

    group: str = required(str)
    """API group of the object."""
    hash: str = ""
    """Hash of its contents, for objects without a generation."""
    last_generation: Int64 = required(int)
    """Generation that the operator wrote last."""
    name: str = required(str)
    """Name of the object."""
    namespace: str = ""
    """Its namespace; empty for objects of the whole cluster."""
    resource: str = required(str)
    """Its resource, in the plural."""


class KubeVirtSpec(Api):
    """What to install and how."""

    certificate_rotate_strategy: KubeVirtCertificateRotateStrategy | None = None
    """How certificates are renewed."""
    configuration: KubeVirtConfiguration | None = None
    """Settings of the whole installation."""
    customize_components: CustomizeComponents | None = None
    """Patches and flags for the installed programs."""
    image_pull_policy: str | None = None
    """When images of the programs are pulled. The default is IfNotPresent."""
    image_pull_secrets: Annotated[list[LocalObjectReference], Atomic] = []
    """Credentials for the registry."""
    image_registry: str | None = None
    """Registry of the programs' images; the operator's own where unset."""
    image_tag: str | None = None
    """Tag of the programs' images; the operator's own where unset."""
    infra: ComponentConfig | None = None
    """Placement and number of the cluster-wide programs."""
    monitor_account: str | None = None
    """Service account of the monitoring system."""
    monitor_namespace: str | None = None
    """Namespace of the monitoring system."""
    product_component: str | None = None
    """Value of the label app.kubernetes.io/component on installed objects."""
    product_name: str | None = None
    """Value of the label app.kubernetes.io/part-of on installed objects."""
    product_version: str | None = None
    """Value of the label app.kubernetes.io/version on installed objects."""
    service_monitor_namespace: str | None = None
    """Namespace that the ServiceMonitor is created in."""
    synchronization_port: str | None = None
    """Port for migrations between clusters."""
    uninstall_strategy: str | None = None
    """What removal does while guests exist: RemoveWorkloads removes them, BlockUninstallIfWorkloadsExist refuses."""
    workload_update_strategy: KubeVirtWorkloadUpdateStrategy | None = None
    """How running guests get a new launcher after an update."""
    workloads: ComponentConfig | None = None
    """Placement of the node agents."""


class KubeVirtStatus(Api):
    """What is installed."""

    conditions: list[KubeVirtCondition] = []
    """Aspects of the installation's state: Created, Available, Progressing, Degraded."""
    default_architecture: str = ""
    """Architecture of guests that name none."""
    generations: Annotated[list[GenerationStatus], Atomic] = []
    """Generations of the installed objects, to notice changes by others."""
    observed_deployment_config: str = ""
    """Configuration that is installed."""
    observed_deployment_id: str = ""
    """Identity of the configuration that is installed."""
    observed_generation: Int64 | None = None
    """Generation of this object that was acted on last."""
    observed_kube_virt_registry: str = ""
    """Registry that is in use."""
    observed_kube_virt_version: str = ""
    """Version that is installed."""
    operator_version: str = ""
    """Version of the operator."""
    outdated_virtual_machine_instance_workloads: int | None = None
    """How many guests run with an old launcher."""
    phase: str = ""
    """Deploying, Deployed, Deleting or Deleted."""
    synchronization_addresses: Annotated[list[str], Atomic] = []
    """Addresses for migrations between clusters."""
    target_deployment_config: str = ""
    """Configuration being installed."""
    target_deployment_id: str = ""
    """Identity of the configuration being installed."""
    target_kube_virt_registry: str = ""
    """Registry of the version being installed."""
    target_kube_virt_version: str = ""
    """Version being installed."""


class KubeVirt(Api):
    """The installation itself."""

    api_version: str = constant("kubevirt.io/v1")
    kind: str = constant("KubeVirt")
    metadata: ObjectMeta = present(ObjectMeta)
    spec: KubeVirtSpec = required(KubeVirtSpec)
    """The installation as it should be."""
    status: KubeVirtStatus = present(KubeVirtStatus)
    """The installation as it is."""
