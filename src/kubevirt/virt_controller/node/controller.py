"""The node controller: looks at each node that runs VMIs when it changes, and once a minute, since silence is no
change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kubevirt.api.pods import Node
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.times import now
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.node.decide import RECHECK_S, Observed, is_ours, lost, mark_node
from kubevirt.virt_controller.stores import Stores, key_of_change
from kubevirt.virt_controller.vmi.phases import FINAL


class NodeController:
    """`reconcile` is called by workers of `queue`; its keys are names of nodes, of such that are gone too."""

    def __init__(self, stores: Stores, performer: Performer, queue: WorkQueue, *,
                 clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._stores = stores
        self._performer = performer
        self.queue = queue
        stores.nodes.on_change(self._on_node)
        stores.vmis.on_change(self._on_vmi)

    async def reconcile(self, name: str) -> float | None:
        """Marks the node and what was lost with it. Asks to be called again while the node or VMIs on it are there."""
        o = self.observe(name)
        if (mark := mark_node(o)) is not None and (failed := await self._performer.perform((mark,), about=mark.old)):
            raise failed.error
        for patch in lost(o):
            if failed := await self._performer.perform((patch,), about=patch.old):
                raise failed.error
        is_watched = (o.node is not None and is_ours(o.node)) or any(v.status.phase not in FINAL for v in o.vmis)
        return RECHECK_S if is_watched else None

    def observe(self, name: str) -> Observed:
        """A node and what runs there."""
        vmis = tuple(self._stores.vmis.by_index("node", name))
        return Observed(
            name=name,
            node=self._stores.nodes.get("", name),
            vmis=vmis,
            pods={v.metadata.uid: tuple(self._stores.pods.by_index("controller", v.metadata.uid)) for v in vmis},
            now=self._clock(),
        )

    def _on_node(self, old: Node | None, new: Node | None) -> None:
        # Heartbeats change nothing that the timer would not find; coming, going and scheduling do.
        if old is None or new is None or old.metadata.labels != new.metadata.labels:
            self.queue.add(key_of_change(old, new))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        if new is not None and new.status.node_name and (old is None or old.status.node_name != new.status.node_name):
            self.queue.add(new.status.node_name)
