"""What the launcher pod depends on besides the VMI: cluster configuration, and facts about namespace, nodes and
claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from kubevirt.api.config import ClusterConfig
from kubevirt.api.objects import NetworkAttachmentDefinition, PersistentVolumeClaim, ResourceQuota
from kubevirt.api.vmi import VirtualMachineInstance

ANNOTATION_DEVICE_RESOURCE = "k8s.v1.cni.cncf.io/resourceName"


@dataclass(frozen=True, kw_only=True)
class ClaimFacts:
    """What matters of a PersistentVolumeClaim."""

    uid: str = ""
    block: bool = False  # volume mode
    shared: bool = False  # may be mounted by several nodes at once

    @classmethod
    def of(cls, claim: PersistentVolumeClaim) -> Self:
        return cls(
            uid=claim.metadata.uid,
            block=claim.spec.volume_mode == "Block",
            shared="ReadWriteMany" in claim.spec.access_modes,
        )


@dataclass(frozen=True, kw_only=True)
class PodContext:
    """Everything but the VMI that a launcher pod is made from."""

    launcher_image: str
    config: ClusterConfig
    image_pull_policy: str = ""
    image_pull_secrets: Sequence[str] = ()
    kvm_in_cluster: bool = True  # some node offers usable KVM
    claims: Mapping[str, ClaimFacts] = field(default_factory=dict)  # by name, of the VMI's namespace
    state_claim: str = ""  # the claim that keeps what outlives a run of the machine
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


def attachment_resources(
    vmi: VirtualMachineInstance, definitions: Iterable[NetworkAttachmentDefinition]
) -> dict[str, str]:
    """The device resource behind each secondary network that uses one up, by the network's name."""
    known = {(d.metadata.namespace, d.metadata.name): d.metadata.annotations for d in definitions}
    found = {}
    for network in vmi.spec.networks:
        if network.multus is None:
            continue
        namespace, _, name = network.multus.network_name.rpartition("/")
        annotations = known.get((namespace or vmi.metadata.namespace, name), {})
        if resource := annotations.get(ANNOTATION_DEVICE_RESOURCE):
            found[network.name] = resource
    return found


def wants_limits(quotas: Iterable[ResourceQuota], resource: str) -> bool:
    """Whether pods are refused unless they limit a resource (`cpu`, `memory`)."""
    return any(f"limits.{resource}" in quota.spec.hard for quota in quotas)
