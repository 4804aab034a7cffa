"""The replica set controller: gathers what is to be looked at from the caches, and carries out what is decided."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.resources import VMI_REPLICASETS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.times import now
from kubevirt.kube.cache import key_of
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Failed, Performer
from kubevirt.virt_controller.actions import Action, Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.crowd import FAILURE
from kubevirt.virt_controller.many import perform_all
from kubevirt.virt_controller.replicaset.decide import FAILED_UPDATE, claim, clean_up, scale
from kubevirt.virt_controller.replicaset.observed import Observed
from kubevirt.virt_controller.replicaset.status import pause_event, status_after
from kubevirt.virt_controller.stores import Stores, key_of_change

KIND = "VirtualMachineInstanceReplicaSet"


class ReplicaSetController:
    """`reconcile` is called by workers of `queue`, one at a time for each set."""

    def __init__(self, stores: Stores, performer: Performer, queue: WorkQueue, *,
                 clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._stores = stores
        self._performer = performer
        self.queue = queue
        stores.replicasets.on_change(self._on_object)
        stores.vmis.on_change(self._on_vmi)

    async def reconcile(self, key: str) -> None:
        """Brings one set nearer to its number."""
        failed = None
        for decide in (claim, scale, clean_up):
            if failed is not None or (o := self.observe(key)) is None:
                break
            failed = await self._perform(decide(o), o)
        if (o := self.observe(key)) is None:
            return
        status = status_after(o, failed.problem if failed is not None else None)
        if status != o.rs.status:
            patch = Patch(resource=VMI_REPLICASETS, old=o.rs, new=replace(o.rs, status=status), subresource="status",
                          done=pause_event(o, status), failed=FAILED_UPDATE)
            failed = await self._performer.perform((patch,), about=o.rs) or failed
        if failed is not None:
            raise failed.error

    async def _perform(self, actions: Sequence[Action], o: Observed) -> Failed | None:
        told = find(o.rs.status.conditions, FAILURE)
        known = told.message if told is not None else ""
        return await perform_all(self._performer, [(action,) for action in actions], about=o.rs, known=known)

    def observe(self, key: str) -> Observed | None:
        """All that matters about one set; None when there is none."""
        s = self._stores
        rs = s.replicasets.by_key(key)
        if rs is None:
            return None
        return Observed(
            rs=rs,
            owned=tuple(s.vmis.by_index("controller", rs.metadata.uid)),
            free=tuple(s.vmis.by_index("free", rs.metadata.namespace)),
            now=self._clock(),
            seed=random.getrandbits(32),
        )

    def _on_object(self, old: VirtualMachineInstanceReplicaSet | None, new: VirtualMachineInstanceReplicaSet | None
                   ) -> None:
        self.queue.add(key_of_change(old, new))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        for vmi in (old, new):
            if vmi is None:
                continue
            owner = vmi.metadata.controller
            if owner is None:
                for rs in self._stores.replicasets.by_index("namespace", vmi.metadata.namespace):
                    self.queue.add(key_of(rs))
            elif owner.kind == KIND:
                self.queue.add(f"{vmi.metadata.namespace}/{owner.name}")
