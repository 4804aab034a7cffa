"""The cluster's configuration: what the KubeVirt object says, with the defaults where it says nothing.

A value made from one state of the object and never changed; programs make a new one when the object changes. Pure, so
that `virtctl render` uses the same one without a cluster.
"""

import platform
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from kubevirt.api import gates, names
from kubevirt.api.kubevirt import KubeVirt, KubeVirtConfiguration
from kubevirt.api.kubevirt_config import SMBiosConfiguration
from kubevirt.kit.quantity import Quantity

_MACHINE_TYPES: Final = {"amd64": "q35", "arm64": "virt", "s390x": "s390-ccw-virtio"}
_EMULATED_MACHINES: Final = {
    "amd64": ("q35*", "pc-q35*"),
    "arm64": ("virt*",),
    "s390x": ("s390-ccw-virtio*",),
}
_HOST_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x"}
MAX_VCPUS: Final = 512
"""More virtual CPUs are never hot-plugged."""


@dataclass(frozen=True, kw_only=True)
class Smbios:
    """SMBIOS strings that guests see by default."""

    family: str = "KubeVirt"
    manufacturer: str = "KubeVirt"
    product: str = "None"
    sku: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """Settings of the whole installation; `ClusterConfig()` is an installation without any of its own."""

    enabled_gates: Collection[str] = frozenset()
    disabled_gates: Collection[str] = frozenset()

    default_architecture: str = field(default_factory=lambda: host_architecture())
    machine_types: Mapping[str, str] = field(default_factory=lambda: dict(_MACHINE_TYPES))
    emulated_machines: Mapping[str, Collection[str]] = field(default_factory=lambda: dict(_EMULATED_MACHINES))
    ovmf_paths: Mapping[str, str] = field(default_factory=dict)
    """Directory of the UEFI images, by architecture; a missing one means the image's own."""

    use_emulation: bool = False
    """Run guests in emulation even where KVM works."""
    cpu_model: str = ""
    """Model for guests that name none; empty means host-model."""
    cpu_request: Quantity | None = None
    """CPU request for guests that name none; None means it follows from their number of CPUs."""
    cpu_allocation_ratio: int = 10
    """Virtual CPUs per requested CPU."""
    memory_overcommit: int = 100
    """Guest memory in percent of requested memory."""
    additional_memory_overhead_ratio: float = 1.0
    """Factor on the memory reserved beside the guest's own."""
    node_selectors: Mapping[str, str] = field(default_factory=dict)
    """Labels that every node with guests must have."""
    smbios: Smbios = field(default_factory=Smbios)
    eviction_strategy: str = "None"
    image_pull_policy: str = ""
    """Of launcher pods; empty means Kubernetes' default."""
    default_runtime_class: str = ""
    selinux_launcher_type: str = ""
    vm_state_storage_class: str = ""

    network_binding: str = "bridge"
    """Binding of the network interface that guests get unasked: bridge or masquerade."""
    permit_bridge_on_pod_network: bool = True
    permit_slirp: bool = False
    binding_plugins: Collection[str] = frozenset()

    live_update: bool = True
    """Whether changes of a machine reach its running instance where they can."""
    max_hotplug_ratio: int = 4
    max_cpu_sockets: int | None = None
    max_guest: Quantity | None = None

    memory_balloon_period_s: int = 10
    free_page_reporting: bool = True
    serial_console_log: bool = True
    node_drain_taint: str = "kubevirt.io/drain"
    min_reserve_pvc_bytes: int = 131072
    pvc_tolerate_less_space_percent: int = 10
    obsolete_cpu_models: Mapping[str, bool] = field(default_factory=dict)
    min_cpu_model: str = ""
    tdx_attestation_enforced: bool = False
    skips_backup_hooks: bool = False
    """Backup tools are not told to freeze guests; an annotation of the KubeVirt object."""
    minimum_tsc_hz: int | None = None
    """Frequency of the time stamp counter that all nodes reach, where the administrator says so."""
    raw: KubeVirtConfiguration = field(default_factory=KubeVirtConfiguration)
    """The configuration as it is written, for what only one program reads."""

    def has_gate(self, gate: str) -> bool:
        """Whether a feature gate is on."""
        return gates.is_enabled(gate, enabled=self.enabled_gates, disabled=self.disabled_gates)

    def machine_type(self, architecture: str) -> str:
        """The board that guests of an architecture get unasked."""
        return self.machine_types.get(architecture) or _MACHINE_TYPES.get(architecture, "q35")

    def allowed_machines(self, architecture: str) -> Collection[str]:
        """Globs of the boards that guests of an architecture may have."""
        return self.emulated_machines.get(architecture, ())

    @classmethod
    def of(cls, kubevirt: KubeVirt) -> Self:
        """What a KubeVirt object asks for."""
        given = kubevirt.spec.configuration or KubeVirtConfiguration()
        settings: dict[str, object] = {
            "default_architecture": kubevirt.status.default_architecture,
            "cpu_model": given.cpu_model,
            "cpu_request": given.cpu_request,
            "eviction_strategy": given.eviction_strategy,
            "image_pull_policy": given.image_pull_policy,
            "default_runtime_class": given.default_runtime_class,
            "selinux_launcher_type": given.selinux_launcher_type,
            "vm_state_storage_class": given.vm_state_storage_class,
            "skips_backup_hooks":
                kubevirt.metadata.annotations.get(names.ANNOTATION_SKIP_BACKUP_HOOKS, "").lower() == "true",
            "memory_balloon_period_s": given.mem_balloon_stats_period,
            "obsolete_cpu_models": given.obsolete_cpu_models,
            "min_cpu_model": given.min_cpu_model,
            "additional_memory_overhead_ratio": _ratio(given.additional_guest_memory_overhead_ratio),
            "live_update": (given.vm_rollout_strategy or "LiveUpdate") == "LiveUpdate",
            **_of_sections(given),
            **_by_architecture(given, kubevirt.status.default_architecture or host_architecture()),
        }
        # Each function above gives settings by their names, whose types its tests hold.
        return cls(**{k: v for k, v in settings.items() if v is not None and v != ""}, raw=given)  # type: ignore[arg-type]


