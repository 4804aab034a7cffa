"""Parts of the cluster-wide configuration in the KubeVirt object: programs, features, limits."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Int64, Nullable, SetList, marks, one_of, required
from kubevirt.api.kubevirt_devices import ResourceRequirementsWithoutClaims
from kubevirt.api.meta import LabelSelector
from kubevirt.kit.quantity import Quantity


class TokenBucketRateLimiter(Api):
    """A steady rate with bursts."""

    burst: int = required(int)
    """Requests that may be sent at once."""
    qps: float = required(float)
    """Requests per second in the long run."""


class RateLimiter(Api):
    """Limits how fast requests are sent."""

    token_bucket_rate_limiter: TokenBucketRateLimiter | None = None
    """A steady rate with bursts."""


class RESTClientConfiguration(Api):
    """Requests to the API server."""

    rate_limiter: RateLimiter | None = None
    """Limits how fast requests are sent."""


class ReloadableComponentConfiguration(Api):
    """Settings that a program picks up while it runs."""

    rest_client: RESTClientConfiguration | None = None
    """Requests to the API server."""


class ArchSpecificConfiguration(Api):
    """Settings of one CPU architecture."""

    emulated_machines: Annotated[list[str], Atomic] = []
    """Patterns of the boards that guests may have."""
    machine_type: str | None = None
    """Board of guests that name none."""
    ovmf_path: str | None = None
    """Directory of the UEFI images."""


class ArchConfiguration(Api):
    """Settings by CPU architecture."""

    amd64: ArchSpecificConfiguration | None = None
    """Settings of amd64."""
    arm64: ArchSpecificConfiguration | None = None
    """Settings of arm64."""
    default_architecture: str | None = None
    """Architecture of guests that name none."""
    ppc64le: ArchSpecificConfiguration | None = None
    """No longer has an effect."""
    s390x: ArchSpecificConfiguration | None = None
    """Settings of s390x."""


class ChangedBlockTrackingSelectors(Api):
    """For which machines changed blocks are tracked."""

    namespace_label_selector: LabelSelector | None = None
    """Labels of namespaces, all of whose machines are meant."""
    virtual_machine_label_selector: LabelSelector | None = None
    """Labels of virtual machines."""


class CommonInstancetypesDeployment(Api):
    """Whether the common instance types are installed."""

    enabled: Annotated[bool | None, Nullable] = None
    """Whether they are installed."""


class TDXAttestationConfiguration(Api):
    """Attestation of trust domains."""

    enforced: Annotated[bool | None, marks(default=False)] = None
    """Only nodes where the quote service answers get such guests."""
    qgs_socket_path: Annotated[str | None, marks(default="/var/run/tdx-qgs/qgs.socket")] = None
    """Socket of the quote generation service on the nodes."""


class TDXConfiguration(Api):
    """Settings for Intel TDX."""

    attestation: TDXAttestationConfiguration | None = None
    """Attestation of trust domains."""


class ConfidentialComputeConfiguration(Api):
    """Settings for guests hidden from their host."""

    tdx: Annotated[TDXConfiguration | None, Nullable] = None
    """Settings for Intel TDX."""


class DiskVerification(Api):
    """Limits for the check of disk images."""

    memory_limit: Quantity = required(Quantity)
    """Memory that the check of one image may use."""


class LogVerbosity(Api):
    """How much each program logs."""

    node_verbosity: dict[str, int] = {}
    """Verbosity of virt-handler by node."""
    virt_api: int | None = None
    """Verbosity of virt-api."""
    virt_controller: int | None = None
    """Verbosity of virt-controller."""
    virt_handler: int | None = None
    """Verbosity of virt-handler."""
    virt_launcher: int | None = None
    """Verbosity of virt-launcher."""
    virt_operator: int | None = None
    """Verbosity of virt-operator."""
    virt_synchronization_controller: int | None = None
    """Verbosity of the synchronization controller."""


class DeveloperConfiguration(Api):
    """Feature gates and settings for development."""

    cluster_profiler: bool | None = None
    """Lets the programs be profiled together."""
    cpu_allocation_ratio: int | None = None
    """Virtual CPUs per requested CPU. The default is 10."""
    disabled_feature_gates: Annotated[list[str], Atomic] = []
    """Beta features that are turned off."""
    disk_verification: DiskVerification | None = None
    """Limits for the check of disk images."""
    feature_gates: Annotated[list[str], Atomic] = []
    """Features that are turned on."""
    log_verbosity: LogVerbosity | None = None
    """How much each program logs."""
    memory_overcommit: Annotated[int | None, marks(minimum=10)] = None
    """Guest memory in percent of the requested memory. The default is 100."""
    minimum_cluster_tsc_frequency: Int64 | None = None
    """TSC frequency, in Hz, that all nodes reach."""
    minimum_reserve_pvc_bytes: Int64 | None = None
    """Bytes of a claim that are left free for a disk image's own needs. The default is 131072."""
    node_selectors: dict[str, str] = {}
    """Labels that nodes with guests must have."""
    pvc_tolerate_less_space_up_to_percent: int | None = None
    """By how many percent a claim may be smaller than asked for. The default is 10."""
    use_emulation: bool | None = None
    """Runs guests in software emulation; for clusters without KVM."""


