"""The launcher pod: metadata, scheduling, containers, volumes. Its resources are tested in test_machine_resources."""

import json

import pytest
from machine_samples import UID, disk, pod_context, vmi, with_disks

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.pod import ClaimFacts, launcher_pod


def config(**configuration: Json) -> ClusterConfig:
    return ClusterConfig.of(codec.convert({"spec": {"configuration": configuration}}, KubeVirt))


def pod(machine: VirtualMachineInstance | None = None, **context: object) -> dict[str, Json]:
    return launcher_pod(machine or vmi(), pod_context(**context))


def at(value: Json, *path: str | int) -> Json:
    """A member deep inside; None where there is none."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    return value


def container(found: Json, name: str) -> Json:
    containers = at(found, "spec", "containers")
    assert isinstance(containers, list)
    return next((c for c in containers if at(c, "name") == name), None)


def mounts(found: Json) -> dict[str, Json]:
    listed = at(container(found, "compute"), "volumeMounts")
    assert isinstance(listed, list)
    return {str(at(mount, "name")): at(mount, "mountPath") for mount in listed}


def test_who_it_is_and_whose() -> None:
    found = pod()
    assert at(found, "metadata", "generateName") == "virt-launcher-guest-"
    assert at(found, "metadata", "labels") == {
        "kubevirt.io": "virt-launcher", "kubevirt.io/created-by": UID, "vm.kubevirt.io/name": "guest",
        "vmi.kubevirt.io/id": "guest",
    }
    assert at(found, "metadata", "ownerReferences", 0, "uid") == UID


def test_a_long_name_becomes_a_label_that_is_still_its_own() -> None:
    labels = [at(pod(vmi(metadata={"name": "x" * 70 + end})), "metadata", "labels", "vmi.kubevirt.io/id")
              for end in ("a", "b")]
    assert all(len(str(label)) == 63 for label in labels)
    assert labels[0] != labels[1]


def test_annotations_are_handed_on_except_those_of_kubectl() -> None:
    found = at(pod(vmi(metadata={"annotations": {
        "mine": "1", "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "kubevirt.io/latest-observed-api-version": "v1"}})), "metadata", "annotations")
    assert isinstance(found, dict)
    assert found["mine"] == "1"
    assert found["kubevirt.io/domain"] == "guest"
    assert "kubectl.kubernetes.io/last-applied-configuration" not in found
    assert "kubevirt.io/latest-observed-api-version" not in found


SKIP = {"kubevirt.io/skip-backup-hooks": "true"}


def test_backup_tools_are_told_how_to_freeze_the_guest() -> None:
    found = at(pod(), "metadata", "annotations")
    assert isinstance(found, dict)
    hooks = {key: value for key, value in found.items() if "velero" in key}
    assert hooks == {
        "pre.hook.backup.velero.io/container": "compute",
        "pre.hook.backup.velero.io/command":
            '["/usr/bin/virt-freezer", "--freeze", "--name", "guest", "--namespace", "lab"]',
        "pre.hook.backup.velero.io/timeout": "60s",
        "post.hook.backup.velero.io/container": "compute",
        "post.hook.backup.velero.io/command":
            '["/usr/bin/virt-freezer", "--unfreeze", "--name", "guest", "--namespace", "lab"]',
    }


@pytest.mark.parametrize(("machine", "settings"), [
    pytest.param(vmi(metadata={"annotations": {**SKIP}}), ClusterConfig(), id="by the machine's owner"),
    pytest.param(vmi(), ClusterConfig.of(codec.convert({"metadata": {"annotations": SKIP}}, KubeVirt)),
                 id="by the administrator"),
])
def test_unless_nobody_wants_that(machine: VirtualMachineInstance, settings: ClusterConfig) -> None:
    found = at(pod(machine, config=settings), "metadata", "annotations")
    assert isinstance(found, dict)
    assert not any("velero" in key for key in found)


def test_secondary_networks_are_asked_of_multus() -> None:
    machine = vmi(
        {"networks": [{"name": "default", "pod": {}}, {"name": "red", "multus": {"networkName": "infra/red-net"}},
                      {"name": "gone", "multus": {"networkName": "x"}}]},
        devices={"interfaces": [{"name": "default", "masquerade": {}},
                                {"name": "red", "bridge": {}, "macAddress": "02:00:00:00:00:07"},
                                {"name": "gone", "bridge": {}, "state": "absent"}]},
    )
    annotation = at(pod(machine), "metadata", "annotations", "k8s.v1.cni.cncf.io/networks")
    assert json.loads(str(annotation)) == [
        {"name": "red-net", "namespace": "infra", "mac": "02:00:00:00:00:07", "interface": "podb1f51a511f1"}]


class TestScheduling:
    def test_a_node_that_can_run_this_machine(self) -> None:
        machine = vmi({"nodeSelector": {"disk": "ssd"}}, domain={"cpu": {
            "model": "Haswell", "features": [{"name": "aes"}, {"name": "sse", "policy": "optional"}]}})
        assert at(pod(machine), "spec", "nodeSelector") == {
            "kubevirt.io/schedulable": "true", "kubernetes.io/arch": "amd64", "disk": "ssd",
            "cpu-model.node.kubevirt.io/Haswell": "true", "cpu-feature.node.kubevirt.io/aes": "true",
            "machine-type.node.kubevirt.io/q35": "true",
        }

    def test_every_alternative_of_the_user_gets_our_requirements(self) -> None:
        own: JsonObject = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]} for zone in ("a", "b")]}}}
        machine = vmi({"affinity": own},
                      domain={"cpu": {"features": [{"name": "svm", "policy": "forbid"}]}})
        terms = at(pod(machine), "spec", "affinity", "nodeAffinity",
                   "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
        assert isinstance(terms, list)
        keys = [[at(e, "key") for e in expressions] for term in terms
                if isinstance(expressions := at(term, "matchExpressions"), list)]
        ours = ["node-labeller.kubevirt.io/obsolete-host-model", "cpu-feature.node.kubevirt.io/svm"]
        assert keys == [["zone", *ours]] * 2
        assert machine.spec.affinity is not None
        assert codec.to_builtins(machine.spec.affinity) == own

    def test_reservations_on_one_lun_keep_pods_apart(self) -> None:
        machine = with_disks({"name": "l", "lun": {"bus": "scsi", "reservation": True}},
                             volumes=[{"name": "l", "persistentVolumeClaim": {"claimName": "c"}}])
        found = pod(machine, claims={"c": ClaimFacts(uid="u-1", block=True)})
        assert at(found, "metadata", "labels", "pr.kubevirt.io/u-1") == ""
        term = at(found, "spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution", 0)
        assert at(term, "labelSelector", "matchExpressions", 0, "key") == "pr.kubevirt.io/u-1"


class TestRights:
    def test_nobody_is_root_and_nothing_is_added_that_matters(self) -> None:
        found = pod()
        assert at(found, "spec", "securityContext") == {
            "runAsUser": 107, "runAsGroup": 107, "runAsNonRoot": True, "fsGroup": 107}
        for name in ("compute", "guest-console-log"):
            context = at(container(found, name), "securityContext")
            assert at(context, "allowPrivilegeEscalation") is False
            assert at(context, "capabilities", "drop") == ["ALL"]

    def test_a_token_only_for_those_who_asked_for_a_service_account(self) -> None:
        assert at(pod(), "spec", "automountServiceAccountToken") is False
        machine = with_disks(disk("sa"), volumes=[{"name": "sa", "serviceAccount": {"serviceAccountName": "robot"}}])
        assert at(pod(machine), "spec", "automountServiceAccountToken") is True
        assert at(pod(machine), "spec", "serviceAccountName") == "robot"

    @pytest.mark.parametrize(("custom", "expected"), [
        pytest.param({"runtimeDefaultProfile": True}, {"type": "RuntimeDefault"}, id="the runtime's"),
        pytest.param({"localhostProfile": "kubevirt.json"},
                     {"type": "Localhost", "localhostProfile": "kubevirt.json"}, id="of the node"),
    ])
    def test_seccomp(self, custom: JsonObject, expected: JsonObject) -> None:
        found = pod(config=config(seccompConfiguration={"virtualMachineInstanceProfile": {"customProfile": custom}}))
        assert at(found, "spec", "securityContext", "seccompProfile") == expected


class TestContainers:
    def test_compute_is_first_and_there_are_no_init_containers(self) -> None:
        found = pod()
        # JSON as far as mypy knows: here it is a list.
        assert [at(c, "name") for c in at(found, "spec", "containers") or []] == ["compute", "guest-console-log"]  # type: ignore[union-attr]
        assert at(found, "spec", "initContainers") is None

    @pytest.mark.parametrize(("context", "allowed"), [
        pytest.param({}, False, id="KVM only"),
        pytest.param({"kvm_in_cluster": False}, True, id="no node has KVM"),
        pytest.param({"config": config(developerConfiguration={"useEmulation": True})}, True, id="the administrator"),
    ])
    def test_emulation(self, context: dict[str, object], allowed: bool) -> None:
        arguments = at(container(pod(vmi(), **context), "compute"), "args")
        assert isinstance(arguments, list)
        assert ("--allow-emulation" in arguments) == allowed

    @pytest.mark.parametrize(("devices", "configuration", "there"), [
        pytest.param({}, {}, True, id="there by default"),
        pytest.param({"autoattachSerialConsole": False}, {}, False, id="no console, no log"),
        pytest.param({"logSerialConsole": False}, {}, False, id="turned off here"),
        pytest.param({}, {"virtualMachineOptions": {"disableSerialConsoleLog": {}}}, False, id="turned off everywhere"),
    ])
    def test_console_log(self, devices: JsonObject, configuration: JsonObject, there: bool) -> None:
        found = container(pod(vmi(devices=devices), config=config(**configuration)), "guest-console-log")
        assert (found is not None) == there

    @pytest.mark.parametrize(("grace", "pod_s", "launcher_s"), [
        pytest.param(None, 60, "45", id="by default"),
        pytest.param(0, 30, "15", id="none"),
        pytest.param(120, 150, "135", id="long"),
    ])
    def test_grace(self, grace: int | None, pod_s: int, launcher_s: str) -> None:
        found = pod(vmi({"terminationGracePeriodSeconds": grace}))
        arguments = at(container(found, "compute"), "args")
        assert isinstance(arguments, list)
        assert at(found, "spec", "terminationGracePeriodSeconds") == pod_s
        assert arguments[arguments.index("--grace-period-seconds") + 1] == launcher_s

    def test_a_shared_directory_has_a_server(self) -> None:
        machine = vmi({"volumes": [{"name": "src", "persistentVolumeClaim": {"claimName": "c"}}]},
                      devices={"filesystems": [{"name": "src", "virtiofs": {}}]})
        server = container(pod(machine), "virtiofs-src")
        assert "--shared-dir=/src" in (at(server, "args") or [])  # type: ignore[operator]  # a list here


class TestProbes:
    def test_over_the_network_as_it_is(self) -> None:
        machine = vmi({"readinessProbe": {"tcpSocket": {"port": 22}, "initialDelaySeconds": 5}})
        assert at(container(pod(machine), "compute"), "readinessProbe") == {
            "tcpSocket": {"port": 22}, "initialDelaySeconds": 15, "timeoutSeconds": 1, "periodSeconds": 10,
            "successThreshold": 1, "failureThreshold": 3}

    def test_inside_the_guest_through_its_agent(self) -> None:
        machine = vmi({"livenessProbe": {"exec": {"command": ["cat", "/ok"]}, "timeoutSeconds": 5}})
        probe = at(container(pod(machine), "compute"), "livenessProbe")
        assert at(probe, "exec", "command") == [
            "virt-probe", "--domainName", "lab_guest", "--timeoutSeconds", "5", "--command", "cat", "--", "/ok"]
        assert at(probe, "timeoutSeconds") == 6

    def test_ping(self) -> None:
        probe = at(container(pod(vmi({"livenessProbe": {"guestAgentPing": {}}})), "compute"), "livenessProbe")
        assert at(probe, "exec", "command", 5) == "--guestAgentPing"
        assert at(probe, "guestAgentPing") is None


class TestVolumes:
    def test_scratch_space(self) -> None:
        assert mounts(pod()) == {
            "private": "/var/run/kubevirt-private", "public": "/var/run/kubevirt",
            "sockets": "/var/run/kubevirt/sockets", "libvirt-runtime": "/var/run/libvirt",
            "ephemeral-disks": "/var/run/kubevirt-ephemeral-disks"}

    def test_a_container_disk_is_an_image_volume(self) -> None:
        machine = with_disks(disk("root"), volumes=[
            {"name": "other", "emptyDisk": {"capacity": "1Gi"}},
            {"name": "root", "containerDisk": {"image": "quay.example/os:1", "imagePullSecret": "pull",
                                               "imagePullPolicy": "Always"}}])
        found = pod(machine, image_pull_secrets=["cluster", "pull"])
        volumes = at(found, "spec", "volumes")
        # JSON as far as mypy knows: here it is a list.
        assert {"name": "root", "image": {"reference": "quay.example/os:1", "pullPolicy": "Always"}} in (volumes or [])  # type: ignore[operator]
        assert mounts(found)["root"] == "/var/run/kubevirt-image-volume/disk_1"
        assert at(found, "spec", "imagePullSecrets") == [{"name": "pull"}, {"name": "cluster"}]

    @pytest.mark.parametrize("block", [False, True])
    def test_claims(self, block: bool) -> None:
        machine = with_disks(disk("d"), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}])
        found = pod(machine, claims={"c": ClaimFacts(block=block)})
        devices = at(container(found, "compute"), "volumeDevices")
        assert devices == ([{"name": "d", "devicePath": "/dev/d"}] if block else None)
        assert ("d" in mounts(found)) != block

    def test_hotpluggable_claims_are_not_part_of_the_pod(self) -> None:
        machine = with_disks(disk("d"), volumes=[
            {"name": "d", "dataVolume": {"name": "c", "hotpluggable": True}}])
        assert "d" not in mounts(pod(machine))

    def test_a_volume_may_be_called_like_one_of_ours(self) -> None:
        claim: JsonObject = {"persistentVolumeClaim": {"claimName": "c"}}
        machine = with_disks(disk("private"), volumes=[{"name": "private", **claim}])
        assert mounts(pod(machine))["private-volume"] == "/var/run/kubevirt-private/vmi-disks/private"

    def test_secrets_of_cloud_init_and_credentials(self) -> None:
        machine = with_disks(
            disk("ci"), volumes=[{"name": "ci", "cloudInitNoCloud": {"secretRef": {"name": "u"}}}],
            spec={"accessCredentials": [{"sshPublicKey": {
                "source": {"secret": {"secretName": "keys"}}, "propagationMethod": {"noCloud": {}}}}] * 2})
        found = mounts(pod(machine))
        assert found["ci-udata"] == "/var/run/kubevirt-private/secret/ci/userData"
        assert found["keys-access-cred"] == "/var/run/kubevirt-private/secret/keys-access-cred"

    def test_small_data_is_mounted_only_when_it_is_a_disk(self) -> None:
        volumes: list[Json] = [{"name": "cm", "configMap": {"name": "c"}}]
        assert "cm" not in mounts(pod(vmi({"volumes": volumes})))
        assert mounts(pod(with_disks(disk("cm"), volumes=volumes)))["cm"] == "/var/run/kubevirt-private/config-map/cm"
