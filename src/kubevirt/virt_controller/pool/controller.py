"""The pool controller: gathers what is to be looked at from the caches, and carries out what is decided, step by step.

Each step looks afresh, so it sees what the one before has done. The first step that fails ends the pass, and its words
become the pool's condition.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.times import now
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Failed, Performer
from kubevirt.virt_controller.actions import Patch, SyncProblem
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.crowd import FAILURE
from kubevirt.virt_controller.many import perform_all
from kubevirt.virt_controller.pool import course, healing, membership, scale
from kubevirt.virt_controller.pool.membership import Groups
from kubevirt.virt_controller.pool.observed import Member, Observed
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.pool.status import events, status_after
from kubevirt.virt_controller.stores import Stores, key_of_change, pool_of_vm
from kubevirt.virt_controller.vm.observed import is_controlled_by

GATHERING_S = 1.0
"""News of machines is waited for so long, that a pool that starts many is not looked at for each of them."""


@dataclass(frozen=True)
class Step:
    """Part of a pass, and how its failure is told."""

    decide: Callable[[Observed], Groups]
    reason: str
    words: str


STEPS = (
    Step(healing.heal, "FailedScaleIn", "error during scale in: "),
    Step(membership.claim, "FailedUpdate", "error during VM update: "),
    Step(course.record_for_new, "FailedScaleOut", "error during scale out: "),
    Step(course.scale_out, "FailedScaleOut", "error during scale out: "),
    Step(scale.scale_in, "FailedScaleIn", "error during scale in: "),
    Step(scale.clean_up, "FailedScaleIn", "error during opportunistic scale in: "),
    Step(course.record_for_outdated, "FailedUpdate", "error while detecting outdated VMs: "),
    Step(course.update_machines, "FailedUpdate", "error during VM update: "),
    Step(course.update_guests, "FailedUpdate", "error during VMI update: "),
    Step(course.prune, "FailedRevisionPruning", "error while pruning vmpool revisions: "),
)


class PoolController:
    """`reconcile` is called by workers of `queue`, one at a time for each pool."""

    def __init__(self, stores: Stores, performer: Performer, queue: WorkQueue, *,
                 clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._stores = stores
        self._performer = performer
        self.queue = queue
        stores.pools.on_change(self._on_object)
        stores.vms.on_change(self._on_vm)
        stores.vmis.on_change(self._on_vmi)

    async def reconcile(self, key: str) -> float | None:
        """Brings one pool nearer to its spec. Returns the seconds after which it wants to be looked at again."""
        o = self.observe(key)
        if o is None:
            await self._free_all(key)
            return None
        if o.is_deleting:
            await self._end(o)
            return None
        failed, problem = await self._take_steps(key)
        if (o := self.observe(key)) is None:
            return None
        status = status_after(o, problem)
        if status != o.pool.status:
            told = events(o, status)
            patch = Patch(resource=POOLS, old=o.pool, new=replace(o.pool, status=status), subresource="status",
                          failed=membership.FAILED_UPDATE)
            unwritten = await self._performer.perform((patch,), about=o.pool)
            for event in told if unwritten is None else ():
                self._performer.tell(o.pool, event)
            failed = failed or unwritten
        if failed is not None:
            raise failed.error
        return healing.next_look_s(o)

    async def _take_steps(self, key: str) -> tuple[Failed | None, SyncProblem | None]:
        for step in STEPS:
            if (o := self.observe(key)) is None:
                break
            told = find(o.pool.status.conditions, FAILURE)
            known = told.message.removeprefix(step.words) if told is not None and told.reason == step.reason else ""
            try:
                failed = await perform_all(self._performer, step.decide(o), about=o.pool, known=known)
            except Refused as error:  # a selector that nobody can read: no retry helps, a new spec brings us back
                words = f"failed to filter VMs based on ordered policies: {error.cause}"
                return None, SyncProblem(reason=step.reason, message=words)
            if failed is not None:
                return failed, SyncProblem(reason=step.reason, message=step.words + failed.problem.message)
        return None, None

    async def _end(self, o: Observed) -> None:
        for groups in membership.end(o):
            if (failed := await perform_all(self._performer, groups, about=o.pool)) is not None:
                raise failed.error

    async def _free_all(self, key: str) -> None:
        """There is no pool of that name, whatever its machines' finalizers say."""
        for vm in self._stores.vms.by_index("pooled", key):
            if (failed := await self._performer.perform(membership.free((vm,))[0], about=vm)) is not None:
                raise failed.error

    # What is looked at

    def observe(self, key: str) -> Observed | None:
        """All that matters about one pool; None when there is none."""
        s = self._stores
        pool = s.pools.by_key(key)
        if pool is None:
            return None
        meta = pool.metadata
        machines = s.vms.by_index("controller", meta.uid)
        return Observed(
            pool=pool,
            owned=tuple(Member(vm=vm, vmi=self._instance_of(vm)) for vm in machines),
            strays=tuple(vm for vm in s.vms.by_index("pooled", key) if not is_controlled_by(vm.metadata, meta.uid)),
            revisions=tuple(s.revisions.by_index("controller", meta.uid)),
            is_taken=lambda name: s.vms.get(meta.namespace, name) is not None,
            disks={key: disk for vm in machines if vm.metadata.deletion_timestamp is not None
                   for key, disk in self._disks_kept(vm).items()},
            now=self._clock(),
            seed=random.getrandbits(32),
        )

    def _instance_of(self, vm: VirtualMachine) -> VirtualMachineInstance | None:
        vmi = self._stores.vmis.get(vm.metadata.namespace, vm.metadata.name)
        return vmi if vmi is not None and is_controlled_by(vmi.metadata, vm.metadata.uid) else None

    def _disks_kept(self, vm: VirtualMachine) -> dict[str, Any]:
        """What is known of the data volumes and claims that may survive a machine on its way out."""
        s, namespace = self._stores, vm.metadata.namespace
        found: dict[str, Any] = {}
        for name in scale.disks_of(vm):
            for cache in (s.claims, s.datavolumes):
                if (disk := cache.get(namespace, name)) is not None:
                    found[f"{cache.resource.plural}/{name}"] = disk
        return found

    # What wakes it

    def _on_object(self, old: VirtualMachinePool | None, new: VirtualMachinePool | None) -> None:
        self.queue.add(key_of_change(old, new))

    def _on_vm(self, old: VirtualMachine | None, new: VirtualMachine | None) -> None:
        for vm in (old, new):
            if vm is not None:
                self._add_all(pool_of_vm(vm))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        vmi = new if new is not None else old
        owner = vmi.metadata.controller if vmi is not None else None
        if vmi is None or owner is None or (vm := self._stores.vms.get(vmi.metadata.namespace, owner.name)) is None:
            return
        self._add_all(pool_of_vm(vm))

    def _add_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.queue.add_after(key, GATHERING_S)
