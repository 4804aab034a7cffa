"""What virt-handler writes on its Node: labels from facts, and one merge patch that says only what differs.

How the facts are read out of libvirt's answers is tested in test_handler_hypervisor.
"""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.core import Node
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.json import JsonObject
from kubevirt.virt_handler.node import heartbeat, host
from kubevirt.virt_handler.node.heartbeat import Presented, node_patch
from kubevirt.virt_handler.node.host import KsmStep, ksm_step
from kubevirt.virt_handler.node.hypervisor import HypervisorFacts, Tsc
from kubevirt.virt_handler.node.labels import NodeFacts, changed_labels, cpu_vendor, wanted_labels

NOTHING = NodeFacts(hypervisor=HypervisorFacts())
ARCHITECTURE = {"kubevirt.io/vm-arch-amd64"}


def facts(**known: object) -> NodeFacts:
    return NodeFacts(hypervisor=HypervisorFacts(**known))  # type: ignore[arg-type]  # names from the case


@pytest.mark.parametrize(("known", "labels"), [
    pytest.param(facts(usable_models=["Nehalem", "EPYC-v4"]),
                 ["cpu-model.node.kubevirt.io/EPYC-v4", "cpu-model.node.kubevirt.io/Nehalem"], id="usable models"),
    pytest.param(replace(facts(usable_models=["Nehalem", "Penryn"], known_models=["Nehalem", "Penryn"]),
                         obsolete_models=frozenset({"Penryn"})),
                 ["cpu-model-migration.node.kubevirt.io/Nehalem", "cpu-model.node.kubevirt.io/Nehalem"],
                 id="obsolete models are for nobody"),
    pytest.param(facts(known_models=["EPYC"]), ["cpu-model-migration.node.kubevirt.io/EPYC"],
                 id="known models, for guests that come with one"),
    pytest.param(facts(features=["aes", "sse4.2"]),
                 ["cpu-feature.node.kubevirt.io/aes", "cpu-feature.node.kubevirt.io/sse4.2"], id="features"),
    pytest.param(facts(host_model="EPYC", host_model_features=["x2apic"], cpu_vendor="AMD"),
                 ["cpu-model-migration.node.kubevirt.io/EPYC", "cpu-vendor.node.kubevirt.io/AMD",
                  "host-model-cpu.node.kubevirt.io/EPYC", "host-model-required-features.node.kubevirt.io/x2apic"],
                 id="the host model, what it requires, and its vendor"),
    pytest.param(replace(facts(host_model="Penryn"), obsolete_models=frozenset({"Penryn"})),
                 ["host-model-cpu.node.kubevirt.io/Penryn", "node-labeller.kubevirt.io/obsolete-host-model"],
                 id="an obsolete host model"),
    pytest.param(replace(NOTHING, cpu_vendor="AuthenticAMD"), ["cpu-vendor.node.kubevirt.io/AMD"],
                 id="without a host model the processor names its vendor"),
    pytest.param(facts(hyperv=["vpindex", "synictimer"]),
                 ["hyperv.node.kubevirt.io/synictimer", "hyperv.node.kubevirt.io/vpindex"],
                 id="Hyper-V enlightenments"),
    pytest.param(facts(machine_types=["none", "microvm", "pc-q35-10.0", "q35"]),
                 ["machine-type.node.kubevirt.io/pc-q35-10.0", "machine-type.node.kubevirt.io/q35"],
                 id="machine types that a guest can have"),
    pytest.param(facts(encryption=["sev", "sev-es", "sev-snp"]),
                 ["kubevirt.io/sev", "kubevirt.io/sev-es", "kubevirt.io/sev-snp"], id="encrypted memory of AMD"),
    pytest.param(facts(encryption=["tdx"]), ["kubevirt.io/tdx"], id="encrypted memory of Intel"),
    pytest.param(facts(encryption=["s390-pv"]), ["kubevirt.io/s390-pv"], id="protected guests of IBM Z"),
    pytest.param(replace(NOTHING, realtime=True), ["kubevirt.io/realtime"], id="realtime"),
    pytest.param(facts(features=["a" * 64, "not/a/label", ""]), [], id="what cannot be a label is left out"),
])  # fmt: skip
def test_labels_say_what_a_guest_can_have_here(known: NodeFacts, labels: list[str]) -> None:
    assert wanted_labels(known) == dict.fromkeys({*labels, *ARCHITECTURE}, "true")


