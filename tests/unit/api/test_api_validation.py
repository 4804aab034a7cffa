"""What is refused, with field, reason and wording. Each case changes one thing of an instance that is admitted."""

import pytest

from kubevirt.api import codec
from kubevirt.api.admission import admit_vm, admit_vmi
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.validation import validate_replicaset, validate_vm, validate_vmi_create, validate_vmi_update
from kubevirt.api.validation.updates import Sender
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject, merge

CONFIG = ClusterConfig(default_architecture="amd64")
DISK: JsonObject = {"name": "root", "containerDisk": {"image": "cirros:1.0"}}
GOOD: JsonObject = {
    "domain": {
        "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]},
        "resources": {"requests": {"memory": "128Mi"}},
    },
    "volumes": [DISK],
}


def spec_with(change: Json) -> JsonObject:
    spec = merge(GOOD, change)
    assert isinstance(spec, dict)
    return spec


def causes(change: JsonObject, config: ClusterConfig = CONFIG) -> list[tuple[str, str, str]]:
    manifest: JsonObject = {"metadata": {"name": "a", "namespace": "b"}, "spec": spec_with(change)}
    verdict = admit_vmi(codec.convert(manifest, VirtualMachineInstance), config).verdict
    assert verdict.allowed == (not verdict.causes)
    assert verdict.message == ", ".join(cause.message for cause in verdict.causes)
    return [(cause.reason.removeprefix("FieldValue"), cause.field, cause.message) for cause in verdict.causes]


def disk(**members: Json) -> JsonObject:
    return {"domain": {"devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}, **members}]}}}


def nic(**members: Json) -> JsonObject:
    interface: JsonObject = {"name": "net", **({} if "bridge" in members else {"masquerade": {}}), **members}
    return {"domain": {"devices": {"interfaces": [interface]}}, "networks": [{"name": "net", "pod": {}}]}


def volume(**source: Json) -> JsonObject:
    return {"volumes": [{"name": "root", **source}]}


def devices(**members: Json) -> JsonObject:
    return {"domain": {"devices": dict(members)}}


D, N, S = "spec.domain.devices.disks[0]", "spec.domain.devices.interfaces[0]", "spec.domain"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="the good one"),
        pytest.param(nic(), id="masquerade"),
        pytest.param(nic(bridge={}), id="bridge"),
        pytest.param(nic(ports=[{"name": "ssh", "port": 22}, {"port": 80, "protocol": "UDP"}]), id="ports"),
        pytest.param(volume(emptyDisk={"capacity": "1Gi"}), id="an empty disk"),
        pytest.param(volume(cloudInitNoCloud={"userData": "#!/bin/sh"}), id="cloud-init"),
        pytest.param(disk(disk=None, cdrom={}), id="a CD-ROM"),
        pytest.param({**disk(disk=None, cdrom={}), "volumes": None}, id="an empty CD-ROM"),
        pytest.param({"evictionStrategy": "LiveMigrate"}, id="eviction by migration"),
        pytest.param({"startStrategy": "Paused"}, id="paused from the start"),
        pytest.param({"hostname": "web-1", "subdomain": "a.b"}, id="names"),
        pytest.param({"readinessProbe": {"tcpSocket": {"port": 22}}}, id="a probe over the pod network"),
        pytest.param(devices(autoattachPodInterface=False, disks=None) | {"volumes": None}, id="nothing at all"),
    ],
)
def test_admitted(change: JsonObject) -> None:
    assert causes(change) == []


