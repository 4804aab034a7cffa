"""The node controller: looks at each node that runs VMIs when it changes, and once a minute, since silence is no
change.

Of a silent node with VMIs it also asks whether virt-handler is there at all. That is read from the API when it matters:
no cache of ours holds the pods of virt-handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from kubevirt.api.config import ClusterConfig
from kubevirt.api.pods import Node, Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.times import now
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller import tsc
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.node.decide import (
    Observed,
    is_ours,
    is_responsive,
    look_again_s,
    lost,
    mark_node,
    orphans,
)
from kubevirt.virt_controller.stores import Stores, key_of_change
from kubevirt.virt_controller.vmi.pods import is_deleting


class NodeController:
    """`reconcile` is called by workers of `queue`; its keys are names of nodes, of such that are gone too.

    `handler_missing(node)` says whether that node alone is without a virt-handler.
    """

    def __init__(self, stores: Stores, performer: Performer, queue: WorkQueue, *,
                 handler_missing: Callable[[str], Awaitable[bool]], config: Callable[[], ClusterConfig] = ClusterConfig,
                 clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._handler_missing = handler_missing
        self._told: set[str] = set()
        self._config = config
        self._frequencies = tsc.InUse()
        self._stores = stores
        self._performer = performer
        self.queue = queue
        stores.nodes.on_change(self._on_node)
        stores.vmis.on_change(self._on_vmi)
        stores.pods.on_change(self._on_pod)

    async def reconcile(self, name: str) -> float | None:
        """Marks the node and what was lost with it. Asks to be called again while the node or VMIs on it are there."""
        o = self.observe(name)
        if (mark := mark_node(o)) is not None and (failed := await self._performer.perform((mark,), about=mark.old)):
            raise failed.error
        promise = self._promise(name)
        if promise is not None and (failed := await self._performer.perform((promise,), about=promise.old)):
            raise failed.error
        for patch in lost(o):
            if failed := await self._performer.perform((patch,), about=patch.old):
                raise failed.error
        await self._tell_of_orphans(self.observe(name))
        return look_again_s(self.observe(name))

    def _promise(self, name: str) -> Patch | None:
        """What the node says of the time stamp counters that it can give to guests, if that changes."""
        node = self._stores.nodes.get("", name)
        if node is None or not tsc.is_concerned(node):
            return None
        common = tsc.lowest_hz(self._stores.nodes.all(), configured=self._config().minimum_tsc_hz)
        return tsc.label(node, self._frequencies.frequencies | ({common} if common else set()))

    async def _tell_of_orphans(self, o: Observed) -> None:
        """Once for each time that the node is without its virt-handler."""
        if o.node is None or o.is_responsive or not o.active:
            self._told.discard(o.name)
        elif o.name not in self._told:
            event = orphans(replace(o, handler_missing=await self._handler_missing(o.name)))
            if event is not None:
                self._performer.tell(o.node, event)
                self._told.add(o.name)

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
        if tsc.differs(old, new):
            self._look_at_all()
        # One heartbeat more changes nothing; coming, going, scheduling, and a heartbeat that is of long ago do.
        if (old is None or new is None or old.metadata.labels != new.metadata.labels
                or is_responsive(old, self._clock()) != is_responsive(new, self._clock())):
            self.queue.add(key_of_change(old, new))

    def _look_at_all(self) -> None:
        """The frequency that new guests get, or has come into use, may be one that nodes do not promise yet."""
        for node in self._stores.nodes.all():
            if tsc.counter_of(node) is not None:
                self.queue.add(node.metadata.name)

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        if self._frequencies.note(old, new):
            self._look_at_all()
        # A node that is heard of is looked at every minute anyway, whatever comes to run on it.
        if new is None or not new.status.node_name or (old and old.status.node_name == new.status.node_name):
            return
        node = self._stores.nodes.get("", new.status.node_name)
        if node is None or not is_ours(node) or not is_responsive(node, self._clock()):
            self.queue.add(new.status.node_name)

    def _on_pod(self, old: Pod | None, new: Pod | None) -> None:
        # Of a silent node it matters at once which pods are asked to end, and which are gone.
        pod = new or old
        if pod is None or not pod.spec.node_name:
            return
        goes = new is None or (is_deleting(new) and (old is None or not is_deleting(old)))
        if goes and not is_responsive(self._stores.nodes.get("", pod.spec.node_name), self._clock()):
            self.queue.add(pod.spec.node_name)
