"""Parts of the cluster-wide configuration in the KubeVirt object: hardware, guests, optional services."""

from typing import Annotated

from kubevirt.api.base import Api, Atomic, Int32, Nullable, marks, one_of, required
from kubevirt.api.kubevirt_devices import ResourceRequirementsWithoutClaims
from kubevirt.api.meta import LabelSelector
from kubevirt.kit.quantity import Quantity


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
