"""Looks after start revisions without a controller: whenever one turns up, or somebody who may want it comes or goes.

There are next to none of them, so the machines that one may belong to are looked for in the whole cache. Only the
revisions have an index, since it is asked whenever a VM goes.
"""

from __future__ import annotations

from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.cache import key_of
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.revision import StartRevision, is_stray, started_uid
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.strays.decide import Observed, decide


class StrayController:
    """`reconcile` is called by workers of `queue`, one at a time for each revision."""

    def __init__(self, stores: Stores, performer: Performer, queue: WorkQueue) -> None:
        self._stores = stores
        self._performer = performer
        self.queue = queue
        stores.revisions.on_change(self._on_revision)
        stores.vmis.on_change(self._on_vmi)
        stores.vms.on_change(self._on_vm)

    async def reconcile(self, key_: str) -> float | None:
        """Brings one revision to whoever it belongs to. Never wants another look by itself."""
        o = self.observe(key_)
        if o is not None and (failed := await self._performer.perform(decide(o), about=o.revision)) is not None:
            raise failed.error
        return None

    def observe(self, key_: str) -> Observed | None:
        """All that matters about one stray revision; None where there is none."""
        revision = self._stores.revisions.by_key(key_)
        if revision is None or not is_stray(revision):
            return None
        name, namespace = revision.metadata.name, revision.metadata.namespace
        instance = next((i for i in self._stores.vmis.all() if i.metadata.namespace == namespace
                         and i.status.virtual_machine_revision_name == name), None)
        owner = instance.metadata.controller if instance is not None else None
        return Observed(
            revision=revision,
            machine=self._machine(namespace, started_uid(name)),
            instance=instance,
            owner=self._machine(namespace, owner.uid) if owner is not None else None,
        )

    def _machine(self, namespace: str, uid: str) -> VirtualMachine | None:
        return next((vm for vm in self._stores.vms.all() if vm.metadata.uid == uid
                     and vm.metadata.namespace == namespace), None)

    def _on_revision(self, _: StartRevision | None, new: StartRevision | None) -> None:
        if new is not None and is_stray(new):
            self.queue.add(key_of(new))

    def _on_vmi(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        vmi = new if new is not None else old
        if vmi is None or not (name := vmi.status.virtual_machine_revision_name):
            return
        revision = self._stores.revisions.get(vmi.metadata.namespace, name)
        if revision is not None and is_stray(revision):
            self.queue.add(key_of(revision))

    def _on_vm(self, old: VirtualMachine | None, new: VirtualMachine | None) -> None:
        if old is None or new is not None:
            return
        for revision in self._stores.revisions.by_index("stray", old.metadata.uid):
            self.queue.add(key_of(revision))
