"""VMI to launcher pod."""

from kubevirt.machine.pod.context import ClaimFacts, PodContext
from kubevirt.machine.pod.manifest import launcher_pod

__all__ = ["ClaimFacts", "PodContext", "launcher_pod"]
