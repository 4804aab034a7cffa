"""The labels by which the scheduler finds a node that can run a guest: from facts about the node, purely.

Only labels below the prefixes listed here, and those of CAPABILITIES, are ours; a node's other labels are never
touched. `kubevirt.io/schedulable`, which says whether virt-handler is well, belongs to the heartbeat. The names are
those of handler_launcher.md A3.
"""

import re
from dataclasses import dataclass, field

from kubevirt.api import names
from kubevirt.virt_handler.node.hypervisor import HypervisorFacts

_VM_ARCH = "kubevirt.io/vm-arch-"
PREFIXES = (
    names.PREFIX_CPU_MODEL,
    names.PREFIX_CPU_MODEL_MIGRATION,
    names.PREFIX_CPU_FEATURE,
    names.PREFIX_CPU_VENDOR,
    names.PREFIX_MACHINE_TYPE,
    names.PREFIX_HOST_MODEL_CPU,
    names.PREFIX_HOST_MODEL_FEATURES,
    names.PREFIX_HYPERV,
    "node-labeller.kubevirt.io/",
    "cpu-timer.node.kubevirt.io/",
    _VM_ARCH,
)
ENCRYPTION = {
    "sev": names.LABEL_SEV,
    "sev-es": names.LABEL_SEV_ES,
    "sev-snp": names.LABEL_SEV_SNP,
    "tdx": names.LABEL_TDX,
    "s390-pv": "kubevirt.io/s390-pv",
}
CAPABILITIES = frozenset({*ENCRYPTION.values(), names.LABEL_REALTIME, names.LABEL_KSM_ENABLED})

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon", "CentaurHauls": "Centaur"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_VALID_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NOT_FOR_GUESTS = frozenset({"none", "x-remote", "microvm", "isapc"})


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What is known of a node; `architecture` as uname names it, `obsolete_models` from the cluster's configuration."""

    hypervisor: HypervisorFacts
    cpu_vendor: str = ""
    """Of the processor itself, for when no host model names one."""
    architecture: str = "x86_64"
    realtime: bool = False
    """Realtime threads of guests are not held back."""
    ksm_enabled: bool | None = None
    """Whether equal pages of memory are merged; None where the kernel cannot."""
    obsolete_models: frozenset[str] = field(default_factory=frozenset)


def wanted_labels(facts: NodeFacts) -> dict[str, str]:
    """All labels of ours that the node should have."""
    hypervisor, obsolete = facts.hypervisor, facts.obsolete_models
    machines = [name for name in hypervisor.machine_types if name not in _NOT_FOR_GUESTS]
    found = [
        *(names.PREFIX_CPU_MODEL + model for model in hypervisor.usable_models if model not in obsolete),
        *(names.PREFIX_CPU_MODEL_MIGRATION + model for model in hypervisor.known_models if model not in obsolete),
        *(names.PREFIX_CPU_FEATURE + feature for feature in hypervisor.features),
        *(names.PREFIX_MACHINE_TYPE + machine for machine in machines),
        *(names.PREFIX_HYPERV + capability for capability in hypervisor.hyperv),
        *(ENCRYPTION[way] for way in hypervisor.encryption),
        _VM_ARCH + _ARCHITECTURES.get(facts.architecture, facts.architecture),
    ]
    if model := hypervisor.host_model:
        found.append(names.PREFIX_HOST_MODEL_CPU + model)
        found += [names.PREFIX_HOST_MODEL_FEATURES + feature for feature in hypervisor.host_model_features]
        if model in obsolete:
            found.append(names.LABEL_OBSOLETE_HOST_MODEL)
        else:
            found.append(names.PREFIX_CPU_MODEL_MIGRATION + model)
    if vendor := hypervisor.cpu_vendor or _VENDORS.get(facts.cpu_vendor):
        found.append(names.PREFIX_CPU_VENDOR + vendor)
    if facts.realtime:
        found.append(names.LABEL_REALTIME)
    labels = {name: "true" for name in sorted(found) if _VALID_NAME.fullmatch(name.partition("/")[2])}
    if tsc := hypervisor.tsc:
        labels[names.LABEL_TSC_FREQUENCY] = str(tsc.hz)
        labels[names.LABEL_TSC_SCALABLE] = _said(tsc.scalable)
    if facts.ksm_enabled is not None:
        labels[names.LABEL_KSM_ENABLED] = _said(facts.ksm_enabled)
    return labels


def changed_labels(present: dict[str, str], wanted: dict[str, str]) -> dict[str, str | None]:
    """What a merge patch must say: None removes a label of ours that is no longer wanted."""
    changes: dict[str, str | None] = {key: None for key in present if _is_ours(key) and key not in wanted}
    return changes | {key: value for key, value in wanted.items() if present.get(key) != value}


def cpu_vendor(cpuinfo: str) -> str:
    """The vendor_id of /proc/cpuinfo; empty where the architecture has none."""
    found = re.search(r"^vendor_id\s*:\s*(\S+)", cpuinfo, re.MULTILINE)
    return found.group(1) if found else ""


def _is_ours(key: str) -> bool:
    return key.startswith(PREFIXES) or key in CAPABILITIES


def _said(yes: bool) -> str:
    return "true" if yes else "false"
