"""Gathers what the caches know of the importer's objects for each VM, and wakes the VMs that wait for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from kubevirt.api.vm import VirtualMachine
from kubevirt.kube.cache import key_of
from kubevirt.kube.queue import WorkQueue
from kubevirt.virt_controller.act import Failed, identity_of
from kubevirt.virt_controller.actions import Action, Create
from kubevirt.virt_controller.datavolumes import DATA_VOLUMES, DataSource, OptionalKind, Presence
from kubevirt.virt_controller.stores import Stores, datasources_of_vm, datavolumes_of_vm, key_of_change
from kubevirt.virt_controller.vm.data_volume_origin import sources_of
from kubevirt.virt_controller.vm.importer_facts import ImporterFacts

T = TypeVar("T", bound=msgspec.Struct)

EXISTS = "already exists"
NO_FACTS = ImporterFacts()


class ImporterView:
    """One per VM controller. Claims that stand in for DataVolumes are remembered until the program ends: the first try
    after that finds out again.
    """

    def __init__(self, stores: Stores, queue: WorkQueue) -> None:
        self._stores = stores
        self._queue = queue
        self._standing_in: set[str] = set()
        importer = stores.importer
        importer.data_volumes.objects.on_change(self._on_data_volume)
        importer.data_sources.objects.on_change(self._on_data_source)
        importer.data_volumes.on_presence(self._on_presence)
        importer.data_sources.on_presence(self._on_presence)

    def facts(self, vm: VirtualMachine) -> ImporterFacts:
        """All that matters about one VM."""
        importer, namespace = self._stores.importer, vm.metadata.namespace
        if not (wanted := list(datavolumes_of_vm(vm))):
            return NO_FACTS
        found = known(importer.data_volumes, wanted)
        sources: Mapping[str, DataSource] = {}
        copied: frozenset[str] = frozenset()
        standing_in: set[str] = set()
        if vm.spec.data_volume_templates:
            sources = known(importer.data_sources, datasources_of_vm(vm))
            copied = frozenset(f"{s.namespace}/{s.name}" for s in sources_of(vm, sources))
            standing_in = {key.partition("/")[2] for key in wanted if self._has_standing_in(key)}
        return ImporterFacts(
            presence=importer.data_volumes.presence,
            data_volumes={key.removeprefix(f"{namespace}/"): obj for key, obj in found.items()},
            data_sources=sources,
            source_claims=frozenset(key for key in copied if self._stores.claims.by_key(key) is not None),
            standing_in=frozenset(standing_in),
        )

    def takes_claim_instead(self, actions: Iterable[Action], failed: Failed) -> bool:
        """The importer would not make a DataVolume whose claim is there: from now on the claim is as good as it."""
        if EXISTS not in failed.error.cause:
            return False
        made = (identity_of(a.body) for a in actions if isinstance(a, Create) and a.resource is DATA_VOLUMES)
        claims = [self._stores.claims.get(namespace, name) for name, namespace, _ in made]
        there = {claim.metadata.uid for claim in claims if claim is not None}
        self._standing_in |= there
        return bool(there)

    def _has_standing_in(self, key: str) -> bool:
        claim = self._stores.claims.by_key(key) if self._standing_in else None
        return claim is not None and claim.metadata.uid in self._standing_in

    def _on_data_volume(self, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        self._wake(self._stores.vms.by_index("datavolume", key_of_change(old, new)))

    def _on_data_source(self, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        self._wake(self._stores.vms.by_index("datasource", key_of_change(old, new)))

    def _on_presence(self) -> None:
        self._wake(vm for vm in self._stores.vms.all() if vm.spec.data_volume_templates)

    def _wake(self, vms: Iterable[VirtualMachine]) -> None:
        for vm in vms:
            self._queue.add(key_of(vm))


def known(kind: OptionalKind[T], keys: Iterable[str]) -> dict[str, T]:
    """Those of the objects that are known to exist."""
    if kind.presence is not Presence.SERVED:
        return {}
    found = ((key, kind.objects.by_key(key)) for key in keys)
    return {key: obj for key, obj in found if obj is not None}