@pytest.mark.parametrize(("known", "labels"), [
    pytest.param(facts(tsc=Tsc(hz=2111999000, scalable=True)),
                 {"cpu-timer.node.kubevirt.io/tsc-frequency": "2111999000",
                  "cpu-timer.node.kubevirt.io/tsc-scalable": "true"}, id="a scalable time stamp counter"),
    pytest.param(facts(tsc=Tsc(hz=5, scalable=False)),
                 {"cpu-timer.node.kubevirt.io/tsc-frequency": "5",
                  "cpu-timer.node.kubevirt.io/tsc-scalable": "false"}, id="one that is not"),
    pytest.param(replace(NOTHING, ksm_enabled=True), {"kubevirt.io/ksm-enabled": "true"}, id="equal pages are merged"),
    pytest.param(replace(NOTHING, ksm_enabled=False), {"kubevirt.io/ksm-enabled": "false"}, id="or are not"),
    pytest.param(replace(NOTHING, architecture="aarch64"), {"kubevirt.io/vm-arch-arm64": "true"}, id="architecture"),
])  # fmt: skip
def test_labels_with_values(known: NodeFacts, labels: dict[str, str]) -> None:
    found = wanted_labels(known)
    assert labels.items() <= found.items()
    assert set(found) - set(labels) <= ARCHITECTURE


def test_only_our_own_labels_are_ever_removed() -> None:
    present = {
        "kubernetes.io/hostname": "a", "kubevirt.io/schedulable": "true", "kubevirt.io/sev": "true",
        "cpu-model.node.kubevirt.io/Old": "true", "machine-type.node.kubevirt.io/q35": "true",
        "scheduling.node.kubevirt.io/tsc-frequency-5": "true",
    }  # fmt: skip
    wanted = {"machine-type.node.kubevirt.io/q35": "true", "cpu-model.node.kubevirt.io/New": "true"}
    assert changed_labels(present, wanted) == {
        "cpu-model.node.kubevirt.io/Old": None, "kubevirt.io/sev": None, "cpu-model.node.kubevirt.io/New": "true",
    }  # fmt: skip
    assert changed_labels(wanted, wanted) == {}


def node(labels: JsonObject, annotations: JsonObject) -> Node:
    return codec.convert({"metadata": {"name": "a", "labels": labels, "annotations": annotations}}, Node)


def written(patch: JsonObject, what: str) -> JsonObject:
    metadata = patch["metadata"]
    assert isinstance(metadata, dict)
    found = metadata[what]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("present", "wanted", "annotations"), [
    pytest.param({}, Presented(kvm_problem="no vmx"), {"kubevirt.io/kvm-unusable": "no vmx"},
                 id="why there is no KVM is shown"),
    pytest.param({"kubevirt.io/kvm-unusable": "no vmx"}, Presented(kvm_problem="no vmx"), {},
                 id="and not written again"),
    pytest.param({"kubevirt.io/kvm-unusable": "no vmx"}, Presented(), {"kubevirt.io/kvm-unusable": None},
                 id="and taken back"),
    pytest.param({}, Presented(ksm_managed=True), {"kubevirt.io/ksm-handler-managed": "true"},
                 id="merging of pages was turned on by us"),
    pytest.param({"kubevirt.io/ksm-handler-managed": "true"}, Presented(),
                 {"kubevirt.io/ksm-handler-managed": "false"}, id="and off again"),
])  # fmt: skip
def test_heartbeat_writes_only_what_differs(present: JsonObject, wanted: Presented, annotations: JsonObject) -> None:
    labels: JsonObject = {"machine-type.node.kubevirt.io/q35": "true"}
    wanted = replace(wanted, labels={"machine-type.node.kubevirt.io/q35": "true"})
    patch = node_patch(node(labels, present), wanted, schedulable=True)
    assert set(written(patch, "labels")) == {"kubevirt.io/schedulable", "kubevirt.io/cpumanager", "cpumanager"}
    said = written(patch, "annotations")
    assert said.pop("kubevirt.io/heartbeat")
    assert said == annotations


@pytest.mark.parametrize(("schedulable", "cpu_manager"), [(True, False), (False, True)])
def test_every_heartbeat_says_whether_guests_can_be_placed(schedulable: bool, cpu_manager: bool) -> None:
    patch = node_patch(node({}, {}), Presented(cpu_manager=cpu_manager), schedulable=schedulable)
    manager = "true" if cpu_manager else "false"
    assert written(patch, "labels") == {"kubevirt.io/schedulable": "true" if schedulable else "false",
                                        "kubevirt.io/cpumanager": manager, "cpumanager": manager}  # fmt: skip


def test_a_node_may_opt_out_of_labels() -> None:
    skipping = node({"cpu-model.node.kubevirt.io/Mine": "true"}, {"node-labeller.kubevirt.io/skip-node": "true"})
    patch = node_patch(skipping, Presented(labels={"machine-type.node.kubevirt.io/q35": "true"}), schedulable=False)
    assert set(written(patch, "labels")) == {"kubevirt.io/schedulable", "kubevirt.io/cpumanager", "cpumanager"}


