"""What launcher pods depend on beyond their VMI: the KubeVirt configuration, the launcher image, the nodes' devices."""

from __future__ import annotations

from kubevirt.api.config import ClusterConfig
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.pods import Node
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject, merge
from kubevirt.machine.pod import ClaimFacts, PodContext, launcher_pod
from kubevirt.virt_controller.namespaces import NONE, Namespaces
from kubevirt.virt_controller.nodes import Offers
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.volumes import claim_names


class Cluster:
    """Kept up to date by the caches; one per program."""

    def __init__(self, stores: Stores, *, launcher_image: str, image_pull_policy: str = "",
                 namespaces: Namespaces | None = None) -> None:
        self._stores = stores
        self._namespaces = namespaces
        self.launcher_image = launcher_image
        self._image_pull_policy = image_pull_policy
        self._offers = Offers()
        self._configured: tuple[KubeVirt, ClusterConfig] | None = None

    @property
    def config(self) -> ClusterConfig:
        """The configuration of the KubeVirt object that is there; all defaults without one."""
        found = self._stores.kubevirts.all()
        if not found:
            return ClusterConfig()
        if self._configured is None or self._configured[0] is not found[0]:
            self._configured = (found[0], ClusterConfig.of(found[0]))
        return self._configured[1]

    @property
    def nodes_ready(self) -> bool:
        """Launcher pods can be made: it is known what nodes offer."""
        return self._offers.told

    @property
    def cpus(self) -> int:
        """Processors of all nodes that take launcher pods."""
        return self._offers.cpus

    def node_changed(self, old: Node | None, new: Node | None) -> bool:
        """Takes in a change of a node; True when it changes what pods can be made."""
        return self._offers.note(old, new)

    def launcher_pod(self, vmi: VirtualMachineInstance, *, name: str, state_claim: str = "") -> JsonObject:
        """The manifest of the VMI's launcher pod; `state_claim` keeps what outlives it. Raises Problem."""
        namespace = vmi.metadata.namespace
        found = ((claim, self._stores.claims.get(namespace, claim)) for claim in claim_names(vmi.spec.volumes))
        customs = self._namespaces.customs(namespace) if self._namespaces is not None else NONE
        pod = launcher_pod(vmi, PodContext(
            launcher_image=self.launcher_image,
            image_pull_policy=self._image_pull_policy,
            config=self.config,
            claims={claim: ClaimFacts.of(pvc) for claim, pvc in found if pvc is not None},
            kvm_in_cluster=self._offers.kvm,
            state_claim=state_claim,
            namespace_labels=customs.labels,
            quota_limits_cpu=customs.limits_cpu,
            quota_limits_memory=customs.limits_memory,
        ))
        named = merge(pod, {"metadata": {"name": name, "namespace": namespace}})
        return named if isinstance(named, dict) else pod
