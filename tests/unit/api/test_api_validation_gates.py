"""What is refused where a feature gate is on, or off, that usually is not; and of an instance's metadata.

Rules that hold under the usual gates: test_api_validation.
"""

import pytest

from kubevirt.api import codec
from kubevirt.api.admission import admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.domain import CPU, CPUFeature, DomainSpec, FeatureHyperv, Features, FeatureState
from kubevirt.api.validation.cpu import check_realtime
from kubevirt.api.validation.hyperv import check_hyperv
from kubevirt.api.vmi import VirtualMachineInstance, VirtualMachineInstanceSpec
from kubevirt.kit.json import Json, JsonObject
from tests.refusals.samples import DISK, D, N, S, V, devices, disk, domain, instance, nic, volume

METRICS: list[Json] = [DISK, {"name": "m", "downwardMetrics": {}}, {"name": "n", "downwardMetrics": {}}]
SHOWN: list[Json] = [{"name": name, "disk": {"bus": "virtio"}} for name in ("root", "m", "n")]
SHARED: JsonObject = {"name": "p", "containerPath": {"path": "/dev/x"}}
OVERLAP: list[Json] = [{"protocol": "TCP", "start": 1, "end": 4}, {"protocol": "TCP", "start": 3, "end": 6}]
ELEVEN: list[Json] = [{"start": port, "end": port} for port in range(1, 12)]
EFI: JsonObject = {"bootloader": {"efi": {"secureBoot": False}}}
RANGES = f"{N}.portRanges"


def told(
    change: JsonObject, *, on: str = "", off: str = "", metadata: JsonObject | None = None
) -> list[tuple[str, str]]:
    config = ClusterConfig(default_architecture="amd64", enabled_gates=frozenset({on}), disabled_gates=frozenset({off}))
    manifest = {**instance(change), "metadata": {"name": "refused", **(metadata or {})}}
    found = admit_vmi(codec.convert(manifest, VirtualMachineInstance), config).verdict.causes
    return [(cause.field, cause.message) for cause in found]


