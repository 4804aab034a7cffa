"""Instance types and preferences as a user meets them: a machine that has both, its expanded form, what is refused,
what happens when they change, and the end. Every field and rule is tested as a table in tests/unit/api.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import machine
from tests.e2e.harness import Cluster, console, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
GROUP = "instancetype.kubevirt.io/v1beta1"
NAME = "sized"
SIZE = {"cpu": {"guest": 2}, "memory": {"guest": "96Mi"}, "annotations": {"size": "small"}}
CLUSTER_NAMES = ("e2e-instancetypes-large", "e2e-instancetypes-linux")
LARGE, LINUX = CLUSTER_NAMES
LIKED = {
    "cpu": {"preferredCPUTopology": "cores"},
    "devices": {"preferredDiskBus": "virtio", "preferredInterfaceMasquerade": {}},
    "requirements": {"cpu": {"guest": 2}},
}
KINDS = ("virtualmachineclusterinstancetypes", "virtualmachineclusterpreferences")


def offer(kind: str, name: str, spec: dict[str, Any]) -> str:
    return as_json({"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec})


def sized(name: str = NAME, *, strategy: str = "Always", **domain: Any) -> dict[str, Any]:
    """A machine that leaves size, bus and binding to what it names."""
    made = vm(
        name,
        runStrategy=strategy,
        instancetype={"name": "small", "kind": "VirtualMachineInstancetype"},
        preference={"name": LINUX},
    )
    spec = made["spec"]["template"]["spec"]
    spec["domain"] = {"devices": {"interfaces": [{"name": "default"}]}, **domain}
    return made


def expanded(cluster: Cluster, name: str) -> dict[str, Any]:
    path = f"/apis/subresources.kubevirt.io/v1/namespaces/{cluster.namespace}/virtualmachines/{name}/expand-spec"
    answer: dict[str, Any] = json.loads(cluster.kubectl("get", "--raw", path).ok().out)
    return answer


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Iterator[Cluster]:
    """A namespace with an instance type and a preference, and a running machine that names them."""
    namespace.apply(offer("VirtualMachineInstancetype", "small", SIZE)).ok()
    namespace.apply(offer("VirtualMachinePreference", "linux", LIKED)).ok()
    namespace.apply(offer("VirtualMachineClusterInstancetype", LARGE, {**SIZE, "cpu": {"guest": 4}})).ok()
    namespace.apply(offer("VirtualMachineClusterPreference", LINUX, LIKED)).ok()
    namespace.apply(as_json(sized())).ok()
    yield namespace
    for kind, name in zip(KINDS, CLUSTER_NAMES, strict=True):
        namespace.kubectl("delete", kind, name, "--ignore-not-found").ok()


def test_the_guest_is_what_its_instance_type_and_preference_say(cluster: Cluster) -> None:
    instance = cluster.wait_phase(NAME, "Running")
    annotations, domain = instance["metadata"]["annotations"], instance["spec"]["domain"]
    assert annotations["kubevirt.io/instancetype-name"] == "small"
    assert annotations["kubevirt.io/cluster-preference-name"] == LINUX
    assert annotations["size"] == "small"
    assert (domain["cpu"]["cores"], domain["cpu"]["sockets"], domain["memory"]["guest"]) == (2, 1, "96Mi")
    assert domain["devices"]["disks"] == [{"name": "containerdisk", "disk": {"bus": "virtio"}}]
    assert domain["devices"]["interfaces"][0]["masquerade"] == {}
    with console(cluster, NAME) as opened:
        opened.log_in()
        shown = opened.command("echo cpus=$(grep -c ^processor /proc/cpuinfo); ls -d /sys/block/vda")
    assert "cpus=2" in shown
    assert "/sys/block/vda" in shown


def test_the_machine_itself_stays_as_it_was_written(cluster: Cluster) -> None:
    found = cluster.get("vm", NAME)
    assert found["spec"]["preference"] == {"name": LINUX, "kind": "virtualmachineclusterpreference"}
    assert found["spec"]["template"]["spec"]["domain"].keys().isdisjoint({"cpu", "memory"})


def revisions(cluster: Cluster) -> dict[str, Any]:
    """The copies that belong to the machine, by the name of what they are copies of."""
    found = cluster.objects("controllerrevisions", "-l", "instancetype.kubevirt.io/object-name")
    return {r["metadata"]["labels"]["instancetype.kubevirt.io/object-name"]: r for r in found
            if r["metadata"]["ownerReferences"][0]["name"] == NAME}


def test_copies_are_kept_and_told(cluster: Cluster) -> None:
    def told() -> bool:
        copies = revisions(cluster)
        status = cluster.get("vm", NAME)["status"]
        assert set(copies) == {"small", LINUX}
        for ref, name in (("instancetypeRef", "small"), ("preferenceRef", LINUX)):
            assert status[ref]["name"] == name
            assert status[ref]["controllerRevisionRef"]["name"] == copies[name]["metadata"]["name"]
        return True

    eventually("the status to tell of both copies", told)


def test_expand_spec_gives_the_machine_without_references(cluster: Cluster) -> None:
    spec = expanded(cluster, NAME)["spec"]
    domain = spec["template"]["spec"]["domain"]
    assert spec.keys().isdisjoint({"instancetype", "preference"})
    assert (domain["cpu"]["cores"], domain["memory"]["guest"]) == (2, "96Mi")
    absent = f"/apis/subresources.kubevirt.io/v1/namespaces/{cluster.namespace}/virtualmachines/none/expand-spec"
    refused = cluster.kubectl("get", "--raw", absent)
    assert 'virtualmachine.kubevirt.io "none" not found' in refused.err


def put(cluster: Cluster, body: str) -> tuple[int, str]:
    path = f"/apis/subresources.kubevirt.io/v1/namespaces/{cluster.namespace}/expand-vm-spec"
    answer = cluster.kubectl("replace", "--raw", path, "-f", "-", stdin=body)
    return answer.code, answer.out + answer.err


def test_a_machine_is_expanded_before_it_is_stored(cluster: Cluster) -> None:
    code, answer = put(cluster, as_json(sized("never")))
    assert code == 0, answer
    assert json.loads(answer)["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] == 2
    assert cluster.get("vm", "never") is None
    elsewhere = sized("never")
    elsewhere["metadata"]["namespace"] = "elsewhere"
    for body, message in (
        (as_json(elsewhere), f"VM namespace must be empty or {cluster.namespace}"),
        (as_json({"kind": "VirtualMachine", "spec": {}}), "Object is not a valid VirtualMachine"),
        (as_json(sized("never", cpu={"cores": 2})), "VM field(s) spec.template.spec.domain.cpu.cores conflicts"),
    ):
        code, answer = put(cluster, body)
        assert code != 0
        assert message in answer


def refusal(cluster: Cluster, manifest: dict[str, Any]) -> str:
    answer = cluster.apply(as_json(manifest))
    assert answer.code != 0
    return answer.err


def test_what_does_not_fit_is_refused_with_its_path(cluster: Cluster) -> None:
    path = "spec.template.spec.domain.memory.guest"
    message = refusal(cluster, sized("wrong", strategy="Halted", memory={"guest": "1Gi"}))
    assert f"VM field(s) {path} conflicts with selected instance type" in message
    missing = sized("wrong", strategy="Halted")
    missing["spec"]["instancetype"]["name"] = "none"
    expected = 'Failure to find instancetype: virtualmachineinstancetypes.instancetype.kubevirt.io "none" not found'
    assert expected in refusal(cluster, missing)
    nameless = copy.deepcopy(missing)
    nameless["spec"]["preference"] = {}
    assert "Either Name or InferFromVolume should be provided within the PreferenceMatcher" in refusal(
        cluster, nameless)
    demanding = {**LIKED, "requirements": {"cpu": {"guest": 64}}}
    cluster.apply(offer("VirtualMachinePreference", "demanding", demanding)).ok()
    needy = sized("wrong", strategy="Halted")
    needy["spec"]["preference"] = {"name": "demanding", "kind": "VirtualMachinePreference"}
    assert "insufficient CPU resources of 2 vCPU provided by instance type, preference requires 64 vCPU" in refusal(
        cluster, needy)


def test_a_volume_names_both_for_its_machine(cluster: Cluster) -> None:
    labels = {
        "instancetype.kubevirt.io/default-instancetype": LARGE,
        "instancetype.kubevirt.io/default-preference": "linux",
        "instancetype.kubevirt.io/default-preference-kind": "VirtualMachinePreference",
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, "storageClassName": ""}
    cluster.apply(as_json({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                           "metadata": {"name": "labelled", "labels": labels}, "spec": claim})).ok()
    made = sized("inferred", strategy="Halted")
    made["spec"]["instancetype"] = made["spec"]["preference"] = {"inferFromVolume": "root"}
    volumes = made["spec"]["template"]["spec"]["volumes"]
    volumes.append({"name": "root", "persistentVolumeClaim": {"claimName": "labelled"}})
    cluster.apply(as_json(made)).ok()
    spec = cluster.get("vm", "inferred")["spec"]
    assert spec["instancetype"] == {"name": LARGE, "kind": "virtualmachineclusterinstancetype"}
    assert spec["preference"] == {"name": "linux", "kind": "VirtualMachinePreference"}


def test_a_machine_keeps_its_size_when_its_instance_type_changes(cluster: Cluster) -> None:
    before = cluster.get("vm", NAME)["status"]["instancetypeRef"]
    cluster.apply(offer("VirtualMachineInstancetype", "small", {**SIZE, "cpu": {"guest": 3}})).ok()
    cluster.apply(as_json(sized("newer", strategy="Halted"))).ok()

    def has_copy() -> bool:
        ref = cluster.get("vm", "newer")["status"].get("instancetypeRef", {})
        return bool(ref.get("controllerRevisionRef"))

    eventually("the new machine to have its copy", has_copy)
    cores = [expanded(cluster, name)["spec"]["template"]["spec"]["domain"]["cpu"]["cores"] for name in (NAME, "newer")]
    assert cores == [2, 3]
    found = cluster.get("vm", NAME)
    assert found["status"]["instancetypeRef"] == before
    assert not [c for c in found["status"]["conditions"] if c["type"] in ("RestartRequired", "Failure")]


def test_another_instance_type_is_another_copy_and_asks_for_a_restart(cluster: Cluster) -> None:
    change = {"spec": {"instancetype": {"name": LARGE, "kind": "VirtualMachineClusterInstancetype"},
                       "preference": {"name": "linux", "kind": "VirtualMachinePreference"}}}
    cluster.kubectl("patch", "vm", NAME, "--type=merge", "-p", json.dumps(change)).ok()

    def restart_required() -> bool:
        status = cluster.get("vm", NAME)["status"]
        assert status["instancetypeRef"]["name"] == LARGE
        assert set(revisions(cluster)) == {"small", LARGE, LINUX, "linux"}
        return any(c["type"] == "RestartRequired" and c["status"] == "True" for c in status["conditions"])

    eventually("copies, and a restart to be asked for", restart_required)


def test_nothing_is_left_of_a_deleted_machine(cluster: Cluster) -> None:
    cluster.kubectl("delete", "vm", "--all", "--timeout=240s").ok()
    eventually("no copies to be left", lambda: not cluster.objects("controllerrevisions"))
    eventually("no guest to be left", lambda: not machine.guest_processes(cluster.namespace))
