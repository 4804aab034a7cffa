"""Rules for instances: all of them, in the order in which findings are reported."""

from collections import Counter
from fnmatch import fnmatchcase

from kubevirt.api.config import ClusterConfig
from kubevirt.api.validation import cpu, devices, disks, dns, firmware, memory
from kubevirt.api.validation.access import check_access_credentials
from kubevirt.api.validation.architecture import ARCHITECTURES, check_architecture
from kubevirt.api.validation.causes import Cause, Causes, invalid, only_first_of_each
from kubevirt.api.validation.hyperv import check_hyperv
from kubevirt.api.validation.kubernetes_names import dns_subdomain_faults
from kubevirt.api.validation.launch_security import check_launch_security
from kubevirt.api.validation.metadata import check_metadata
from kubevirt.api.validation.network import check_network
from kubevirt.api.validation.probes import check_probes
from kubevirt.api.validation.scheduling import check_affinity, check_spreading
from kubevirt.api.validation.schema_enums import check_enums
from kubevirt.api.validation.volumes import check_volumes
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec

EVICTION_STRATEGIES = frozenset({"None", "LiveMigrate", "LiveMigrateIfPossible", "External"})
START_STRATEGIES = frozenset({"Paused"})


def validate_vmi_create(
    vmi: VirtualMachineInstance, config: ClusterConfig, *, own_account: bool = False
) -> list[Cause]:
    """What is wrong with a new instance, defaults included. `own_account`: the control plane creates it."""
    violations = list(check_enums("spec", vmi.spec))
    if violations:
        return only_first_of_each(iter(violations))
    return only_first_of_each(_creation(vmi, config, own_account=own_account))


def _creation(vmi: VirtualMachineInstance, config: ClusterConfig, *, own_account: bool) -> Causes:
    spec = vmi.spec
    yield from check_spec("spec", spec, config)
    yield from disks.check_disks_of_volumes("spec", spec)
    yield from memory.check_given("spec.domain", spec.domain)
    if spec.utility_volumes:
        yield invalid(
            "spec.utilityVolumes",
            "cannot create VMI with utility volumes in spec, utility volumes can only be added via hotplug",
        )
    yield from check_metadata("metadata", vmi.metadata, config, own_account=own_account)


def check_spec(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    """The rules that hold for an instance's spec wherever it stands; `field` is its path, ``spec`` for instances."""
    domain = f"{field}.domain"
    yield from dns.check_host_names(field, spec)
    yield from memory.check_requests(domain, spec.domain)
    yield from memory.check_hugepages(domain, spec.domain)
    yield from memory.check_guest(domain, spec.domain, config)
    yield from _machine_type(field, spec, config)
    yield from firmware.check_acpi_tables(field, spec)
    yield from cpu.check_requests(domain, spec.domain)
    yield from cpu.check_cpu(domain, spec.domain)
    yield from _start_strategy(field, spec)
    yield from cpu.check_realtime(domain, spec.domain)
    yield from check_affinity(field, spec.affinity)
    yield from check_spreading(f"{field}.topologySpreadConstraints", spec.topology_spread_constraints)
    yield from _architecture(field, spec)
    yield from check_network(field, spec, config)
    yield from devices.check_boot_order(field, spec)
    yield from devices.check_inputs(field, spec)
    yield from devices.check_io_threads(field, spec)
    yield from check_probes(field, spec)
    yield from firmware.check_firmware(domain, spec.domain)
    yield from disks.check_disks(f"{domain}.devices.disks", spec.domain.devices.disks)
    yield from disks.check_volumes_of_disks(field, spec, config)
    yield from check_volumes(f"{field}.volumes", spec, config)
    yield from check_access_credentials(f"{field}.accessCredentials", spec)
    yield from dns.check_dns(field, spec)
    yield from _eviction_strategy(field, spec)
    yield from _service_account(field, spec)
    yield from devices.check_host_devices(field, spec, config)
    yield from _resource_claims(field, spec)
    yield from devices.check_sound(field, spec)
    yield from check_launch_security(field, spec, config)
    yield from devices.check_gated_devices(field, spec, config)
    yield from devices.check_video(field, spec)
    yield from devices.check_panic_devices(field, spec)
    yield from _gated_settings(field, spec, config)
    yield from check_hyperv(field, spec)
    yield from devices.check_watchdog(field, spec)
    yield from check_architecture(field, spec)


def _machine_type(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    kind = spec.domain.machine.type if spec.domain.machine is not None else None
    allowed = config.allowed_machines(spec.architecture or config.default_architecture)
    if kind and allowed and not any(fnmatchcase(kind, pattern) for pattern in allowed):
        at = f"{field}.domain.machine.type"
        yield invalid(at, f"{at} is not supported: {kind} (allowed values: [{' '.join(allowed)}])")


def _architecture(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    if spec.architecture and spec.architecture not in ARCHITECTURES:
        yield invalid(f"{field}.architecture", f"unsupported architecture: {spec.architecture}")


def _start_strategy(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    strategy, at = spec.start_strategy, f"{field}.startStrategy"
    if not strategy:
        return
    if strategy not in START_STRATEGIES:
        yield invalid(at, f"{at} is set with an unrecognized option: {strategy}")
    elif spec.liveness_probe is not None:
        yield invalid(
            at,
            f"either {at} or {field}.livenessProbe should be provided."
            "Pausing VMI with LivenessProbe is not supported",
        )


def _eviction_strategy(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    strategy, at = spec.eviction_strategy, f"{field}.evictionStrategy"
    if strategy and strategy not in EVICTION_STRATEGIES:
        yield invalid(at, f"{at} is set with an unrecognized option: {strategy}")


def _service_account(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    name, at = spec.service_account_name, f"{field}.serviceAccountName"
    if name and (faults := dns_subdomain_faults(name)):
        yield invalid(at, f"{at} is not a valid service account name: {', '.join(faults)}")


def _resource_claims(field: str, spec: VirtualMachineInstanceSpec) -> Causes:
    at, names = f"{field}.resourceClaims", Counter(claim.name for claim in spec.resource_claims)
    for name, count in names.items():
        if count > 1:
            yield invalid(at, f'duplicate resourceClaims name "{name}"')
    for index, claim in enumerate(spec.resource_claims):
        if bool(claim.resource_claim_name) == bool(claim.resource_claim_template_name):
            yield invalid(
                f"{at}[{index}]", "must specify one of: resourceClaimName, resourceClaimTemplateName"
            )
    devices = spec.domain.devices
    used = {gpu.claim_name for gpu in devices.gpus} | {device.claim_name for device in devices.host_devices}
    if any(name and name not in names for name in used):
        yield invalid(
            at,
            "vmi.spec.resourceClaims must specify all claims used in vmi.spec.domain.devices.gpus and "
            "vmi.spec.domain.devices.hostDevices",
        )


def _gated_settings(field: str, spec: VirtualMachineInstanceSpec, config: ClusterConfig) -> Causes:
    if spec.domain.reboot_policy and not config.has_gate("RebootPolicy"):
        yield invalid(
            f"{field}.domain.rebootPolicy",
            "RebootPolicy is specified but the RebootPolicy feature gate is not enabled",
        )
    reserved = spec.domain.memory.reserved_overhead if spec.domain.memory is not None else None
    if reserved is not None and not config.has_gate("ReservedOverheadMemlock"):
        yield invalid(
            f"{field}.domain.memory.reservedOverhead",
            "Reserved overhead memlock feature gate is not enabled in kubevirt-config",
        )
