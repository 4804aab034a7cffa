"""Time stamp counters: which frequency a guest is started with, and which nodes can run a guest of that frequency.

A guest that trusts its counter must see the same frequency wherever it runs. It gets the lowest that any node has,
because a node that can scale its counter can always count slower. Nodes say by labels what they have (virt-handler) and
what they can bring about (from here), and launcher pods ask for the latter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pods import Node
from kubevirt.api.resources import NODES
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain import features
from kubevirt.virt_controller.actions import FailureWords, Patch

PER_MILLION = 250
"""How far two frequencies may be apart and still count as one; guests correct for so much."""
FAILED = FailureWords(reason="FailedUpdateError")


@dataclass(frozen=True, slots=True)
class Counter:
    """A node's own."""

    hz: int
    scalable: bool

    def can_count(self, hz: int) -> bool:
        """A guest can be given this frequency."""
        near = abs(hz - self.hz) <= self.hz * PER_MILLION // 1_000_000
        return near or (self.scalable and hz < self.hz)


def counter_of(node: Node) -> Counter | None:
    """None for a node that says nothing of it, or nothing that makes sense."""
    labels = node.metadata.labels
    hz = labels.get(names.LABEL_TSC_FREQUENCY, "")
    if not hz.isdecimal() or not int(hz):
        return None
    return Counter(int(hz), labels.get(names.LABEL_TSC_SCALABLE) == "true")


def differs(old: Node | None, new: Node | None) -> bool:
    """A node's counter has come, changed or gone."""
    before, after = (counter_of(node) if node is not None else None for node in (old, new))
    return before != after


def needed_to_boot(vmi: VirtualMachineInstance) -> bool:
    """The guest was promised a counter that never changes, so no node will do before a frequency is chosen."""
    return features.has_invariant_tsc(vmi)


def has_hint(vmi: VirtualMachineInstance) -> bool:
    """The frequency is chosen."""
    hints = vmi.status.topology_hints
    return hints is not None and hints.tsc_frequency is not None


def is_wanted(vmi: VirtualMachineInstance) -> bool:
    """A frequency has to be chosen yet; for some guests only so that they can migrate later."""
    is_amd64 = vmi.spec.architecture in (None, "", "amd64")
    return is_amd64 and features.needs_tsc_frequency(vmi) and not has_hint(vmi)


def lowest_hz(nodes: Iterable[Node], *, configured: int | None) -> int:
    """The frequency for new guests: the administrator's, or the lowest of all nodes that take guests; else 0."""
    if configured:
        return configured
    found = [counter.hz for node in nodes
             if node.metadata.labels.get(names.LABEL_SCHEDULABLE) == "true" and (counter := counter_of(node))]
    return min(found, default=0)


def is_concerned(node: Node) -> bool:
    """The node has a counter, or still promises what it had."""
    return counter_of(node) is not None or any(key.startswith(names.PREFIX_SCHEDULING_TSC)
                                               for key in node.metadata.labels)


def labels(node: Node, frequencies: Collection[int]) -> dict[str, str]:
    """All labels of the node, with those of `frequencies` and its own that it can bring about, and no others."""
    counter = counter_of(node)
    kept = {key: value for key, value in node.metadata.labels.items()
            if not key.startswith(names.PREFIX_SCHEDULING_TSC)}
    if counter is None:
        return kept
    possible = sorted({counter.hz, *(hz for hz in frequencies if counter.can_count(hz))})
    return kept | {f"{names.PREFIX_SCHEDULING_TSC}{hz}": "true" for hz in possible}


def label(node: Node, frequencies: Collection[int]) -> Patch | None:
    """What there is to do about a node's labels."""
    wanted = labels(node, frequencies)
    if wanted == node.metadata.labels:
        return None
    return Patch(resource=NODES, old=node, new=replace(node, metadata=replace(node.metadata, labels=wanted)),
                 failed=FAILED)


class InUse:
    """The frequencies that guests have, kept up to date by changes of instances."""

    def __init__(self) -> None:
        self._by_instance: dict[str, int] = {}

    def note(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> bool:
        """Takes in a change; True when a frequency has come that no other guest has."""
        if new is None or not has_hint(new):
            if (gone := old or new) is not None:
                self._by_instance.pop(gone.metadata.uid, None)
            return False
        hints = new.status.topology_hints
        hz = (hints.tsc_frequency if hints is not None else None) or 0
        is_news = hz not in self._by_instance.values()
        self._by_instance[new.metadata.uid] = hz
        return is_news

    @property
    def frequencies(self) -> set[int]:
        """Each once."""
        return set(self._by_instance.values())