class HypervisorConfiguration(Api):
    """A hypervisor that may be used."""

    name: Annotated[str | None, one_of("kvm", "hyperv-direct")] = None
    """The hypervisor."""


class InstancetypeConfiguration(Api):
    """How instance types are referred to."""

    reference_policy: Annotated[str | None, Nullable, one_of("reference", "expand", "expandAll")] = None
    """What becomes of a machine's reference: it stays (the default), or the machine is expanded and the reference
    dropped, for new machines (expand) or for all (expandAll)."""


class KSMConfiguration(Api):
    """Where kernel samepage merging is turned on."""

    node_label_selector: LabelSelector | None = None
    """Labels of the nodes; all nodes for an empty selector."""


class LiveUpdateConfiguration(Api):
    """Limits for changes of running machines."""

    max_cpu_sockets: Int32 | None = None
    """Up to how many sockets guests can be given."""
    max_guest: Quantity | None = None
    """Up to how much memory guests can be given."""
    max_hotplug_ratio: Int32 | None = None
    """By what factor sockets and memory can grow. The default is 4."""


class PersistentReservationConfiguration(Api):
    """SCSI persistent reservations."""

    enabled: Annotated[bool | None, Nullable] = None
    """Whether guests may reserve LUNs."""


class SMBiosConfiguration(Api):
    """SMBIOS strings that guests see by default."""

    family: str | None = None
    """Family. The default is KubeVirt."""
    manufacturer: str | None = None
    """Manufacturer. The default is KubeVirt."""
    product: str | None = None
    """Product. The default is None."""
    sku: str | None = None
    """Stock keeping unit."""
    version: str | None = None
    """Version."""


class SupportContainerResources(Api):
    """Resources of a supporting container."""

    resources: ResourceRequirementsWithoutClaims = required(ResourceRequirementsWithoutClaims)
    """The resources."""
    type: str = required(str)
    """Which container: container-disk, guest-console-log, hotplug-disk, sidecar, virtiofs or vmexport."""


class TLSConfiguration(Api):
    """TLS settings of all servers."""

    ciphers: Annotated[list[str], SetList] = []
    """Cipher suites, by their IANA names; only for TLS 1.2."""
    min_tls_version: Annotated[
        str | None, one_of("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")
    ] = None
    """Oldest version of TLS."""


class VirtTemplateDeployment(Api):
    """Whether virt-template is installed."""

    enabled: Annotated[bool | None, Nullable] = None
    """Whether it is installed."""


class DisableFreePageReporting(Api):
    """Turns free page reporting off."""


class DisableSerialConsoleLog(Api):
    """Turns the log of serial consoles off."""


class VirtualMachineOptions(Api):
    """Settings for all machines."""

    disable_free_page_reporting: DisableFreePageReporting | None = None
    """Turns free page reporting off."""
    disable_serial_console_log: DisableSerialConsoleLog | None = None
    """Turns the log of serial consoles off."""


class CustomProfile(Api):
    """A seccomp profile of the user's."""

    localhost_profile: str | None = None
    """A file below the kubelet's seccomp directory."""
    runtime_default_profile: bool | None = None
    """The container runtime's default profile."""


class VirtualMachineInstanceProfile(Api):
    """Seccomp profile of launcher pods."""

    custom_profile: CustomProfile | None = None
    """A seccomp profile in place of the unconfined one."""


class SeccompConfiguration(Api):
    """Seccomp profiles."""

    virtual_machine_instance_profile: VirtualMachineInstanceProfile | None = None
    """Profile of launcher pods."""
