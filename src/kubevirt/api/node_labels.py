"""Labels of nodes that a machine's processor asks for: each is to have the value "true".

The launcher pod selects its node by them, and `virtctl why` names the field that no node can serve. What else a
machine asks of nodes depends on the cluster's configuration, and is the pod builder's.
"""

from __future__ import annotations

from kubevirt.api import names
from kubevirt.api.compute import CPU

OF_ANY_NODE = ("host-model", "host-passthrough")
"""Models that every node has, whatever they are there."""


def of_processor(cpu: CPU | None) -> dict[str, str]:
    """The labels, each with the field that asks for it."""
    if cpu is None:
        return {}
    found = {f"{names.PREFIX_CPU_FEATURE}{feature.name}": f"cpu.features {feature.name}"
             for feature in cpu.features if feature.policy in (None, "", "require")}
    if cpu.model and cpu.model not in OF_ANY_NODE:
        found[f"{names.PREFIX_CPU_MODEL}{cpu.model}"] = f"cpu.model {cpu.model}"
    if cpu.dedicated_cpu_placement:
        found[names.LABEL_CPU_MANAGER] = "cpu.dedicatedCpuPlacement"
    return found
