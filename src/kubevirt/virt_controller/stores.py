"""The caches that the controllers share, each with the indexes they ask for.

One informer a resource, whoever reads it: with ten thousand VMIs every further copy would cost tens of megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from kubevirt.api import names
from kubevirt.api.instancetype import VirtualMachineClusterInstancetype, VirtualMachineInstancetype
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.objects import PersistentVolumeClaim
from kubevirt.api.pods import Node, Pod
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preference import VirtualMachineClusterPreference, VirtualMachinePreference
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.resources import KUBEVIRTS, NODES, PODS, PVCS, VMI_REPLICASETS, VMIS, VMS
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.cache import key_of
from kubevirt.kube.client import Client
from kubevirt.kube.informer import Informer
from kubevirt.machine import backend_storage
from kubevirt.virt_controller.datavolumes import DataVolume, Importer
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.revision import START_REVISIONS, StartRevision, machine_of_stray
from kubevirt.virt_controller.vm.offered import offers_of_vm
from kubevirt.virt_controller.volumes import claim_names

LAUNCHER_LABEL = "kubevirt.io=virt-launcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Live caches. What is got from them is shared and never changed in place."""

    vms: Informer[VirtualMachine]
    vmis: Informer[VirtualMachineInstance]
    pods: Informer[Pod]
    nodes: Informer[Node]
    claims: Informer[PersistentVolumeClaim]
    revisions: Informer[StartRevision]
    kubevirts: Informer[KubeVirt]
    replicasets: Informer[VirtualMachineInstanceReplicaSet]
    pools: Informer[VirtualMachinePool]
    instancetypes: Informer[VirtualMachineInstancetype]
    cluster_instancetypes: Informer[VirtualMachineClusterInstancetype]
    preferences: Informer[VirtualMachinePreference]
    cluster_preferences: Informer[VirtualMachineClusterPreference]
    importer: Importer

    @property
    def datavolumes(self) -> Informer[DataVolume]:
        """All DataVolumes; empty where the cluster has no such kind."""
        return self.importer.data_volumes.objects

    @property
    def _needed(self) -> tuple[Informer[Any], ...]:
        return (self.vms, self.vmis, self.pods, self.nodes, self.claims, self.revisions, self.kubevirts,
                self.replicasets, self.pools, *self.offers)

    @property
    def offers(self) -> tuple[Informer[Any], ...]:
        """Everything that VMs are offered."""
        return self.instancetypes, self.cluster_instancetypes, self.preferences, self.cluster_preferences

    def __iter__(self) -> Iterator[Informer[Any]]:
        return iter((*self._needed, self.datavolumes))

    async def start(self, tasks: Tasks) -> None:
        """Starts all, and returns once each that every cluster has has its first list."""
        for informer in self._needed:
            informer.start(tasks)
        for informer in self._needed:
            await informer.synced()
        self.importer.start(tasks)


def make(client: Client, *, namespace: str) -> Stores:
    """The stores of one program; `namespace` is where KubeVirt itself is installed."""
    return Stores(
        vms=Informer(client, VMS, indexers={
            "claim": claims_of_vm, "controller": controller_uid, "pooled": pool_of_vm,
            "datavolume": datavolumes_of_vm, "datasource": datasources_of_vm, "offer": offers_of_vm}),
        vmis=Informer(client, VMIS, indexers={
            "controller": controller_uid, "free": namespace_of_free, "claim": claims_of_vmi, "node": node_of_vmi}),
        pods=Informer(client, PODS, labels=LAUNCHER_LABEL, indexers={"controller": controller_uid}),
        nodes=Informer(client, NODES),
        claims=Informer(client, PVCS, indexers={"state": machine_of_state}),
        revisions=Informer(client, START_REVISIONS, indexers={
            "controller": controller_uid, "stray": machine_of_stray}),
        kubevirts=Informer(client, KUBEVIRTS, namespace=namespace),
        replicasets=Informer(client, VMI_REPLICASETS, indexers={"namespace": namespace_of}),
        pools=Informer(client, POOLS),
        instancetypes=Informer(client, INSTANCETYPES),
        cluster_instancetypes=Informer(client, CLUSTER_INSTANCETYPES),
        preferences=Informer(client, PREFERENCES),
        cluster_preferences=Informer(client, CLUSTER_PREFERENCES),
        importer=Importer(client),
    )


def key_of_change(old: msgspec.Struct | None, new: msgspec.Struct | None) -> str:
    """`namespace/name` of what has come, changed or gone; one of the two is there."""
    obj = new if new is not None else old
    return key_of(obj) if obj is not None else ""


def controller_uid(obj: Any) -> Iterable[str]:
    """Index: the uid of what controls the object."""
    return [o.uid for o in obj.metadata.owner_references if o.controller]


def pool_of_vm(vm: VirtualMachine) -> Iterable[str]:
    """Index: the pool whose finalizer a VM carries, as `namespace/name`. Told by its owner, or else by its name."""
    meta = vm.metadata
    owner = meta.controller
    if owner is not None and owner.kind == POOLS.kind:
        return (f"{meta.namespace}/{owner.name}",)
    if names.FINALIZER_POOL not in meta.finalizers:
        return ()
    return (f"{meta.namespace}/{meta.name.rpartition('-')[0]}",)


def namespace_of(obj: Any) -> Iterable[str]:
    """Index: the namespace."""
    return (obj.metadata.namespace,)


def namespace_of_free(obj: Any) -> Iterable[str]:
    """Index: the namespace of what nothing controls."""
    return () if obj.metadata.controller is not None else (obj.metadata.namespace,)


def claims_of_vm(vm: VirtualMachine) -> Iterable[str]:
    """Index: the claims that a VM's template names."""
    return [f"{vm.metadata.namespace}/{name}" for name in claim_names(vm.spec.template.spec.volumes)]


def datavolumes_of_vm(vm: VirtualMachine) -> Iterable[str]:
    """Index: the DataVolumes that a VM makes, or that its template names."""
    made = [t.metadata.name for t in vm.spec.data_volume_templates if t.metadata is not None]
    named = [v.data_volume.name for v in vm.spec.template.spec.volumes if v.data_volume is not None]
    return [f"{vm.metadata.namespace}/{name}" for name in dict.fromkeys((*made, *named))]


def datasources_of_vm(vm: VirtualMachine) -> Iterable[str]:
    """Index: the DataSources that a VM's DataVolumes are made from."""
    refs = (t.spec.source_ref for t in vm.spec.data_volume_templates)
    return [f"{ref.namespace or vm.metadata.namespace}/{ref.name}" for ref in refs if ref is not None]


def claims_of_vmi(vmi: VirtualMachineInstance) -> Iterable[str]:
    """Index: the claims that a VMI uses."""
    return [f"{vmi.metadata.namespace}/{name}" for name in claim_names(vmi.spec.volumes)]


def machine_of_state(claim: PersistentVolumeClaim) -> Iterable[str]:
    """Index: the machine whose state a claim keeps, by its label."""
    machine = claim.metadata.labels.get(backend_storage.LABEL)
    return (f"{claim.metadata.namespace}/{machine}",) if machine else ()


def node_of_vmi(vmi: VirtualMachineInstance) -> Iterable[str]:
    """Index: the node that a VMI runs on."""
    return (vmi.status.node_name,) if vmi.status.node_name else ()
