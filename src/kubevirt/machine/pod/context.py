"""What the launcher pod depends on besides the VMI: cluster configuration, and facts about namespace, nodes and
claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubevirt.api.config import ClusterConfig


@dataclass(frozen=True, kw_only=True)
class ClaimFacts:
    """What matters of a PersistentVolumeClaim."""

    uid: str = ""
    block: bool = False  # volume mode
    shared: bool = False  # may be mounted by several nodes at once


@dataclass(frozen=True, kw_only=True)
class PodContext:
    """Everything but the VMI that a launcher pod is made from."""

    launcher_image: str
    config: ClusterConfig
    image_pull_policy: str = ""
    image_pull_secrets: Sequence[str] = ()
    kvm_in_cluster: bool = True  # some node offers usable KVM
    claims: Mapping[str, ClaimFacts] = field(default_factory=dict)  # by name, of the VMI's namespace
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    quota_limits_cpu: bool = False  # a ResourceQuota of the namespace wants limits.cpu
    quota_limits_memory: bool = False
    attachment_resources: Mapping[str, str] = field(default_factory=dict)  # network name -> device resource it uses up

    @property
    def emulation(self) -> bool:
        """Guests may run without KVM: the administrator said so, or nothing else is possible."""
        return self.config.use_emulation or not self.kvm_in_cluster

    def claim(self, name: str) -> ClaimFacts:
        return self.claims.get(name, _UNKNOWN_CLAIM)


_UNKNOWN_CLAIM = ClaimFacts()
