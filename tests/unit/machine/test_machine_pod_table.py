"""The launcher pod, row by row: each field's value, each volume's source and place. Decisions are tested elsewhere."""

from __future__ import annotations

import pytest
from machine_samples import UID, disk, pod_context, vmi, with_disks

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.machine.pod import launcher_pod


def config(**configuration: Json) -> ClusterConfig:
    return ClusterConfig.of(codec.convert({"spec": {"configuration": configuration}}, KubeVirt))


def listed(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


TOLERATION: JsonObject = {"key": "gpu", "operator": "Exists"}
SPREAD: JsonObject = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
ISTIO: JsonObject = {"annotations": {"sidecar.istio.io/inject": "true"}}
ACCOUNT: list[Json] = [{"name": "sa", "serviceAccount": {"serviceAccountName": "robot"}}]
ROWS: dict[str, tuple[VirtualMachineInstance, ClusterConfig, tuple[str | int, ...], Json]] = {
    "generated name": (vmi(), config(), ("metadata", "generateName"), "virt-launcher-guest-"),
    "owner: kind": (vmi(), config(), ("metadata", "ownerReferences", 0, "kind"), "VirtualMachineInstance"),
    "owner: controller": (vmi(), config(), ("metadata", "ownerReferences", 0, "controller"), True),
    "owner: waits for the pod": (vmi(), config(), ("metadata", "ownerReferences", 0, "blockOwnerDeletion"), True),
    "label: what it is": (vmi(), config(), ("metadata", "labels", "kubevirt.io"), "virt-launcher"),
    "label: whose": (vmi(), config(), ("metadata", "labels", "kubevirt.io/created-by"), UID),
    "label: the VMI's own": (vmi(metadata={"labels": {"app": "x"}}), config(), ("metadata", "labels", "app"), "x"),
    "label: Istio": (vmi(metadata=ISTIO), config(), ("metadata", "labels", "sidecar.istio.io/inject"), "true"),
    "annotation: domain": (vmi(), config(), ("metadata", "annotations", "kubevirt.io/domain"), "guest"),
    "annotation: default container": (
        vmi(), config(), ("metadata", "annotations", "kubectl.kubernetes.io/default-container"), "compute"),
    "annotation: migration transport": (
        vmi(), config(), ("metadata", "annotations", "kubevirt.io/migrationTransportUnix"), "true"),
    "annotation: evictions only": (
        vmi(), config(), ("metadata", "annotations", "descheduler.alpha.kubernetes.io/request-evict-only"), ""),
    "annotation: Istio takes the bridge": (
        vmi(), config(), ("metadata", "annotations", "traffic.sidecar.istio.io/kubevirtInterfaces"), "k6t-eth0"),
    "annotation: and reroutes it": (
        vmi(), config(), ("metadata", "annotations", "istio.io/reroute-virtual-interfaces"), "k6t-eth0"),
    "annotation: default network": (
        vmi({"networks": [{"name": "default", "multus": {"networkName": "red", "default": True}}]}), config(),
        ("metadata", "annotations", "v1.multus-cni.io/default-network"), "red"),
    "hostname": (vmi({"hostname": "mail"}), config(), ("spec", "hostname"), "mail"),
    "hostname: up to the first dot": (vmi(metadata={"name": "a.b"}), config(), ("spec", "hostname"), "a"),
    "hostname: not too long": (vmi(metadata={"name": "x" * 70}), config(), ("spec", "hostname"), "x" * 63),
    "subdomain": (vmi({"subdomain": "mail"}), config(), ("spec", "subdomain"), "mail"),
    "DNS policy": (vmi({"dnsPolicy": "None"}), config(), ("spec", "dnsPolicy"), "None"),
    "DNS servers": (vmi({"dnsConfig": {"nameservers": ["1.1.1.1"]}}), config(), ("spec", "dnsConfig"),
                    {"nameservers": ["1.1.1.1"]}),
    "scheduler": (vmi({"schedulerName": "mine"}), config(), ("spec", "schedulerName"), "mine"),
    "tolerations": (vmi({"tolerations": [TOLERATION]}), config(), ("spec", "tolerations"), [TOLERATION]),
    "spread": (vmi({"topologySpreadConstraints": [SPREAD]}), config(), ("spec", "topologySpreadConstraints"), [SPREAD]),
    "priority": (vmi({"priorityClassName": "high"}), config(), ("spec", "priorityClassName"), "high"),
    "never restarted": (vmi(), config(), ("spec", "restartPolicy"), "Never"),
    "no service links": (vmi(), config(), ("spec", "enableServiceLinks"), False),
    "readiness gate": (vmi(), config(), ("spec", "readinessGates"),
                       [{"conditionType": "kubevirt.io/virtual-machine-unpaused"}]),
    "runtime class": (vmi(), config(defaultRuntimeClass="kata"), ("spec", "runtimeClassName"), "kata"),
    "no token": (vmi(), config(), ("spec", "automountServiceAccountToken"), False),
    "a token for a volume": (vmi({"volumes": ACCOUNT}), config(), ("spec", "automountServiceAccountToken"), True),
    "a token for Istio": (vmi(metadata=ISTIO), config(), ("spec", "automountServiceAccountToken"), True),
    "account of a volume": (vmi({"volumes": ACCOUNT}), config(), ("spec", "serviceAccountName"), "robot"),
    "account by name": (vmi({"volumes": ACCOUNT, "serviceAccountName": "me"}), config(), ("spec", "serviceAccountName"),
                        "me"),
    "group of files": (vmi(), config(), ("spec", "securityContext", "fsGroup"), 107),
    "SELinux type": (vmi(), config(selinuxLauncherType="virt.process"),
                     ("spec", "securityContext", "seLinuxOptions", "type"), "virt.process"),
    "claims of resources": (vmi({"resourceClaims": [{"name": "gpu", "resourceClaimName": "c"}]}), config(),
                            ("spec", "resourceClaims"), [{"name": "gpu", "resourceClaimName": "c"}]),
    "nodes of the cluster's choice": (vmi(), config(developerConfiguration={"nodeSelectors": {"zone": "a"}}),
                                      ("spec", "nodeSelector", "zone"), "a"),
    "compute: end told by its log": (vmi(), config(), ("spec", "containers", 0, "terminationMessagePolicy"),
                                     "FallbackToLogsOnError"),
    "compute: what it may do": (
        vmi(), config(), ("spec", "containers", 0, "securityContext", "capabilities"),
        {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}),
    "compute: no escalation": (
        vmi(), config(), ("spec", "containers", 0, "securityContext", "allowPrivilegeEscalation"), False),
    "compute: ports": (
        vmi(devices={"interfaces": [{"name": "default", "masquerade": {}, "ports": [{"port": 80, "name": "web"}]}]}),
        config(), ("spec", "containers", 0, "ports"), [{"containerPort": 80, "protocol": "TCP", "name": "web"}]),
}


@pytest.mark.parametrize(("machine", "settings", "path", "value"), ROWS.values(), ids=ROWS)
def test_template(machine: VirtualMachineInstance, settings: ClusterConfig, path: tuple[str | int, ...], value: Json,
                  ) -> None:
    assert dig(launcher_pod(machine, pod_context(config=settings)), *path) == value


HYPERV = ("vpindex", "runtime", "reset", "synic", "synictimer", "frequencies", "reenlightenment", "tlbflush", "ipi")
FEATURES: JsonObject = {"hyperv": {name: {"enabled": True} for name in (*HYPERV, "evmcs")}}
STRICT: JsonObject = {"developerConfiguration": {"featureGates": ["HypervStrictCheck"]}}
NODE_LABELS: dict[str, tuple[VirtualMachineInstance, ClusterConfig, list[str]]] = {
    "any node that takes guests": (vmi(), config(), ["kubevirt.io/schedulable"]),
    "a model": (vmi(domain={"cpu": {"model": "Haswell"}}), config(), ["cpu-model.node.kubevirt.io/Haswell"]),
    "a feature": (vmi(domain={"cpu": {"features": [{"name": "aes", "policy": "require"}]}}), config(),
                  ["cpu-feature.node.kubevirt.io/aes"]),
    "a board": (vmi(), config(), ["machine-type.node.kubevirt.io/q35"]),
    "CPUs of its own": (vmi(domain={"cpu": {"dedicatedCpuPlacement": True}}), config(), ["kubevirt.io/cpumanager"]),
    "real time": (vmi(domain={"cpu": {"realtime": {}}}), config(), ["kubevirt.io/realtime"]),
    "SEV": (vmi(domain={"launchSecurity": {"sev": {}}}), config(), ["kubevirt.io/sev"]),
    "SEV-ES": (vmi(domain={"launchSecurity": {"sev": {"policy": {"encryptedState": True}}}}), config(),
               ["kubevirt.io/sev-es"]),
    "SEV-SNP": (vmi(domain={"launchSecurity": {"snp": {}}}), config(), ["kubevirt.io/sev-snp"]),
    "TDX": (vmi(domain={"launchSecurity": {"tdx": {}}}), config(), ["kubevirt.io/tdx"]),
    "a time stamp counter": (
        vmi(domain={"cpu": {"features": [{"name": "invtsc"}]}}, status={"topologyHints": {"tscFrequency": 2000}}),
        config(), ["scheduling.node.kubevirt.io/tsc-frequency-2000"]),
    "Hyper-V": (vmi(domain={"features": FEATURES}), config(**STRICT), [
        *(f"hyperv.node.kubevirt.io/{name}" for name in HYPERV),
        "cpu-vendor.node.kubevirt.io/Intel"]),
}


@pytest.mark.parametrize(("machine", "settings", "labels"), NODE_LABELS.values(), ids=NODE_LABELS)
def test_labels_that_a_node_must_have(
    machine: VirtualMachineInstance, settings: ClusterConfig, labels: list[str]
) -> None:
    found = dig(launcher_pod(machine, pod_context(config=settings)), "spec", "nodeSelector")
    assert isinstance(found, dict)
    assert {label: found.get(label) for label in labels} == dict.fromkeys(labels, "true")


def test_hyperv_is_not_looked_at_unless_the_cluster_wants_it() -> None:
    found = dig(launcher_pod(vmi(domain={"features": FEATURES}), pod_context()), "spec", "nodeSelector")
    assert isinstance(found, dict)
    assert not any(label.startswith("hyperv") for label in found)


PRIVATE = "/var/run/kubevirt-private"
SECRET_DATA: JsonObject = {"secretRef": {"name": "u"}, "networkDataSecretRef": {"name": "n"}}
VOLUMES: dict[str, tuple[VirtualMachineInstance, JsonObject, list[str]]] = {
    "huge pages": (vmi(domain={"memory": {"hugepages": {"pageSize": "2Mi"}}}),
                   {"name": "hugepages", "emptyDir": {"medium": "HugePages"}}, ["/dev/hugepages"]),
    "libvirt's part of them": (vmi(domain={"memory": {"hugepages": {"pageSize": "2Mi"}}}),
                               {"name": "hugetblfs-dir", "emptyDir": {}}, ["/dev/hugepages/libvirt/qemu"]),
    "a claim": (with_disks(disk("d"), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]),
                {"name": "d", "persistentVolumeClaim": {"claimName": "c"}}, [f"{PRIVATE}/vmi-disks/d"]),
    "a DataVolume's claim": (with_disks(disk("d"), volumes=[{"name": "d", "dataVolume": {"name": "c"}}]),
                             {"name": "d", "persistentVolumeClaim": {"claimName": "c"}}, [f"{PRIVATE}/vmi-disks/d"]),
    "a claim that is only read": (
        with_disks(disk("d"), volumes=[
            {"name": "d", "ephemeral": {"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}}]),
        {"name": "d", "persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, [f"{PRIVATE}/vmi-disks/d"]),
    "a file of the node": (
        with_disks(disk("d"), volumes=[{"name": "d", "hostDisk": {"path": "/data/a.img", "type": "Disk"}}]),
        {"name": "d", "hostPath": {"path": "/data", "type": "Directory"}}, [f"{PRIVATE}/vmi-disks/d"]),
    "a file of the node that may be missing": (
        with_disks(disk("d"), volumes=[{"name": "d", "hostDisk": {"path": "/data/a.img", "type": "DiskOrCreate"}}]),
        {"name": "d", "hostPath": {"path": "/data", "type": "DirectoryOrCreate"}}, [f"{PRIVATE}/vmi-disks/d"]),
    "a secret": (with_disks(disk("d"), volumes=[{"name": "d", "secret": {"secretName": "s", "optional": True}}]),
                 {"name": "d", "secret": {"secretName": "s", "optional": True}}, [f"{PRIVATE}/secret/d"]),
    "a config map": (with_disks(disk("d"), volumes=[{"name": "d", "configMap": {"name": "c"}}]),
                     {"name": "d", "configMap": {"name": "c"}}, [f"{PRIVATE}/config-map/d"]),
    "fields of the VMI": (
        with_disks(disk("d"), volumes=[{"name": "d", "downwardAPI": {"fields": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]),
        {"name": "d", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        [f"{PRIVATE}/downwardapi/d"]),
    "answers for Windows' setup": (
        with_disks(disk("d"), volumes=[{"name": "d", "sysprep": {"configMap": {"name": "c"}}}]),
        {"name": "d", "configMap": {"name": "c"}}, [f"{PRIVATE}/sysprep/d"]),
    "which may be secret": (
        with_disks(disk("d"), volumes=[{"name": "d", "sysprep": {"secret": {"name": "s"}}}]),
        {"name": "d", "secret": {"secretName": "s"}}, [f"{PRIVATE}/sysprep/d"]),
    "cloud-init from a secret": (
        with_disks(disk("d"), volumes=[{"name": "d", "cloudInitNoCloud": SECRET_DATA}]),
        {"name": "d-udata", "secret": {"secretName": "u"}},
        [f"{PRIVATE}/secret/d/userdata", f"{PRIVATE}/secret/d/userData"]),
    "and its network": (
        with_disks(disk("d"), volumes=[{"name": "d", "cloudInitConfigDrive": SECRET_DATA}]),
        {"name": "d-ndata", "secret": {"secretName": "n"}},
        [f"{PRIVATE}/secret/d/networkdata", f"{PRIVATE}/secret/d/networkData"]),
    "credentials": (
        vmi({"accessCredentials": [{"userPassword": {"source": {"secret": {"secretName": "p"}},
                                                     "propagationMethod": {"qemuGuestAgent": {}}}}]}),
        {"name": "p-access-cred", "secret": {"secretName": "p"}}, [f"{PRIVATE}/secret/p-access-cred"]),
    "metrics for the guest": (
        with_disks(disk("d"), volumes=[{"name": "d", "downwardMetrics": {}}]),
        {"name": "downward-metrics", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        [f"{PRIVATE}/downwardmetric-disk"]),
    "a shared directory": (
        vmi({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]},
            devices={"filesystems": [{"name": "d", "virtiofs": {}}]}),
        {"name": "virtiofs-containers", "emptyDir": {}}, ["/var/run/kubevirt/virtiofs-containers"]),
    "a kernel": (
        vmi(domain={"firmware": {"kernelBoot": {"container": {"image": "k:1", "kernelPath": "/vmlinuz"}}}}),
        {"name": "kernel-boot", "image": {"reference": "k:1"}}, ["/var/run/kubevirt-kernel-boot"]),
}


@pytest.mark.parametrize(("machine", "volume", "places"), VOLUMES.values(), ids=VOLUMES)
def test_volumes(machine: VirtualMachineInstance, volume: JsonObject, places: list[str]) -> None:
    found = launcher_pod(machine, pod_context())
    assert volume in listed(dig(found, "spec", "volumes"))
    mounted = listed(dig(found, "spec", "containers", 0, "volumeMounts"))
    assert [dig(m, "mountPath") for m in mounted if dig(m, "name") == volume["name"]] == places


def test_the_server_of_a_service_account_gives_its_files_to_the_guests_root() -> None:
    machine = vmi({"volumes": ACCOUNT}, devices={"filesystems": [{"name": "sa", "virtiofs": {}}]})
    server = listed(dig(launcher_pod(machine, pod_context()), "spec", "containers"))[-1]
    assert listed(dig(server, "args")) == [
        "--socket-path=/var/run/kubevirt/virtiofs-containers/sa.sock",
        "--shared-dir=/var/run/secrets/kubernetes.io/serviceaccount", "--sandbox=none", "--cache=auto",
        "--migration-on-error=guest-error", "--migration-mode=find-paths", "--translate-uid=host:107:0:1"]


@pytest.mark.parametrize(("labels", "name", "value"), [
    pytest.param({}, "XDG_CACHE_HOME", PRIVATE, id="where caches go"),
    pytest.param({}, "XDG_CONFIG_HOME", PRIVATE, id="where settings are"),
    pytest.param({}, "XDG_RUNTIME_DIR", "/var/run", id="where sockets are"),
    pytest.param({"logVerbosity": "5"}, "VIRT_LAUNCHER_LOG_VERBOSITY", "5", id="how much is logged"),
    pytest.param({"debugLogs": "true"}, "LIBVIRT_DEBUG_LOGS", "1", id="libvirt's own log"),
])
def test_environment(labels: JsonObject, name: str, value: str) -> None:
    found = launcher_pod(vmi(metadata={"labels": labels}), pod_context())
    entries = listed(dig(found, "spec", "containers", 0, "env"))
    assert [dig(e, "value") for e in entries if dig(e, "name") == name] == [value]


def test_memory_beside_the_guests_is_told_on_the_pod() -> None:
    size = dig(launcher_pod(vmi(), pod_context()), "metadata", "annotations", "kubevirt.io/memory-overhead-bytes")
    assert int(str(size)) > 0
