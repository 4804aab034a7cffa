"""What virt-handler writes on its Node: labels from facts, and one merge patch that says only what differs."""

import shutil

import pytest

from kubevirt.api import codec
from kubevirt.api.core import Node
from kubevirt.kit.json import JsonObject
from kubevirt.virt_handler.node.heartbeat import node_patch
from kubevirt.virt_handler.node.labels import NodeFacts, changed_labels, cpu_vendor, wanted_labels
from kubevirt.virt_handler.node.qemu import QemuFacts, ask_qemu

QEMU = QemuFacts(
    machine_types=["none", "microvm", "pc-q35-10.0", "q35"],
    usable_models=["max", "base", "qemu64-v1", "qemu64", "Nehalem"],
    known_models=["max", "host", "qemu64", "Nehalem", "EPYC", "EPYC-v4"],
    features=["aes", "kvm-asyncpf", "sse4.2", "x-migrate-smi-count", "hv-relaxed"],
)


def test_labels_say_what_a_guest_can_have_here() -> None:
    facts = NodeFacts(qemu=QEMU, cpu_vendor="GenuineIntel", obsolete_models=frozenset({"qemu64"}))
    assert wanted_labels(facts) == dict.fromkeys([
        "cpu-feature.node.kubevirt.io/aes", "cpu-feature.node.kubevirt.io/sse4.2",
        "cpu-model-migration.node.kubevirt.io/EPYC", "cpu-model-migration.node.kubevirt.io/Nehalem",
        "cpu-model.node.kubevirt.io/Nehalem",
        "cpu-vendor.node.kubevirt.io/Intel",
        "kubevirt.io/vm-arch-amd64",
        "machine-type.node.kubevirt.io/pc-q35-10.0", "machine-type.node.kubevirt.io/q35",
    ], "true")  # fmt: skip


def test_only_our_own_labels_are_ever_removed() -> None:
    present = {
        "kubernetes.io/hostname": "a", "kubevirt.io/schedulable": "true",
        "cpu-model.node.kubevirt.io/Old": "true", "machine-type.node.kubevirt.io/q35": "true",
    }  # fmt: skip
    wanted = {"machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/New": "true"}
    assert changed_labels(present, wanted) == {
        "cpu-model.node.kubevirt.io/Old": None, "cpu-model.node.kubevirt.io/New": "true",
    }  # fmt: skip
    assert changed_labels(wanted, wanted) == {}


def node(labels: JsonObject, annotations: JsonObject) -> Node:
    return codec.convert({"metadata": {"name": "a", "labels": labels, "annotations": annotations}}, Node)


@pytest.mark.parametrize(("present", "kvm_problem", "annotations"), [
    pytest.param({}, "no vmx", {"kubevirt.io/kvm-unusable": "no vmx"}, id="why there is no KVM is shown"),
    pytest.param({"kubevirt.io/kvm-unusable": "no vmx"}, "no vmx", {}, id="and not written again"),
    pytest.param({"kubevirt.io/kvm-unusable": "no vmx"}, "", {"kubevirt.io/kvm-unusable": None}, id="and taken back"),
])  # fmt: skip
def test_heartbeat_writes_only_what_differs(
    present: JsonObject, kvm_problem: str, annotations: JsonObject
) -> None:
    wanted = {"machine-type.node.kubevirt.io/q35": "true"}
    patch = node_patch(node({**wanted}, present), wanted=wanted, schedulable=True, kvm_problem=kvm_problem)
    assert isinstance(patch["metadata"], dict)
    assert patch["metadata"]["labels"] == {"kubevirt.io/schedulable": "true", "kubevirt.io/cpumanager": "false"}
    written = patch["metadata"]["annotations"]
    assert isinstance(written, dict)
    assert written.pop("kubevirt.io/heartbeat")
    assert written == annotations


def test_a_node_may_opt_out_of_labels() -> None:
    skipping = node({}, {"node-labeller.kubevirt.io/skip-node": "true"})
    wanted = {"machine-type.node.kubevirt.io/q35": "true"}
    patch = node_patch(skipping, wanted=wanted, schedulable=False, kvm_problem="")
    assert isinstance(patch["metadata"], dict)
    assert patch["metadata"]["labels"] == {"kubevirt.io/schedulable": "false", "kubevirt.io/cpumanager": "false"}


def test_cpu_vendor() -> None:
    assert cpu_vendor("processor\t: 0\nvendor_id\t: AuthenticAMD\n") == "AuthenticAMD"
    assert cpu_vendor("Features : fp\n") == ""


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="asks a real QEMU; install qemu-system-x86")
async def test_qemu_answers() -> None:
    facts = await ask_qemu(kvm=False)
    assert "q35" in facts.machine_types
    assert "qemu64" in facts.usable_models
    assert "sse2" in facts.features
