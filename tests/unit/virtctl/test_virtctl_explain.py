"""What `virtctl why` says about clusters that look like this; the fetching is tested end to end. `doctor`: _doctor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from explained import NOW, claim, condition, data_volume, event, facts, node, pod, vm, vmi

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.explain.chain import explain
from kubevirt.virtctl.explain.facts import Facts
from kubevirt.virtctl.explain.finding import Finding, age, as_chain


def refused(message: str) -> Facts:
    """The launcher pod cannot be created."""
    said = condition("Synchronized", "False", "FailedCreate", f"failed to create virtual machine pod: {message}")
    return facts(vm=vm("Always", "Starting"), vmi=vmi("Pending", said, node=""))


SCHEDULING = {"vm": vm("Always", "Starting"), "vmi": vmi("Scheduling", node="")}


@pytest.mark.parametrize(
    ("seen", "last", "words"),
    [
        pytest.param(facts(vm=vm("Halted", "Stopped")), "VirtualMachine ns/a",
                     ["run strategy is Halted", "virtctl start a"], id="stopped on purpose"),
        pytest.param(facts(vm=vm("Always")), "VirtualMachine ns/a",
                     ["has not written a status", "virtctl doctor"], id="no controller"),
        pytest.param(
            facts(vm=vm("Always", "CrashLoopBackOff", startFailure={
                "consecutiveFailCount": 3, "retryAfterTimestamp": "2026-01-02T03:05:00Z"})),
            "VirtualMachine ns/a", ["3 times in a row", "03:05:00"], id="backing off"),
        pytest.param(
            facts(vm=vm("Always", "Stopped", conditions=[condition("Failure", "True", "FailedCreate", "no quota")])),
            "VirtualMachine ns/a", ["no quota"], id="the instance cannot be created"),
        pytest.param(facts(vm=vm("Always", "ErrorPvcNotFound"), claims={"data": None}), "PersistentVolumeClaim data",
                     ["does not exist", "create the claim data in namespace ns"], id="no claim"),
        pytest.param(
            facts(**SCHEDULING, claims={"data": claim("Pending")}, events=[
                event("PersistentVolumeClaim", "data", "ProvisioningFailed", "disk full")]),
            "PersistentVolumeClaim data", ["disk full", "kubectl -n ns describe pvc data"],
            id="a claim that nobody can fill"),
        pytest.param(
            facts(**SCHEDULING, claims={"dv": None}, data_volumes={"dv": data_volume("ImportInProgress", "12.5%")}),
            "DataVolume dv", ["ImportInProgress, 12.5% done", "pulling the image", "kubectl logs importer-dv"],
            id="a data volume that is being filled"),
        pytest.param(
            facts(**SCHEDULING, claims={"dv": None}, data_volumes={"dv": data_volume("WaitForFirstConsumer")}),
            "DataVolume dv", ["WaitForFirstConsumer", "nothing to do"], id="a data volume that waits for the pod"),
        pytest.param(
            facts(**SCHEDULING, claims={"dv": None}, data_volumes={"dv": data_volume("Failed")}),
            "DataVolume dv", ["Failed", "kubectl delete dv dv"], id="a data volume that failed"),
        pytest.param(facts(**SCHEDULING, claims={"dv": None}, data_volumes={"dv": None}), "DataVolume dv",
                     ["missing", "create the DataVolume"], id="no data volume"),
        pytest.param(
            facts(**SCHEDULING, claims={"dv": claim("Lost")}, data_volumes={"dv": None}), "PersistentVolumeClaim dv",
            ["volume is gone"], id="a data volume that has done its work"),
        pytest.param(
            facts(vmi=vmi("Running"), nodes={"n1": node("n1", ready=False)}), "Node n1",
            ["not ready", "kubectl delete node n1"], id="a guest on a dead node"),
        pytest.param(facts(**SCHEDULING, claims={"data": claim("Lost")}), "PersistentVolumeClaim data",
                     ["Its volume is gone"], id="a lost volume"),
        pytest.param(
            facts(**SCHEDULING, nodes={"n1": node("n1")}, pods=[pod(unschedulable=(
                "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {a: b}."))]),
            "Pod virt-launcher-a", ["Unschedulable", "less memory", "tolerate the taint"], id="no room"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod(unschedulable="0/1 nodes: 1 Insufficient devices.kubevirt.io/kvm.")]),
            "Pod virt-launcher-a", ["no node offers KVM"], id="no KVM"),
        pytest.param(
            facts(**SCHEDULING, nodes={"n1": node("n1", other="x")}, pods=[pod(unschedulable="0/1 nodes available")]),
            "Pod virt-launcher-a", ["virt-handler does not report"], id="no node with an agent"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod("n1", "ErrImagePull", "reg/img:1: not found")]),
            "Image reg/img:1", ["ErrImagePull", "not found", "push the image"], id="no such image"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod("n1", "ImagePullBackOff", "Back-off pulling")], events=[
                event("Pod", "virt-launcher-a", "Failed", "pull access denied")]),
            "Image reg/img:1", ["access denied", "imagePullSecret"], id="an image that may not be read"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod("n1", "ContainerCreating")], events=[
                event("Pod", "virt-launcher-a", "FailedMount", 'secret "keys" not found')]),
            "Container volumedisk0", ["FailedMount", "create the secret"], id="no secret"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod("n1", "ContainerCreating")], events=[
                event("Pod", "virt-launcher-a", "Pulling", "Pulling image reg/img:1")]),
            "Image reg/img:1", ["being pulled"], id="a pull that goes on"),
        pytest.param(
            facts(**SCHEDULING, pods=[pod("n1", "ContainerCreating")], nodes={"n1": node("n1", ready=False)}),
            "Node n1", ["not ready", "stopped posting"], id="a dead node"),
        pytest.param(
            facts(vmi=vmi("Running", condition("Paused", "True", "PausedByUser"))), "VirtualMachineInstance a",
            ["a user paused it", "virtctl unpause vmi a"], id="paused"),
        pytest.param(
            facts(vmi=vmi("Running", condition("Paused", "True", "PausedIOError"))), "VirtualMachineInstance a",
            ["disk failed or is full", "make room"], id="a full disk"),
        pytest.param(
            facts(vmi=vmi("Running", condition("Paused", "True", "PausedIOError")), events=[
                event("VirtualMachineInstance", "a", "IOerror", "VM Paused due to not enough space on volume: data")]),
            "VirtualMachineInstance a", ["not enough space on volume: data", "virtctl unpause vmi a -n ns"],
            id="a full disk, and which"),
        pytest.param(
            facts(vmi=vmi("Running", condition("Ready", "False", "ContainersNotReady", "probe failed"))),
            "VirtualMachineInstance a", ["not ready", "probe failed"], id="not ready"),
        pytest.param(
            facts(vm=vm("RerunOnFailure", "Stopped"), vmi=vmi("Succeeded")), "VirtualMachineInstance a",
            ["has ended", "virtctl start a -n ns"], id="ended, and stays so"),
        pytest.param(
            facts(vm=vm("Once", "Stopped"), vmi=vmi("Succeeded")), "VirtualMachineInstance a",
            ["its run strategy is Once"], id="ended for good"),
        pytest.param(
            facts(vmi=vmi("Running"), nodes={"n2": node("n2")}), "Node n1", ["gone", "starts elsewhere"],
            id="a node that was removed"),
        pytest.param(refused(
            'pods "virt-launcher-a" is forbidden: exceeded quota: small, requested: limits.memory=1Gi, used: 0'),
            "VirtualMachineInstance a", ["exceeded quota", "kubectl -n ns describe quota"], id="over the quota"),
        pytest.param(refused('pods "virt-launcher-a" is forbidden: failed quota: small: must specify limits.memory'),
                     "VirtualMachineInstance a", ["give the machine resources.limits"], id="a quota of limits"),
        pytest.param(refused(
            'pods "virt-launcher-a" is forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities'),
            "VirtualMachineInstance a", ["pod-security.kubernetes.io/enforce=privileged", "namespace ns"],
            id="a namespace that is too strict"),
        pytest.param(refused('pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'),
                     "VirtualMachineInstance a", ["describe limitrange"], id="a limit range"),
        pytest.param(refused('error looking up service account ns/robot: serviceaccount "robot" not found'),
                     "VirtualMachineInstance a", ["create the service account"], id="no service account"),
        pytest.param(refused('admission webhook "x.example" denied the request: no'), "VirtualMachineInstance a",
                     ["a webhook of the cluster refuses it"], id="a webhook of somebody else's"),
        pytest.param(facts(vm=vm("Always", "Stopped", conditions=[condition(
            "Failure", "True", "FailedCreate", 'virtualmachineinstancetypes.instancetype.kubevirt.io "m" not found')])),
            "VirtualMachine ns/a", ["create what the message names"], id="no such instance type"),
        pytest.param(facts(vmi=vmi("Failed")), "VirtualMachineInstance a", ["has ended", "kubectl -n ns logs"],
                     id="ended"),
        pytest.param(facts(vmi=vmi("Running")), "VirtualMachineInstance a",
                     ["Nothing is waited for", "on node n1"], id="all is well"),
    ],
)  # fmt: skip
def test_the_end_of_the_chain(seen: Facts, last: str, words: Sequence[str]) -> None:
    chain = explain(seen)
    assert chain[-1].subject == last
    text = as_chain(chain[-1:], NOW)
    for word in words:
        assert word in text
    if "Nothing is waited for" not in text:
        assert chain[-1].remedy, "whoever waits is told what would end it"
        assert chain[-1].since is not None, "and since when it is so"


def test_only_the_end_of_the_chain_says_what_to_do() -> None:
    """What stands before is the way there: its words would be those of the end, or advice for nothing."""
    mount = event("Pod", "virt-launcher-a", "FailedMount", 'secret "keys" not found')
    told = condition("Synchronized", "False", "FailedMount", 'secret "keys" not found')
    seen = facts(vm=SCHEDULING["vm"], vmi=vmi("Scheduling", told, node=""), pods=[pod("n1", "ContainerCreating")],
                 events=[mount])  # fmt: skip
    assert as_chain(explain(seen), NOW).splitlines() == [
        "VirtualMachine ns/a: Starting",
        "└─ VirtualMachineInstance a: Scheduling  (for 1m)",
        "   └─ Pod virt-launcher-a: Pending on node n1  (for 1m)",
        "      └─ Container volumedisk0: FailedMount  (for 1m)",
        '            secret "keys" not found',
        "            -> create the secret that the message names; the mount is tried again by itself",
    ]


def test_the_image_of_a_volume_is_named_not_that_of_the_container_that_waits_for_it() -> None:
    words = 'failed to pull and unpack image "reg/disk:2": not found'
    chain = explain(facts(**SCHEDULING, pods=[pod("n1", "ErrImagePull", words)]))
    assert chain[-1].subject == "Image reg/disk:2"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "reg/disk:2": ErrImagePull: docker.io/reg/disk:2: not found'),
        ("InvalidImageName", 'Failed to apply default image tag "reg/disk:2": invalid reference format'),
    ],
)
def test_what_the_kubelet_repeats_hides_nothing(reason: str, words: str) -> None:
    again = event("Pod", "virt-launcher-a", "Failed", f"Error: {reason}")
    chain = explain(facts(**SCHEDULING, pods=[pod("n1", reason, words)], events=[again]))
    assert (chain[-1].subject, chain[-1].state, chain[-1].cause) == ("Image reg/disk:2", reason, words)


def test_a_pod_that_is_well_does_not_hide_why_the_guest_in_it_is_not_started() -> None:
    told = condition("Synchronized", "False", "Synchronizing with the Domain failed.", "the pod has no link")
    well = pod("n1")
    well.status.phase = "Running"
    chain = explain(facts(vm=SCHEDULING["vm"], vmi=vmi("Scheduled", told), pods=[well]))
    assert (chain[-1].subject, chain[-1].cause) == ("VirtualMachineInstance a", "the pod has no link")


def test_what_keeps_a_machine_from_having_an_instance_comes_before_what_is_missing_because_of_it() -> None:
    words = "Error encountered while creating DataVolumes: the cluster has no DataVolumes"
    failed = vm("Always", "Stopped", conditions=[condition("Failure", "True", "FailedCreate", words)])
    chain = explain(facts(vm=failed, data_volumes={"dv": None}, claims={"dv": None}))
    assert [(each.subject, each.cause) for each in chain] == [("VirtualMachine ns/a", words)]


def test_what_the_processor_asks_for_is_named_with_its_field() -> None:
    cpu: JsonObject = {"model": "Future", "features": [{"name": "avx9"}], "dedicatedCpuPlacement": True}
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    able = node("n1")
    able.metadata.labels["cpu-feature.node.kubevirt.io/avx9"] = "true"
    seen = facts(vm=SCHEDULING["vm"], vmi=vmi("Scheduling", node="", cpu=cpu), pods=[pod(unschedulable=words)],
                 nodes={"n1": able})  # fmt: skip
    assert explain(seen)[-1].remedy == (
        "no node has cpu-model.node.kubevirt.io/Future=true (cpu.model Future), kubevirt.io/cpumanager=true "
        "(cpu.dedicatedCpuPlacement): choose what a node offers (kubectl get nodes --show-labels), or leave it out of "
        "the machine"
    )


def test_a_label_that_no_node_has_is_named() -> None:
    wanted = vmi("Scheduling", node="")
    wanted.spec.node_selector = {"zone": "b", "kubevirt.io/schedulable": "true"}
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    chain = explain(facts(vm=SCHEDULING["vm"], vmi=wanted, nodes={"n1": node("n1")}, pods=[pod(unschedulable=words)]))
    assert chain[-1].remedy == (
        "no node has the label zone=b: give it to one (kubectl label node NODE zone=b), or take it out of the "
        "machine's node selector"
    )


def test_a_claim_without_a_class_is_the_end_of_the_chain() -> None:
    failed = event("PersistentVolumeClaim", "data", "ProvisioningFailed", 'storageclass.storage.k8s.io "x" not found')
    waiting = pod(unschedulable="0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    chain = explain(facts(**SCHEDULING, claims={"data": claim("Pending")}, pods=[waiting], events=[failed]))
    assert (chain[-1].subject, chain[-1].remedy) == (
        "PersistentVolumeClaim data",
        "create that storage class, or name another one in the claim: kubectl get storageclass",
    )


def test_changes_that_wait_for_a_restart() -> None:
    changed = vm("Always", "Running", conditions=[condition("RestartRequired", "True", "X", "memory was changed")])
    text = as_chain(explain(facts(vm=changed, vmi=vmi("Running"))), NOW)
    assert text.splitlines() == [
        "VirtualMachine ns/a: Running  (for 1m)",
        "   Its guest does not have all changes yet: memory was changed",
        "   -> virtctl restart a -n ns",
        "└─ VirtualMachineInstance a: Running  (for 1m)",
        "      Nothing is waited for: the guest runs on node n1.",
    ]


def test_the_last_words_of_a_guest_that_fails_to_start() -> None:
    failing = vm("Always", "CrashLoopBackOff", startFailure={
        "consecutiveFailCount": 3, "retryAfterTimestamp": "2026-01-02T03:05:00Z"})  # fmt: skip
    warning = event("VirtualMachineInstance", "a", "SyncFailed", "no such CPU model")
    warning.type = "Warning"
    text = as_chain(explain(facts(vm=failing, events=[warning])), NOW)
    assert "Its last guest: SyncFailed: no such CPU model" in text
    assert "kubectl -n ns get events --field-selector involvedObject.name=a" in text


def test_how_a_chain_is_printed() -> None:
    chain = [
        Finding(subject="VirtualMachine ns/a", state="Starting"),
        Finding(subject="Pod p", state="Pending", cause="one\ntwo", since=NOW - timedelta(seconds=60), remedy="do it"),
    ]
    assert as_chain(chain, NOW) == (
        "VirtualMachine ns/a: Starting\n└─ Pod p: Pending  (for 1m)\n      one\n      two\n      -> do it"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0s"), (45, "45s"), (192, "3m12s"), (7500, "2h5m"), (356_400, "4d3h"), (3600, "1h")]
)
def test_ages(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text
