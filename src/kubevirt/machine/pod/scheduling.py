"""On which nodes the pod may run: nodes whose node agent is alive and that can run this machine."""

from __future__ import annotations

from kubevirt.api import codec, names, node_labels
from kubevirt.api.features import FeatureHyperv, FeatureState
from kubevirt.api.meta import LabelSelector, LabelSelectorRequirement
from kubevirt.api.scheduling import (
    Affinity,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinityTerm,
    PodAntiAffinity,
)
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject
from kubevirt.machine.domain import features, security
from kubevirt.machine.domain.cpu import HOST_MODEL
from kubevirt.machine.pod.context import PodContext
from kubevirt.machine.pod.metadata import PREFIX_RESERVATION, reserved_claims

GATE_HYPERV_STRICT = "HypervStrictCheck"


def node_selector(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject:
    found: JsonObject = {names.LABEL_SCHEDULABLE: "true"}
    if vmi.spec.architecture:
        found[names.LABEL_ARCH] = vmi.spec.architecture
    found |= context.config.node_selectors
    found |= vmi.spec.node_selector
    return found | dict.fromkeys(_capabilities(vmi, context), "true")


def _capabilities(vmi: VirtualMachineInstance, context: PodContext) -> list[str]:
    """Labels that a node must carry with the value "true"."""
    domain = vmi.spec.domain
    cpu = domain.cpu
    found = list(node_labels.of_processor(cpu))
    if cpu is not None and cpu.realtime is not None:
        found.append(names.LABEL_REALTIME)
    if domain.machine is not None and domain.machine.type:
        found.append(f"{names.PREFIX_MACHINE_TYPE}{domain.machine.type}")
    found += _confidential(vmi)
    if context.config.has_gate(GATE_HYPERV_STRICT) and domain.features is not None \
            and domain.features.hyperv is not None:
        found += _hyperv(domain.features.hyperv)
    hints = vmi.status.topology_hints
    if hints is not None and hints.tsc_frequency and features.needs_tsc_frequency(vmi):
        found.append(f"{names.PREFIX_SCHEDULING_TSC}{hints.tsc_frequency}")
    return found


def _confidential(vmi: VirtualMachineInstance) -> list[str]:
    match security.technology(vmi.spec.domain):
        case "sev-snp":
            return [names.LABEL_SEV_SNP]
        case "tdx":
            return [names.LABEL_TDX]
        case "sev" if security.has_encrypted_state(vmi.spec.domain):
            return [names.LABEL_SEV, names.LABEL_SEV_ES]
        case "sev":
            return [names.LABEL_SEV]
    return []


def _hyperv(given: FeatureHyperv) -> list[str]:
    wanted: dict[str, bool] = {
        "vpindex": _on(given.vpindex),
        "runtime": _on(given.runtime),
        "reset": _on(given.reset),
        "synic": _on(given.synic),
        "synictimer": features.is_on(given.synictimer),
        "frequencies": _on(given.frequencies),
        "reenlightenment": _on(given.reenlightenment),
        "tlbflush": features.is_on(given.tlbflush),
        "ipi": _on(given.ipi),
    }
    found = [f"{names.PREFIX_HYPERV}{name}" for name, on in wanted.items() if on]
    if _on(given.evmcs):
        found.append(f"{names.PREFIX_CPU_VENDOR}Intel")
    return found


def _on(state: FeatureState | None) -> bool:
    return features.is_on(state)


def affinity(vmi: VirtualMachineInstance, context: PodContext) -> JsonObject | None:
    """The VMI's own affinity, with what every one of its node terms must require besides."""
    found = codec.clone(vmi.spec.affinity) if vmi.spec.affinity is not None else Affinity()
    if requirements := _requirements(vmi):
        _require_on_node(found, requirements)
    if claims := reserved_claims(vmi):
        _keep_apart(found, [context.claim(claim).uid for claim in claims])
    return codec.to_builtins(found) or None


def _requirements(vmi: VirtualMachineInstance) -> list[NodeSelectorRequirement]:
    cpu = vmi.spec.domain.cpu
    absent = []
    if cpu is not None and cpu.model == HOST_MODEL:
        absent.append(names.LABEL_OBSOLETE_HOST_MODEL)
    if cpu is not None:
        absent += [f"{names.PREFIX_CPU_FEATURE}{feature.name}" for feature in cpu.features
                   if feature.policy == "forbid"]
    return [NodeSelectorRequirement(key=key, operator="DoesNotExist") for key in absent]


def _require_on_node(affinity: Affinity, requirements: list[NodeSelectorRequirement]) -> None:
    """Terms are alternatives, so every one of them needs the requirements."""
    node = affinity.node_affinity = affinity.node_affinity or NodeAffinity()
    required = node.required_during_scheduling_ignored_during_execution or NodeSelector()
    node.required_during_scheduling_ignored_during_execution = required
    required.node_selector_terms = required.node_selector_terms or [NodeSelectorTerm()]
    for term in required.node_selector_terms:
        term.match_expressions = [*term.match_expressions, *requirements]


def _keep_apart(affinity: Affinity, claim_uids: list[str]) -> None:
    """Two guests with reservations on one LUN may not share a node: the host could not tell them apart."""
    pods = affinity.pod_anti_affinity = affinity.pod_anti_affinity or PodAntiAffinity()
    for uid in claim_uids:
        label = LabelSelectorRequirement(key=f"{PREFIX_RESERVATION}{uid}", operator="Exists")
        pods.required_during_scheduling_ignored_during_execution.append(PodAffinityTerm(
            label_selector=LabelSelector(match_expressions=[label]), topology_key=names.LABEL_HOSTNAME,
        ))
