"""What is filled in on creation. That the result is valid is tested in test_api_validation."""

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults import default_vm, default_vmi
from kubevirt.api.defaults.hotplug import memory_hotplug_obstacle
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kit.quantity import Quantity

PLAIN = ClusterConfig(default_architecture="amd64")


def configured(configuration: JsonObject) -> ClusterConfig:
    kubevirt: Json = {"spec": {"configuration": configuration}, "status": {"defaultArchitecture": "amd64"}}
    return ClusterConfig.of(codec.convert(kubevirt, KubeVirt))


def instance(spec: JsonObject) -> VirtualMachineInstance:
    return codec.convert({"metadata": {"name": "a"}, "spec": spec}, VirtualMachineInstance)


def defaulted(spec: JsonObject, config: ClusterConfig = PLAIN) -> JsonObject:
    return codec.to_builtins(default_vmi(instance(spec), config, make_uuid=lambda: "made"))


def memory(amount: str) -> JsonObject:
    return {"domain": {"devices": {}, "resources": {"requests": {"memory": amount}}}}


def test_a_bare_instance() -> None:
    given = instance(memory("64M"))
    before = codec.encode(given)
    made = defaulted(memory("64M"))
    assert made["spec"] == {
        "architecture": "amd64",
        "domain": {
            "cpu": {"cores": 1, "sockets": 1, "threads": 1, "maxSockets": 4, "model": "host-model"},
            "devices": {"interfaces": [{"name": "default", "bridge": {}}]},
            "features": {"acpi": {"enabled": True}},
            "firmware": {"uuid": "made"},
            "machine": {"type": "q35"},
            "memory": {"guest": "64M"},
            "resources": {"requests": {"memory": "64M"}},
        },
        "evictionStrategy": "None",
        "networks": [{"name": "default", "pod": {}}],
    }
    assert made["status"] == {
        "phase": "Pending",
        "runtimeUser": 107,
        "currentCPUTopology": {"cores": 1, "sockets": 1, "threads": 1},
        "memory": {"guestAtBoot": "64M", "guestCurrent": "64M", "guestRequested": "64M"},
    }
    assert dig(made, "metadata", "finalizers") == ["kubevirt.io/foregroundDeleteVirtualMachine"]
    assert dig(made, "metadata", "annotations") == {"kubevirt.io/pci-topology-version": "v3"}
    default_vmi(given, PLAIN)
    assert codec.encode(given) == before, "the given object is left alone"


def test_defaults_of_defaults_change_nothing() -> None:
    once = default_vmi(instance(memory("2Gi")), PLAIN)
    assert default_vmi(once, PLAIN) == once