@pytest.mark.parametrize(
    ("gate", "change", "field", "message"),
    [
        ("HostDisk", volume(hostDisk={"path": "", "type": "Disk"}), f"{V}.hostDisk.path",
         f"{V}.hostDisk.path is required for hostDisk volume"),
        ("HostDisk", volume(hostDisk={"path": "/a", "type": "Blob"}), f"{V}.hostDisk.type",
         f"{V}.hostDisk.type has invalid value 'Blob', allowed are 'Disk' or 'DiskOrCreate'"),
        ("HostDisk", volume(hostDisk={"path": "/a", "type": "Disk", "capacity": "1Gi"}), f"{V}.hostDisk.capacity",
         f"{V}.hostDisk.capacity is allowed to pass only with {V}.hostDisk.type equal to 'DiskOrCreate'"),
        ("DownwardMetrics", {**devices(disks=SHOWN), "volumes": METRICS},
         "spec.volumes", "spec.volumes must have max one downwardMetric volume set"),
        ("ContainerPathVolumes", volume(containerPath={"path": "/a"}), V,
         "ContainerPath volume 'root' must be mapped to a filesystem, not a disk"),
        ("ContainerPathVolumes", {**devices(filesystems=[{"name": "p", "virtiofs": {}}]), "volumes": [DISK, SHARED]},
         "spec.volumes[1]", "ContainerPath volume 'p' uses reserved path prefix '/dev'"),
        ("PortRangesSpec", nic(ports=[{"port": 1}], portRanges=[{"start": 1, "end": 2}]), RANGES,
         "Cannot define both ports and portRanges on interface"),
        ("PortRangesSpec", nic(bridge={}, portRanges=[{"start": 1, "end": 2}]), RANGES,
         "portRanges are only supported on masquerade interfaces"),
        ("PortRangesSpec", nic(portRanges=ELEVEN), RANGES, "No more than 10 portRanges are allowed"),
        ("PortRangesSpec", nic(portRanges=[{"start": 3, "end": 2}]), f"{RANGES}[0]",
         "Start must be less than or equal to end"),
        ("PortRangesSpec", nic(portRanges=OVERLAP), RANGES, "TCP portRanges [1-4] and [3-6] overlap"),
        ("WorkloadEncryptionTDX",
         domain(launchSecurity={"tdx": {}}, features={"smm": {}}, firmware=EFI),
         "spec.launchSecurity", "TDX does not work along with SMM"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)  # fmt: skip
def test_with_a_gate(gate: str, change: JsonObject, field: str, message: str) -> None:
    assert told(change, on=gate) == [(field, message)]


@pytest.mark.parametrize(
    ("gate", "change", "field", "message"),
    [
        ("RebootPolicy", domain(rebootPolicy="Terminate"), f"{S}.rebootPolicy",
         "RebootPolicy is specified but the RebootPolicy feature gate is not enabled"),
        ("DeclarativeHotplugVolumes", {**disk(disk=None, cdrom={}), "volumes": None}, f"{D}.name",
         "DeclarativeHotplugVolumes feature gate not enabled, cannot define an empty CD-ROM disk"),
        ("PasstBinding", nic(passtBinding={}), f"{N}.passtBinding", "PasstBinding feature gate is not enabled"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)  # fmt: skip
def test_without_a_gate(gate: str, change: JsonObject, field: str, message: str) -> None:
    assert told(change, off=gate) == [(field, message)]
    assert told(change, on=gate) == []


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        ({"labels": {"kubevirt.io/nodeName": "n"}}, "metadata.labels",
         "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited"),
        ({"annotations": {"kubevirt.io/ignitiondata": "{}"}}, "metadata.annotations",
         "ExperimentalIgnitionSupport feature gate is not enabled in kubevirt-config, invalid entry "
         "metadata.annotations.kubevirt.io/ignitiondata"),
        ({"annotations": {"hooks.kubevirt.io/hookSidecars": "[]"}}, "metadata.annotations",
         "sidecar feature gate is not enabled in kubevirt-config, invalid entry "
         "metadata.annotations.hooks.kubevirt.io/hookSidecars"),
    ],
    ids=str,
)  # fmt: skip
def test_metadata(metadata: JsonObject, field: str, message: str) -> None:
    assert told({}, metadata=metadata) == [(field, message)]


def test_a_network_is_not_left_while_it_is_the_first() -> None:
    state = f"{N}.state"
    assert told(nic(state="absent")) == [
        (state, '"net" interface\'s state "absent" is supported only for bridge binding'),
        (state, '"net" interface\'s state "absent" is not supported on default networks'),
    ]


def test_a_container_path_that_no_file_system_shows() -> None:
    causes = told({"volumes": [DISK, {**SHARED, "containerPath": {"path": "/a"}}]}, on="ContainerPathVolumes")
    assert causes[0] == ("spec.volumes[1]", "ContainerPath volume 'p' must have a matching filesystem defined in "
                         "spec.domain.devices.filesystems")  # fmt: skip


def test_claims_of_resources_are_named_once_also_where_no_schema_is_asked() -> None:
    claims: list[Json] = [{"name": "a", "resourceClaimName": "x"}, {"name": "a", "resourceClaimName": "y"}]
    assert told({"resourceClaims": claims}) == [("spec.resourceClaims", 'duplicate resourceClaims name "a"')]


def test_real_time_needs_cpus_and_a_mapping() -> None:
    cpu = codec.convert({"realtime": {}}, CPU)
    assert [cause.message for cause in check_realtime(S, DomainSpec(cpu=cpu))] == [
        f"{S}.cpu.dedicatedCpuPlacement must be set to true when {S}.cpu.realtime is used",
        f"{S}.cpu.numa.guestMappingPassthrough must be defined when {S}.cpu.realtime is used",
    ]


@pytest.mark.parametrize(
    ("hyperv", "features", "messages"),
    [
        (FeatureHyperv(synic=FeatureState()), [], [f"'{S}.features.hyperv.vpindex' is missing"]),
        (FeatureHyperv(evmcs=FeatureState(), vapic=FeatureState()), [],
         ["vmx cpu feature is required when evmcs is set"]),
        (FeatureHyperv(evmcs=FeatureState(), vapic=FeatureState()), [CPUFeature(name="vmx", policy="force")],
         ["vmx cpu feature has to be set to require policy"]),
    ],
    ids=["synic", "evmcs", "evmcs with vmx"],
)  # fmt: skip
def test_what_defaults_would_have_filled_in(hyperv: FeatureHyperv, features: list[CPUFeature], messages: list[str]
                                            ) -> None:  # fmt: skip
    spec = VirtualMachineInstanceSpec(domain=DomainSpec(features=Features(hyperv=hyperv), cpu=CPU(features=features)))
    assert [cause.message for cause in check_hyperv("spec", spec)] == messages