def _of_sections(given: KubeVirtConfiguration) -> dict[str, object]:
    """What the sections say that are there; None and empty texts mean the default."""
    settings: dict[str, object] = {}
    if (developer := given.developer_configuration) is not None:
        settings |= {
            "enabled_gates": frozenset(developer.feature_gates),
            "disabled_gates": frozenset(developer.disabled_feature_gates),
            "use_emulation": developer.use_emulation,
            "cpu_allocation_ratio": developer.cpu_allocation_ratio,
            "memory_overcommit": developer.memory_overcommit,
            "node_selectors": developer.node_selectors,
            "minimum_tsc_hz": developer.minimum_cluster_tsc_frequency,
            "min_reserve_pvc_bytes": developer.minimum_reserve_pvc_bytes,
            "pvc_tolerate_less_space_percent": developer.pvc_tolerate_less_space_up_to_percent,
        }
    if (network := given.network) is not None:
        settings |= {
            "network_binding": network.default_network_interface,
            "permit_bridge_on_pod_network": network.permit_bridge_interface_on_pod_network,
            "permit_slirp": network.permit_slirp_interface,
            "binding_plugins": frozenset(network.binding),
        }
    if (live := given.live_update_configuration) is not None:
        settings |= {
            "max_hotplug_ratio": live.max_hotplug_ratio,
            "max_cpu_sockets": live.max_cpu_sockets,
            "max_guest": live.max_guest,
        }
    if (options := given.virtual_machine_options) is not None:
        settings |= {
            "free_page_reporting": options.disable_free_page_reporting is None,
            "serial_console_log": options.disable_serial_console_log is None,
        }
    if given.smbios is not None:
        settings["smbios"] = _smbios(given.smbios)
    if given.migrations is not None:
        settings["node_drain_taint"] = given.migrations.node_drain_taint_key
    if given.confidential_compute is not None:
        tdx = given.confidential_compute.tdx
        settings["tdx_attestation_enforced"] = bool(tdx and tdx.attestation and tdx.attestation.enforced)
    return settings


def _smbios(given: SMBiosConfiguration) -> Smbios:
    return Smbios(
        family=given.family or "KubeVirt",
        manufacturer=given.manufacturer or "KubeVirt",
        product=given.product or "None",
        sku=given.sku or "",
        version=given.version or "",
    )


def _ratio(text: str | None) -> float | None:
    try:
        ratio = float(text or "")
    except ValueError:
        return None
    return ratio if ratio >= 1.0 else None


def _by_architecture(given: KubeVirtConfiguration, default: str) -> dict[str, object]:
    """Machine types, permitted machines and firmware paths; the settings without architecture mean the default one."""
    types, machines, paths = dict(_MACHINE_TYPES), dict(_EMULATED_MACHINES), dict[str, str]()
    settings: dict[str, object] = {"machine_types": types, "emulated_machines": machines, "ovmf_paths": paths}
    if given.machine_type:
        types[default] = given.machine_type
    if given.emulated_machines:
        machines[default] = tuple(given.emulated_machines)
    if given.ovmf_path:
        paths[default] = given.ovmf_path
    of = given.architecture_configuration
    if of is None:
        return settings
    for architecture, section in (("amd64", of.amd64), ("arm64", of.arm64), ("s390x", of.s390x)):
        if section is None:
            continue
        types[architecture] = section.machine_type or types[architecture]
        machines[architecture] = tuple(section.emulated_machines) or machines[architecture]
        if section.ovmf_path:
            paths[architecture] = section.ovmf_path
    if of.default_architecture:
        settings["default_architecture"] = of.default_architecture
    return settings


def host_architecture() -> str:
    """The architecture of the machine this runs on, by its Kubernetes name."""
    return _HOST_ARCHITECTURES.get(platform.machine(), "amd64")