@pytest.mark.parametrize(
    ("domain", "path", "expected"),
    [
        pytest.param({"resources": {"limits": {"cpu": "3"}}}, ("resources", "requests", "cpu"), "3", id="limit only"),
        pytest.param({"resources": {"limits": {"cpu": "2500m"}}}, ("cpu", "sockets"), 3, id="a share is rounded up"),
        pytest.param({"cpu": {"cores": 2}}, ("cpu", "sockets"), None, id="a given topology is kept"),
        pytest.param({"cpu": {"model": "host-passthrough"}}, ("cpu", "model"), "host-passthrough", id="a given model"),
        pytest.param({"cpu": {"sockets": 200}}, ("cpu", "maxSockets"), 800, id="no cores, no limit"),
        pytest.param({"cpu": {"sockets": 200, "cores": 1, "threads": 1}}, ("cpu", "maxSockets"), 512, id="at most 512"),
        pytest.param({"memory": {"guest": "1Gi"}}, ("memory", "maxGuest"), "4Gi", id="memory can be plugged in"),
        pytest.param({"memory": {"guest": "512Mi"}}, ("memory", "maxGuest"), None, id="too small to plug memory in"),
        pytest.param({"memory": {"hugepages": {"pageSize": "2Mi"}}}, ("memory", "guest"), "2Mi", id="a page at least"),
        pytest.param({"resources": {"limits": {"memory": "1G"}}}, ("memory", "guest"), "1G", id="from the limit"),
        pytest.param({"machine": {"type": ""}}, ("machine", "type"), "q35", id="an empty machine type is none"),
        pytest.param({"features": {"smm": {}}}, ("features", "smm"), {"enabled": True}, id="named means on"),
        pytest.param({"features": {"apic": {"enabled": False}}}, ("features", "apic"), {"enabled": False}, id="off"),
        pytest.param({"features": {"smm": {}}}, ("features", "acpi"), {"enabled": True}, id="ACPI is always on"),
        pytest.param({"clock": {"timer": {"rtc": {}}}}, ("clock", "timer", "rtc"), {"present": True}, id="timers"),
        pytest.param(
            {"features": {"hyperv": {"synictimer": {"direct": {}}}}},
            ("features", "hyperv"),
            {
                "synictimer": {"enabled": True, "direct": {"enabled": True}},
                "synic": {"enabled": True},
                "vpindex": {"enabled": True},
            },
            id="enlightenments bring what they need",
        ),
        pytest.param(
            {"features": {"hyperv": {"evmcs": {}}}},
            ("cpu", "features"),
            [{"name": "vmx", "policy": "require"}],
            id="evmcs needs vmx",
        ),
        pytest.param(
            {"features": {"hyperv": {"spinlocks": {}}}},
            ("features", "hyperv", "spinlocks"),
            {"enabled": True, "spinlocks": 4096},
            id="spinlock retries",
        ),
        pytest.param(
            {"devices": {"watchdog": {"name": "w"}}},
            ("devices", "watchdog"),
            {"name": "w", "i6300esb": {"action": "reset"}},
            id="the watchdog of the architecture",
        ),
        pytest.param(
            {"devices": {"inputs": [{"name": "t"}]}},
            ("devices", "inputs"),
            [{"name": "t", "type": "tablet", "bus": "usb"}],
            id="a tablet",
        ),
    ],
)
def test_parts_of_the_domain(domain: JsonObject, path: tuple[str, ...], expected: Json) -> None:
    assert dig(defaulted({"domain": {"devices": {}, **domain}}), "spec", "domain", *path) == expected


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        ({}, {"disk": {"bus": "sata"}}),
        ({"disk": {"bus": "virtio"}}, {"disk": {"bus": "virtio"}}),
        ({"cdrom": {}}, {"cdrom": {"bus": "sata", "readonly": True, "tray": "closed"}}),
        ({"cdrom": {"readonly": False}}, {"cdrom": {"bus": "sata", "readonly": False, "tray": "closed"}}),
        ({"lun": {}}, {"lun": {"bus": "sata"}}),
    ],
)
def test_disks(disk: JsonObject, expected: JsonObject) -> None:
    made = defaulted({"domain": {"devices": {"disks": [{"name": "a", **disk}]}}})
    assert dig(made, "spec", "domain", "devices", "disks") == [{"name": "a", **expected}]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("cirros", "Always"),
        ("cirros:latest", "Always"),
        ("registry:5000/cirros", "Always"),
        ("cirros:1.0", "IfNotPresent"),
        ("registry:5000/cirros:1.0", "IfNotPresent"),
        ("cirros@sha256:0123", "IfNotPresent"),
    ],
)
def test_pull_policy_of_container_disks(image: str, policy: str) -> None:
    made = defaulted({"domain": {"devices": {}}, "volumes": [{"name": "a", "containerDisk": {"image": image}}]})
    assert dig(made, "spec", "volumes", 0, "containerDisk", "imagePullPolicy") == policy
    assert dig(made, "spec", "domain", "devices", "disks", 0) == {"name": "a", "disk": {"bus": "sata"}}


@pytest.mark.parametrize(
    "volume",
    [
        pytest.param({"memoryDump": {"claimName": "c"}}, id="a memory dump is not for the guest"),
        pytest.param({"containerPath": {"path": "/a"}}, id="a directory is no disk"),
    ],
)
def test_volumes_that_are_no_disks(volume: JsonObject) -> None:
    made = defaulted({"domain": {"devices": {}}, "volumes": [{"name": "a", **volume}]})
    assert dig(made, "spec", "domain", "devices", "disks") is None


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"domain": {"devices": {"autoattachPodInterface": False}}}, id="not wanted"),
        pytest.param({"domain": {"devices": {}}, "networks": [{"name": "a", "pod": {}}]}, id="networks are given"),
    ],
)
def test_no_interface_is_added(spec: JsonObject) -> None:
    assert dig(defaulted(spec), "spec", "domain", "devices", "interfaces") is None


@pytest.mark.parametrize(
    ("network", "interface"),
    [
        ({"defaultNetworkInterface": "masquerade"}, {"name": "default", "masquerade": {}}),
        ({"defaultNetworkInterface": "bridge"}, {"name": "default", "bridge": {}}),
    ],
)
def test_the_clusters_binding(network: JsonObject, interface: JsonObject) -> None:
    made = defaulted(memory("64M"), configured({"network": network}))
    assert dig(made, "spec", "domain", "devices", "interfaces") == [interface]