@pytest.mark.parametrize(
    ("change", "reason", "field", "message"),
    [
        (disk(disk={"bus": "ide"}), "Invalid", f"{D}.disk.bus", "IDE bus is not supported"),
        (
            disk(disk={"bus": "floppy"}),
            "Invalid",
            f"{D}.disk.bus",
            f"{D} is set with an unrecognized bus floppy, must be one of: [virtio scsi sata usb]",
        ),
        (
            disk(disk=None, cdrom={"bus": "virtio"}),
            "Invalid",
            f"{D}.cdrom.bus",
            "Bus type virtio is invalid for CD-ROM device",
        ),
        (
            disk(disk={"bus": "sata", "readonly": True}),
            "Invalid",
            f"{D}.disk.bus",
            "sata hard-disks do not support read-only.",
        ),
        ({"volumes": None}, "Invalid", f"{D}.name", f"{D}.Name 'root' not found."),
        (
            {"volumes": [DISK, DISK]},
            "Invalid",
            "spec.volumes[1].name",
            "spec.volumes[1] and spec.volumes[0] must not have the same Name.",
        ),
        (
            devices(disks=[{"name": "root"}, {"name": "root"}]),
            "Invalid",
            "spec.domain.devices.disks[1].name",
            f"spec.domain.devices.disks[1] and {D} must not have the same Name.",
        ),
        (disk(cdrom={"bus": "sata"}), "Invalid", D, f"{D} can only have a single target type defined"),
        (disk(bootOrder=0), "Invalid", f"{D}.bootOrder", f"{D} must have a boot order > 0, if supplied"),
        (disk(cache="unsafe"), "Invalid", f"{D}.cache", f"{D}.cache has invalid value unsafe"),
        (disk(errorPolicy="panic"), "Invalid", f"{D}.errorPolicy", f'{D}.errorPolicy has invalid value "panic"'),
        (
            disk(serial="x" * 257),
            "Invalid",
            f"{D}.serial",
            f"{D} must be less than or equal to 256 in length, if specified",
        ),
        (
            disk(blockSize={"custom": {"logical": 500, "physical": 512}}),
            "Invalid",
            f"{D}.blockSize.custom.logical",
            "Provided size of 500 is less than the supported minimum size of 512",
        ),
        (
            disk(blockSize={"custom": {"logical": 512, "physical": 1000}}),
            "Invalid",
            f"{D}.blockSize.custom.physical",
            "Provided size of 1000 is not a power of 2",
        ),
        (
            disk(disk=None, lun={"bus": "scsi"}),
            "Invalid",
            f"{D}.lun",
            f"{D}.lun can only be mapped to a DataVolume or PersistentVolumeClaim volume.",
        ),
        (
            {"volumes": [{"name": "root"}]},
            "Invalid",
            "spec.volumes[0]",
            "spec.volumes[0] must have exactly one source type set",
        ),
        (
            volume(containerDisk={"image": "a"}, emptyDisk={"capacity": "1Gi"}),
            "Invalid",
            "spec.volumes[0]",
            "spec.volumes[0] must have exactly one source type set",
        ),
        (
            volume(cloudInitNoCloud={"userData": "x" * 2049}),
            "Invalid",
            "spec.volumes[0].cloudInitNoCloud",
            "spec.volumes[0].cloudInitNoCloud userdata exceeds 2048 byte limit. "
            "Should use UserDataSecretRef for larger data.",
        ),
        (
            volume(cloudInitConfigDrive={"userData": "x", "userDataBase64": "eA=="}),
            "Invalid",
            "spec.volumes[0].cloudInitConfigDrive",
            "spec.volumes[0].cloudInitConfigDrive must have only one userdatasource set.",
        ),
        (
            volume(hostDisk={"path": "/a", "type": "Disk"}),
            "Invalid",
            "spec.volumes[0]",
            "HostDisk feature gate is not enabled",
        ),
        (
            volume(containerDisk={"image": "a", "path": "/"}),
            "Invalid",
            "spec.volumes[0].containerDisk",
            "spec.volumes[0].containerDisk must not point to root",
        ),
        (
            volume(containerDisk={"image": "a", "path": "/disk/../etc/shadow"}),
            "Invalid",
            "spec.volumes[0].containerDisk",
            "spec.volumes[0].containerDisk must be an absolute path to a file without relative components",
        ),
        (
            volume(configMap={}),
            "Invalid",
            "spec.volumes[0].configMap.name",
            "spec.volumes[0].configMap.name is a required field",
        ),
        (nic(model="ne3k"), "NotSupported", f"{N}.model", f"interface {N}.name uses model ne3k that is not supported."),
        (
            nic(macAddress="de:ad"),
            "Invalid",
            f"{N}.macAddress",
            f"interface {N}.name has malformed MAC address (de:ad).",
        ),
        (
            nic(macAddress="02:00:00:00:00:00"),
            "Invalid",
            f"{N}.macAddress",
            "The requested MAC address is reserved for the in-pod bridge. Please choose another one.",
        ),
        (
            nic(pciAddress="81:1.0"),
            "Invalid",
            f"{N}.pciAddress",
            f"interface {N}.name has malformed PCI address (81:1.0).",
        ),
        (nic(ports=[{"port": 70000}]), "Invalid", f"{N}.ports[0].port", "Port field must be in range 0 < x < 65536."),
        (nic(ports=[{"port": 0}]), "Required", f"{N}.ports[0].port", "Port field is mandatory."),
        (
            nic(ports=[{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]),
            "Duplicate",
            f"{N}.ports[1].name",
            "Duplicate name of the port: a",
        ),
        (
            nic(state="absent", bridge={}),
            "Invalid",
            f"{N}.state",
            '"net" interface\'s state "absent" is not supported on default networks',
        ),
        (
            nic(dhcpOptions={"ntpServers": ["time.example"]}),
            "Invalid",
            f"{N}.dhcpOptions.ntpServers[0]",
            "NTP servers must be a list of valid IPv4 addresses.",
        ),
        (
            nic(bridge={}) | {"networks": [{"name": "net", "multus": {"networkName": ""}}]},
            "Required",
            "spec.networks[0]",
            "CNI delegating plugin must have a networkName",
        ),
        (
            {"domain": {"resources": {"requests": {"memory": "-1"}}, "memory": {"guest": "64Mi"}}},
            "Invalid",
            f"{S}.resources.requests.memory",
            f"{S}.resources.requests.memory '-1': must be greater than or equal to 0.",
        ),
        (
            {"domain": {"resources": {"limits": {"memory": "64Mi"}}, "memory": {"guest": "32Mi"}}},
            "Invalid",
            f"{S}.resources.requests.memory",
            f"{S}.resources.requests.memory '128Mi' is greater than {S}.resources.limits.memory '64Mi'",
        ),
        (
            {"domain": {"resources": {"limits": {"memory": "256Mi"}}, "memory": {"guest": "1Gi"}}},
            "Invalid",
            f"{S}.memory.guest",
            f"{S}.memory.guest '1Gi' must be equal to or less than the memory limit "
            f"{S}.resources.limits.memory '256Mi'",
        ),
        (
            {"domain": {"resources": None}},
            "Required",
            f"{S}.resources.requests.memory",
            f"no memory requested, at least one of '{S}.memory.guest', '{S}.memory.hugepages.size' or "
            f"'{S}.resources.requests.memory' must be set",
        ),
        (
            {"domain": {"cpu": {"features": [{"name": "x", "policy": "please"}]}}},
            "NotSupported",
            f"{S}.cpu.features[0].policy",
            "CPU feature x uses policy please that is not supported.",
        ),
        (
            {"domain": {"machine": {"type": "isapc"}}},
            "Invalid",
            f"{S}.machine.type",
            f"{S}.machine.type is not supported: isapc (allowed values: [q35* pc-q35*])",
        ),
        ({"architecture": "vax"}, "Invalid", "spec.architecture", "unsupported architecture: vax"),
        (
            {"evictionStrategy": "Sometimes"},
            "Invalid",
            "spec.evictionStrategy",
            "spec.evictionStrategy is set with an unrecognized option: Sometimes",
        ),
        (
            {"domain": {"firmware": {"bootloader": {"efi": {}}}}},
            "Invalid",
            S,
            f"{S} has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled.",
        ),
        (
            {"domain": {"firmware": {"kernelBoot": {"container": {"image": "a"}}}}},
            "Required",
            f"{S}.firmware.kernelBoot.container",
            f"{S}.firmware.kernelBoot.container must be defined with at least one of the following: "
            "kernelPath, initrdPath",
        ),
        (
            {"readinessProbe": {}},
            "Required",
            "spec.readinessProbe",
            "either spec.readinessProbe.tcpSocket, spec.readinessProbe.exec or spec.readinessProbe.httpGet must be set "
            "if a spec.readinessProbe is specified",
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {}},
            "Required",
            "nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        ),
        (
            devices(video={"type": "ega"}),
            "Invalid",
            f"{S}.devices.video.type",
            "video model 'ega' is not supported on amd64 architecture",
        ),
        (
            devices(panicDevices=[{"model": "loud"}]),
            "Invalid",
            f"{S}.devices.panicDevices[0].model",
            "invalid PanicDeviceModel(loud)",
        ),
        (
            devices(hostDevices=[{"name": "a", "deviceName": "b"}]),
            "Invalid",
            "spec.HostDevices",
            "Host Devices feature gate is not enabled in kubevirt-config",
        ),
        (
            {"tolerations": [{"operator": "Maybe"}]},
            "",
            "",
            "spec.tolerations.operator in body should be one of [Equal Exists Gt Lt]",
        ),
        (
            {"accessCredentials": [{}]},
            "Invalid",
            "spec.accessCredentials[0]",
            "spec.accessCredentials[0] must have exactly one access credential type set",
        ),
    ],
)
def test_refused(change: JsonObject, reason: str, field: str, message: str) -> None:
    assert causes(change) == [(reason, field, message)]


def test_a_pull_policy_of_a_kernel_is_one_of_kubernetes() -> None:
    container: JsonObject = {"image": "k", "kernelPath": "/k", "imagePullPolicy": "Sometimes"}
    assert causes({"domain": {"firmware": {"kernelBoot": {"container": container}}}}) == [
        ("", "", "spec.domain.firmware.kernelBoot.container.imagePullPolicy in body should be one of "
                 "[Always IfNotPresent Never]"),
    ]  # fmt: skip


def test_everything_wrong_is_told_at_once() -> None:
    found = causes({**disk(cache="unsafe", bootOrder=0), "hostname": "Bad!", "evictionStrategy": "x"})
    assert [field for _, field, _ in found] == [
        "spec.hostname",
        f"{D}.bootOrder",
        f"{D}.cache",
        "spec.evictionStrategy",
    ]


def test_a_gate_lifts_its_refusal() -> None:
    kubevirt: Json = {"spec": {"configuration": {"developerConfiguration": {"featureGates": ["HostDisk"]}}}}
    config = ClusterConfig.of(codec.convert(kubevirt, KubeVirt))
    assert causes(volume(hostDisk={"path": "/a", "type": "Disk"}), config) == []


@pytest.mark.parametrize(
    "manifest", [None, 1, [], {"spec": 1}, {"spec": {"domain": []}}, {"spec": {"volumes": {"a": 1}}}]
)
def test_unreadable_manifests_are_refused(manifest: Json) -> None:
    with pytest.raises(Refused) as told:
        codec.convert(manifest, VirtualMachineInstance)
    assert told.value.remedy


def test_a_default_that_cannot_be_set_is_a_plain_refusal() -> None:
    config = ClusterConfig(default_architecture="amd64", permit_bridge_on_pod_network=False)
    vmi = codec.convert({"metadata": {"name": "a"}, "spec": GOOD}, VirtualMachineInstance)
    admission = admit_vmi(vmi, config)
    assert "bridge interface is not enabled" in admission.verdict.message
    assert (admission.verdict.allowed, admission.verdict.causes, admission.object) == (False, [], vmi)


def test_a_machine_comes_out_with_its_defaults() -> None:
    admission = admit_vm(machine({"spec": {"runStrategy": "Always"}}), CONFIG)
    assert admission.verdict.allowed
    assert admission.object.spec.template.spec.architecture == "amd64"


def test_ten_thousand_disks_are_refused_once_each() -> None:
    disks: list[Json] = [{"name": f"d{i}"} for i in range(10000)]
    assert len(causes(devices(disks=disks) | {"volumes": None})) == 10000


def machine(change: Json) -> VirtualMachine:
    vm: JsonObject = {"metadata": {"name": "a", "namespace": "b"}, "spec": {"template": {"spec": GOOD}}}
    return codec.convert(merge(vm, change), VirtualMachine)


@pytest.mark.parametrize("template", [{}, {"spec": {}}, {"spec": {"domain": {"devices": {}}}}], ids=str)
def test_an_empty_template_is_one_all_the_same(template: JsonObject) -> None:
    given: JsonObject = {"metadata": {"name": "a"}, "spec": {"runStrategy": "Halted", "template": template}}
    vm = default_vm(codec.convert(given, VirtualMachine), CONFIG, create=True)
    assert validate_vm(vm, CONFIG) == []


def test_defaults_make_no_template_where_none_was_given() -> None:
    vm = codec.convert({"spec": {"runStrategy": "Halted"}}, VirtualMachine)
    assert not default_vm(vm, CONFIG, create=True).spec.has_template


@pytest.mark.parametrize(
    ("spec", "reason", "field", "message"),
    [
        ({"template": None}, "Required", "spec.template", "missing virtual machine template."),
        (
            {"running": True, "runStrategy": "Always"},
            "Invalid",
            "spec.running",
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
            "please use RunStrategy instead",
        ),
        ({}, "Required", "spec.running", "RunStrategy must be specified"),
        ({"runStrategy": "Sometimes"}, "Invalid", "spec.runStrategy", "Invalid RunStrategy (Sometimes)"),
        (
            {"running": True, "template": {"spec": disk(disk={"bus": "ide"})}},
            "Invalid",
            "spec.template.spec.domain.devices.disks[0].disk.bus",
            "IDE bus is not supported",
        ),
        (
            {"running": True, "template": {"spec": {"volumes": None}}},
            "Invalid",
            "spec.template.spec.domain.devices.disks[0].name",
            "spec.template.spec.domain.devices.disks[0].Name 'root' not found.",
        ),
        (
            {
                "running": True,
                "dataVolumeTemplates": [
                    {"metadata": {"name": "dv"}, "spec": {"storage": {}, "source": {"blank": {}}}},
                ],
            },
            "Required",
            "spec.dataVolumeTemplate[0]",
            "DataVolumeTemplate entry spec.dataVolumeTemplate[0] must be referenced in the VMI template's "
            "'volumes' list",
        ),
    ],
)
def test_refused_machines(spec: JsonObject, reason: str, field: str, message: str) -> None:
    found = validate_vm(machine({"spec": spec}), CONFIG)
    assert [(c.reason.removeprefix("FieldValue"), c.field, c.message) for c in found] == [(reason, field, message)]


@pytest.mark.parametrize(
    "spec", [{"running": False}, {"runStrategy": "RerunOnFailure"}, {"runStrategy": "WaitAsReceiver"}]
)
def test_admitted_machines(spec: JsonObject) -> None:
    assert validate_vm(machine({"spec": spec}), CONFIG) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runStrategy": "Always", "running": None}, 'Cannot update vm running state until snapshot "s" completes'),
        (
            {"template": {"spec": volume(containerDisk={"image": "other"})}},
            'Cannot update vm disks or volumes until snapshot "s" completes',
        ),
    ],
)
def test_a_machine_stays_as_it_is_while_a_snapshot_is_taken(change: JsonObject, message: str) -> None:
    old = machine({"spec": {"running": False}, "status": {"snapshotInProgress": "s"}})
    new = codec.convert(merge(codec.to_builtins(old), {"spec": change}), VirtualMachine)
    assert [cause.message for cause in validate_vm(new, CONFIG, old=old)] == [message]