def test_the_heart_beats_every_minute_with_jitter_and_waits_for_plugins() -> None:
    assert (heartbeat.EVERY_S, heartbeat.JITTER, heartbeat.WAIT_FOR_PLUGINS_S) == (60.0, 1.2, 10.0)


def config(**given: object) -> ClusterConfig:
    return ClusterConfig.of(codec.convert({"metadata": {"name": "k", "namespace": "k"},
                                           "spec": {"configuration": given}}, KubeVirt))


CPU_MANAGER = config(developerConfiguration={"featureGates": ["CPUManager"]})


@pytest.mark.parametrize(("given", "state", "expected"), [
    pytest.param(CPU_MANAGER, b'{"policyName":"static","defaultCpuSet":"0-3"}', True, id="static, with the gate"),
    pytest.param(CPU_MANAGER, b'{"policyName":"none"}', False, id="another policy"),
    pytest.param(CPU_MANAGER, b"{", False, id="a state that cannot be read"),
    pytest.param(CPU_MANAGER, None, False, id="a kubelet without a state"),
    pytest.param(config(), b'{"policyName":"static"}', False, id="the gate is off"),
])  # fmt: skip
def test_processors_of_ones_own(given: ClusterConfig, state: bytes | None, expected: bool, tmp_path: Path) -> None:
    if state is not None:
        (tmp_path / "cpu_manager_state").write_bytes(state)
    assert host.has_cpu_manager(given, tmp_path) is expected


@pytest.mark.parametrize(("text", "expected"), [("-1\n", True), ("950000\n", False), (None, False)])
def test_realtime_is_a_kernel_without_a_limit(text: str | None, expected: bool, tmp_path: Path) -> None:
    file = tmp_path / "sched_rt_runtime_us"
    if text is not None:
        file.write_text(text)
    assert host.has_realtime(file) is expected


@pytest.mark.parametrize(("text", "expected"), [("1\n", True), ("0\n", False), ("2\n", False), (None, None)])
def test_merging_of_pages_is_read_from_the_kernel(text: str | None, expected: bool | None, tmp_path: Path) -> None:
    file = tmp_path / "run"
    if text is not None:
        file.write_text(text)
    assert host.ksm_enabled(file) is expected


KSM = config(ksmConfiguration={"nodeLabelSelector": {"matchLabels": {"ksm": "yes"}}})
BAD_KSM = config(ksmConfiguration={"nodeLabelSelector": {"matchExpressions": [{"key": "a", "operator": "Odd"}]}})
CHOSEN, MANAGED = {"ksm": "yes"}, {"kubevirt.io/ksm-handler-managed": "true"}


@pytest.mark.parametrize(("given", "labels", "annotations", "enabled", "expected"), [
    pytest.param(KSM, CHOSEN, {}, False, KsmStep(write="1", managed=True), id="a chosen node is turned on"),
    pytest.param(KSM, CHOSEN, MANAGED, True, KsmStep(managed=True), id="and stays on"),
    pytest.param(KSM, CHOSEN, {}, True, KsmStep(), id="what somebody else turned on stays theirs"),
    pytest.param(KSM, {}, MANAGED, True, KsmStep(write="0"), id="a node no longer chosen is turned off"),
    pytest.param(KSM, {}, {}, True, KsmStep(), id="but not what somebody else turned on"),
    pytest.param(config(), CHOSEN, MANAGED, True, KsmStep(write="0"), id="nothing is asked for any more"),
    pytest.param(config(), {}, {}, False, KsmStep(), id="nothing was ever asked for"),
    pytest.param(BAD_KSM, {}, {}, False, KsmStep(), id="a selector that is none chooses nothing"),
    pytest.param(KSM, CHOSEN, {}, None, KsmStep(), id="a kernel that cannot"),
])  # fmt: skip
def test_merging_of_pages_is_switched_where_asked_for(
    given: ClusterConfig, labels: dict[str, str], annotations: dict[str, str], enabled: bool | None, expected: KsmStep
) -> None:
    assert ksm_step(given, labels, annotations, enabled=enabled) == expected


def test_a_switch_that_cannot_be_written_is_no_catastrophe(tmp_path: Path) -> None:
    host.set_ksm("1", tmp_path / "absent" / "run")
    assert not (tmp_path / "absent").exists()


def test_cpu_vendor() -> None:
    assert cpu_vendor("processor\t: 0\nvendor_id\t: AuthenticAMD\n") == "AuthenticAMD"
    assert cpu_vendor("Features : fp\n") == ""


def test_facts_are_all_optional() -> None:
    """An old image's libvirt may say less; a label less is not the end of the node."""
    assert msgspec.convert({}, HypervisorFacts) == HypervisorFacts()
    assert set(wanted_labels(NOTHING)) == ARCHITECTURE
