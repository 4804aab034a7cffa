"""The VM controller: gathers what is to be looked at from the caches, and carries out what is decided.

All knowledge about VMs is in the pure modules beside this one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from kubevirt.api.resources import VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.times import now
from kubevirt.kube.cache import key_of
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Failed, Performer
from kubevirt.virt_controller.actions import FailureWords, Patch
from kubevirt.virt_controller.cluster import Cluster
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.revision import StartRevision, is_stray
from kubevirt.virt_controller.stores import Stores, key_of_change
from kubevirt.virt_controller.vm import ownership
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.importer_view import ImporterView
from kubevirt.virt_controller.vm.in_step import Patterns
from kubevirt.virt_controller.vm.observed import Decision, Observed
from kubevirt.virt_controller.vm.offered import is_copy
from kubevirt.virt_controller.vm.offers_view import OffersView
from kubevirt.virt_controller.vm.status import hold_s, status_after
from kubevirt.virt_controller.volumes import claim_names

STEPS_AT_MOST = 6  # marks, adoption, start; more would be a decision that its own outcome does not satisfy

FAILED_STATUS = FailureWords(reason="FailedUpdateError")


class VmController:
    """`reconcile` is called by workers of `queue`, one at a time for each VM."""

    def __init__(self, stores: Stores, cluster: Cluster, performer: Performer, queue: WorkQueue, *,
                 patterns: Patterns | None = None, clock: Callable[[], datetime] = now) -> None:
        self._clock = clock
        self._cluster = cluster
        self._patterns = patterns or Patterns()
        self._stores = stores
        self._performer = performer
        self.queue = queue
        self._importer = ImporterView(stores, queue)
        self._offers = OffersView(stores, queue)
        stores.vms.on_change(self._on_object)
        stores.vmis.on_change(self._on_vmi)
        stores.claims.on_change(self._on_claim)
        stores.revisions.on_change(self._on_revision)

    async def reconcile(self, key_: str) -> float | None:
        """Brings one VM nearer to its spec. Returns the seconds after which it wants to be looked at again."""
        decision, failed = await self._take_steps(key_)
        o = self.observe(key_)
        if o is None:
            return None
        wait_s = decision.again_s
        problem = failed.problem if failed is not None else decision.problem
        status = status_after(o, problem, ask_for_start=decision.ask_for_start)
        if status != o.vm.status:
            if (hold := hold_s(o, status)) > 0:
                wait_s = min(hold, wait_s or hold)
            else:
                failed = await self._write_status(o.vm, replace(o.vm, status=status)) or failed
        for event in decision.news:
            self._performer.tell(o.vm, event)
        if failed is None and (o := self.observe(key_)) is not None:
            failed = await self._performer.perform(ownership.after_status(o), about=o.vm)
        if failed is not None:
            raise failed.error
        return wait_s

    async def _take_steps(self, key_: str) -> tuple[Decision, Failed | None]:
        decision = Decision()
        for _ in range(STEPS_AT_MOST):
            o = self.observe(key_)
            if o is None:
                break
            decision = decide(o)
            if not decision.actions:
                break
            failure = find(o.vm.status.conditions, "Failure")
            known = failure.message if failure is not None else ""
            failed = await self._performer.perform(decision.actions, about=o.vm, known=known)
            if failed is not None and not self._importer.takes_claim_instead(decision.actions, failed):
                return decision, failed
        return decision, None

    async def _write_status(self, old: VirtualMachine, new: VirtualMachine) -> Failed | None:
        patch = Patch(resource=VMS, old=old, new=new, subresource="status", failed=FAILED_STATUS)
        return await self._performer.perform((patch,), about=old)

    def observe(self, key_: str) -> Observed | None:
        """All that matters about one VM; None when there is none."""
        s = self._stores
        vm = s.vms.by_key(key_)
        if vm is None:
            return None
        meta = vm.metadata
        wanted = claim_names(vm.spec.template.spec.volumes)
        if (dump := vm.status.memory_dump_request) is not None:
            wanted.append(dump.claim_name)
        claims = ((name, s.claims.get(meta.namespace, name)) for name in wanted)
        return Observed(
            vm=vm,
            named=s.vmis.get(meta.namespace, meta.name),
            misnamed=tuple(v for v in s.vmis.by_index("controller", meta.uid) if v.metadata.name != meta.name),
            revisions=tuple(r for r in s.revisions.by_index("controller", meta.uid) if not is_copy(r)),
            claims={name: claim for name, claim in claims if claim is not None},
            importer=self._importer.facts(vm),
            offered=self._offers.facts(vm),
            config=self._cluster.config,
            patterns=self._patterns,
            now=self._clock(),
            slack=random.random(),  # noqa: S311 - spreads retries, keeps no secret
        )

    def _on_object(self, old: VirtualMachine | None, new: VirtualMachine | None) -> None:
        self.queue.add(key_of_change(old, new))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        for vmi in (old, new):
            if vmi is None:
                continue
            self._add_if_known(vmi.metadata.namespace, vmi.metadata.name)
            owner = vmi.metadata.controller
            if owner is not None and owner.kind == "VirtualMachine" and owner.name != vmi.metadata.name:
                self._add_if_known(vmi.metadata.namespace, owner.name)

    def _on_claim(self, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        for vm in self._stores.vms.by_index("claim", key_of_change(old, new)):
            self.queue.add(key_of(vm))

    def _on_revision(self, old: StartRevision | None, new: StartRevision | None) -> None:
        # One that is taken over tells for the first time what the guest was started from; others the VM makes itself.
        owner = new.metadata.controller if new is not None and old is not None and is_stray(old) else None
        if new is not None and owner is not None:
            self._add_if_known(new.metadata.namespace, owner.name)

    def _add_if_known(self, namespace: str, name: str) -> None:
        if self._stores.vms.get(namespace, name) is not None:
            self.queue.add(f"{namespace}/{name}")