def instance(change: JsonObject) -> VirtualMachineInstance:
    return codec.convert(merge({"metadata": {"name": "a"}, "spec": GOOD}, change), VirtualMachineInstance)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"hostname": "other"}}, "update of VMI object is restricted"),
        (
            {"metadata": {"labels": {"kubevirt.io/nodeName": "n"}}},
            "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited",
        ),
        ({"metadata": {"labels": {"mine": "n"}}}, ""),
    ],
)
def test_an_instance_is_changed_by_the_control_plane_only(change: JsonObject, message: str) -> None:
    old, new = instance({}), instance(change)
    assert ", ".join(c.message for c in validate_vmi_update(old, new, CONFIG)) == message
    assert validate_vmi_update(old, new, CONFIG, Sender(account="kubevirt-controller")) == []


def test_reserved_labels_are_for_the_control_plane() -> None:
    labelled = instance({"metadata": {"labels": {"kubevirt.io/nodeName": "n"}}})
    found = validate_vmi_create(labelled, CONFIG)
    assert ("metadata.labels", "FieldValueNotSupported") in [(cause.field, cause.reason) for cause in found]
    assert "metadata.labels" not in [cause.field for cause in validate_vmi_create(labelled, CONFIG, own_account=True)]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"selector": {"matchLabels": {"a": "b"}}}, []),
        ({"selector": {"matchLabels": {"a": "c"}}}, ["spec.selector"]),
        ({"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}, ["spec.selector"]),
        ({"selector": {"matchLabels": {"a": "b"}}, "template": None}, ["spec.template"]),
    ],
)
def test_replica_sets(spec: JsonObject, fields: list[str]) -> None:
    template: JsonObject = {"metadata": {"labels": {"a": "b"}}, "spec": GOOD}
    replicaset = codec.convert({"spec": {"template": template, **spec}}, VirtualMachineInstanceReplicaSet)
    assert [cause.field for cause in validate_replicaset(replicaset, CONFIG)] == fields
