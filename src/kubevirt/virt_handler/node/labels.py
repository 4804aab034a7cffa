"""The labels by which the scheduler finds a node that can run a guest: from facts about the node, purely.

Only labels below the prefixes listed here are ours; a node's other labels are never touched. `kubevirt.io/schedulable`,
which says whether virt-handler is well, belongs to the heartbeat. The names are those of handler_launcher.md A3.
"""

import re
from dataclasses import dataclass, field

from kubevirt.api import names
from kubevirt.virt_handler.node.qemu import QemuFacts

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

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon", "CentaurHauls": "Centaur"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_VALID_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_NOT_FOR_GUESTS = frozenset({"none", "x-remote", "microvm", "isapc"})
_NOT_MODELS = frozenset({"host", "max", "base"})
_VERSIONED_MODEL = re.compile(r"-v\d+$")
# Properties of QEMU's CPU objects that are switches of QEMU rather than features of a processor.
_NOT_FEATURES = re.compile(
    r"(kvm|hv|x-|l3-cache|check|enforce|full-cpuid|fill-mtrr|migratable|realized|hotplug|legacy|tcg|cpuid-0xb|vmware"
    r"|start-powered|lmce|pmu|unavailable|xen|host-)"
)


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What is known of a node; `architecture` as uname names it, `obsolete_models` from the cluster's configuration."""

    qemu: QemuFacts
    cpu_vendor: str = ""
    architecture: str = "x86_64"
    obsolete_models: frozenset[str] = field(default_factory=frozenset)


def wanted_labels(facts: NodeFacts) -> dict[str, str]:
    """All labels below PREFIXES that the node should have."""
    known = [model for model in facts.qemu.known_models if _is_model(model)]
    usable = [model for model in facts.qemu.usable_models if _is_model(model) and model not in facts.obsolete_models]
    features = [name for name in facts.qemu.features if not _NOT_FEATURES.match(name)]
    machines = [name for name in facts.qemu.machine_types if name not in _NOT_FOR_GUESTS]
    found = [
        *(names.PREFIX_CPU_MODEL + model for model in usable),
        *(names.PREFIX_CPU_MODEL_MIGRATION + model for model in known if model not in facts.obsolete_models),
        *(names.PREFIX_CPU_FEATURE + feature for feature in features),
        *(names.PREFIX_MACHINE_TYPE + machine for machine in machines),
        _VM_ARCH + _ARCHITECTURES.get(facts.architecture, facts.architecture),
    ]
    if vendor := _VENDORS.get(facts.cpu_vendor):
        found.append(names.PREFIX_CPU_VENDOR + vendor)
    return {name: "true" for name in sorted(found) if _VALID_NAME.fullmatch(name.rpartition("/")[2])}


def changed_labels(present: dict[str, str], wanted: dict[str, str]) -> dict[str, str | None]:
    """What a merge patch must say: None removes a label of ours that is no longer wanted."""
    changes: dict[str, str | None] = {key: None for key in present if key.startswith(PREFIXES) and key not in wanted}
    return changes | {key: value for key, value in wanted.items() if present.get(key) != value}


def cpu_vendor(cpuinfo: str) -> str:
    """The vendor_id of /proc/cpuinfo; empty where the architecture has none."""
    found = re.search(r"^vendor_id\s*:\s*(\S+)", cpuinfo, re.MULTILINE)
    return found.group(1) if found else ""


def _is_model(name: str) -> bool:
    """Guests ask for models by libvirt's names, which are QEMU's without the version."""
    return name not in _NOT_MODELS and not _VERSIONED_MODEL.search(name)
