"""What the cluster's nodes offer to virtual machines, as far as it decides how launcher pods are made.

A pod that asks for KVM never starts where no node has it, and one that does not ask for it is slow where one has. So no
launcher pod is made before at least one node has said what it offers.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.api import names
from kubevirt.api.pods import Node


@dataclass(frozen=True, slots=True)
class Offer:
    """What one node says about itself."""

    told: bool = False  # it takes launcher pods, and its devices are known
    kvm: bool = False
    cpus: int = 0


NOTHING = Offer()


def offer_of(node: Node | None) -> Offer:
    """What this node offers; nothing while virt-handler has not called it schedulable."""
    if node is None or node.metadata.labels.get(names.LABEL_SCHEDULABLE) != "true":
        return NOTHING
    cpu = node.status.allocatable.get("cpu")
    cpus = cpu.value if cpu is not None else 0
    if names.ANNOTATION_KVM_UNUSABLE in node.metadata.annotations:
        return Offer(told=True, cpus=cpus)
    # The kubelet reports a plugin's devices a few seconds after the plugin has registered; without devices as "0".
    kvm = node.status.allocatable.get(names.DEVICE_KVM)
    return NOTHING if kvm is None else Offer(told=True, kvm=kvm.value > 0, cpus=cpus)


class Offers:
    """The offers of all nodes."""

    def __init__(self) -> None:
        self._by_node: dict[str, Offer] = {}

    @property
    def told(self) -> bool:
        """At least one node takes launcher pods."""
        return any(o.told for o in self._by_node.values())

    @property
    def kvm(self) -> bool:
        """At least one node that takes launcher pods has usable KVM."""
        return any(o.kvm for o in self._by_node.values())

    @property
    def cpus(self) -> int:
        """Processors of all nodes that take launcher pods."""
        return sum(o.cpus for o in self._by_node.values())

    def note(self, old: Node | None, new: Node | None) -> bool:
        """Takes in a change of a node; True when it changes what the cluster offers."""
        before = (self.told, self.kvm)
        if new is not None:
            self._by_node[new.metadata.name] = offer_of(new)
        elif old is not None:
            self._by_node.pop(old.metadata.name, None)
        return (self.told, self.kvm) != before