@pytest.mark.parametrize(
    ("network", "cause"),
    [
        ({"permitBridgeInterfaceOnPodNetwork": False}, "bridge interface is not enabled in kubevirt-config"),
        ({"defaultNetworkInterface": "slirp"}, "slirp interface is deprecated as of v1.3"),
        ({"defaultNetworkInterface": "string"}, "the cluster's default network binding 'string' is not known"),
    ],
)
def test_a_binding_that_cannot_be_used_is_refused(network: JsonObject, cause: str) -> None:
    with pytest.raises(Refused) as refusal:
        defaulted(memory("64M"), configured({"network": network}))
    assert refusal.value.cause == cause
    assert refusal.value.remedy


def test_probes() -> None:
    probe = dig(defaulted({**memory("64M"), "livenessProbe": {"tcpSocket": {"port": 22}}}), "spec", "livenessProbe")
    assert probe == {
        "tcpSocket": {"port": 22},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_arm64() -> None:
    made = defaulted({**memory("2Gi"), "architecture": "arm64", "volumes": [{"name": "a", "emptyDisk": {}}]})
    assert dig(made, "spec", "domain", "machine", "type") == "virt"
    assert dig(made, "spec", "domain", "cpu", "model") == "host-passthrough"
    assert dig(made, "spec", "domain", "firmware", "bootloader") == {"efi": {"secureBoot": False}}
    assert dig(made, "spec", "domain", "devices", "disks", 0, "disk", "bus") == "virtio"
    assert dig(made, "spec", "domain", "memory", "maxGuest") is None


@pytest.mark.parametrize(
    ("domain", "limit", "obstacle"),
    [
        ({"memory": {"guest": "1Gi"}}, "4Gi", None),
        ({"memory": {"guest": "1Gi"}}, None, "Max guest memory must be configured when memory hotplug is enabled"),
        ({"memory": {"guest": "2Gi"}}, "1Gi", "Guest memory is greater than the configured maxGuest memory"),
        ({"memory": {"guest": "1025Mi"}}, "4Gi", "Guest memory must be 2Mi aligned"),
        ({"memory": {"guest": "1Gi"}}, "1025Mi", "MaxGuest must be 2Mi aligned"),
        ({"memory": {"guest": "1Gi"}, "cpu": {"realtime": {}}}, "4Gi", "not compatible with realtime VMs"),
        ({"memory": {"guest": "1Gi"}, "launchSecurity": {"sev": {}}}, "4Gi", "not compatible with encrypted VMs"),
        ({"memory": {"guest": "512Mi"}}, "4Gi", "only available for VMs with at least 1Gi of guest memory"),
    ],
)
def test_when_memory_can_be_plugged_in(domain: JsonObject, limit: str | None, obstacle: str | None) -> None:
    spec = instance({"domain": domain, "architecture": "amd64"}).spec
    found = memory_hotplug_obstacle(spec, Quantity(limit) if limit else None)
    assert (found or "").endswith(obstacle or "")
    assert (found is None) == (obstacle is None)


def machine(template: JsonObject) -> VirtualMachine:
    return codec.convert({"spec": {"running": False, "template": template}}, VirtualMachine)


def test_a_new_machine_gets_an_identity_and_nothing_that_may_change() -> None:
    made = default_vm(machine({"spec": memory("64M")}), PLAIN, create=True, make_uuid=lambda: "made")
    assert codec.to_builtins(made.spec.template) == {
        "metadata": {"annotations": {"kubevirt.io/pci-topology-version": "v3"}},
        "spec": {
            "architecture": "amd64",
            "domain": {
                "devices": {},
                "firmware": {"uuid": "made", "serial": "made"},
                "machine": {"type": "q35"},
                "resources": {"requests": {"memory": "64M"}},
            },
        },
    }


def test_a_changed_machine_gets_no_new_identity() -> None:
    made = default_vm(machine({"spec": memory("64M")}), PLAIN, create=False)
    assert made.spec.template.spec.domain.firmware is None
    assert made.spec.template.metadata.annotations == {}


def test_a_machine_without_template_is_left_to_validation() -> None:
    vm = VirtualMachine()
    assert default_vm(vm, PLAIN, create=True) == vm
