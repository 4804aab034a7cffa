"""The VM controller's view of instance types and preferences: what a VM is offered, and which VMs wait for which."""

from __future__ import annotations

from typing import Any

from kubevirt.api.instancetypes.lookups import Answer, Look, Lookup
from kubevirt.api.resources import CONTROLLER_REVISIONS
from kubevirt.api.vm import VirtualMachine
from kubevirt.kube.cache import key_of
from kubevirt.kube.informer import Informer
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.stores import Stores
from kubevirt.virt_controller.vm.offered import Offered, gather, key_of_offer, parted_from, readable


class OffersView:
    """Looks VMs up again when something that they name has come, changed or gone."""

    def __init__(self, stores: Stores, queue: WorkQueue) -> None:
        self._stores = stores
        self._queue = queue
        self._look = looking_into(stores)
        for informer in stores.offers:
            self._follow(informer)

    def _follow(self, informer: Informer[Any]) -> None:
        def changed(old: Any, new: Any) -> None:
            meta = (new if new is not None else old).metadata
            key = key_of_offer(informer.resource, meta.namespace, meta.name)
            for vm in self._stores.vms.by_index("offer", key):
                self._queue.add(key_of(vm))

        informer.on_change(changed)

    def facts(self, vm: VirtualMachine) -> Offered:
        """What this VM is offered."""
        revisions, namespace = self._stores.revisions, vm.metadata.namespace
        parted = parted_from(vm, lambda name: revisions.get(namespace, name))
        return gather(vm, revisions.by_index("controller", vm.metadata.uid), self._look, parted)


def looking_into(stores: Stores) -> Look:
    """Answers from the caches; to be asked from any thread, as each answer is one read."""
    by_plural: dict[str, Informer[Any]] = {informer.resource.plural: informer for informer in stores.offers}

    def look(lookup: Lookup) -> Answer:
        if lookup.resource is CONTROLLER_REVISIONS:
            found = stores.revisions.get(lookup.namespace, lookup.name)
            return readable(found) if found is not None else None
        informer = by_plural.get(lookup.resource.plural)
        answer: Answer = informer.get(lookup.namespace, lookup.name) if informer is not None else None
        return answer

    return look
