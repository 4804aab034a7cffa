"""Pools and their machines for tests."""

from __future__ import annotations

from typing import Any

import msgspec
from controller_objects import NOW, condition, owner, stamp

from kubevirt.api import codec
from kubevirt.api.meta import ObjectMeta
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.pool.observed import Member, Observed
from kubevirt.virt_controller.revision import StartRevision

UID = "pool-uid"
LABELS = {"app": "herd"}
OWNER = {**owner("VirtualMachinePool", "herd", UID), "apiVersion": "pool.kubevirt.io/v1beta1"}
FINALIZER = "pool.kubevirt.io/finalizer"
REVISION = "kubevirt.io/vm-pool-revision-name"
READY = [condition("Ready", "True")]


def template(*, memory: str = "64Mi", labels: dict[str, str] | None = None, volumes: list[Any] | None = None,
             disks: list[str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """What machines are made from; `disks` are names of data volumes."""
    domain = {"devices": {}, "memory": {"guest": memory}}
    spec: dict[str, Any] = {
        "runStrategy": "Always",
        "template": {"metadata": {"labels": LABELS}, "spec": {"domain": domain, "volumes": volumes or []}},
    }
    if disks:
        spec["dataVolumeTemplates"] = [{"metadata": {"name": d}, "spec": {}} for d in disks]
    meta = {"labels": LABELS if labels is None else labels, "annotations": annotations or {}}
    return {"metadata": meta, "spec": spec}


def pool(replicas: int | None = 2, *, made_from: dict[str, Any] | None = None, generation: int = 1,
         deleting: bool = False, finalizers: list[str] | None = None, status: dict[str, Any] | None = None,
         selector: dict[str, Any] | None = None, **spec: Any) -> VirtualMachinePool:
    """The pool `herd`."""
    meta: dict[str, Any] = {"name": "herd", "namespace": "shop", "uid": UID, "resourceVersion": "3",
                            "generation": generation,
                            "finalizers": [FINALIZER] if finalizers is None else finalizers}
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    body: dict[str, Any] = {"selector": selector if selector is not None else {"matchLabels": LABELS},
                            "virtualMachineTemplate": made_from or template(), **spec}
    if replicas is not None:
        body["replicas"] = replicas
    return codec.convert({"metadata": meta, "spec": body, "status": status or {}}, VirtualMachinePool)


def machine(index: int | str, *, revision: str = "herd-1", labels: dict[str, str] | None = None, owned: Any = OWNER,
            deleting: bool = False, finalizers: list[str] | None = None, age_s: float = 60,
            made_from: dict[str, Any] | None = None, status: dict[str, Any] | None = None,
            annotations: dict[str, str] | None = None) -> VirtualMachine:
    """The machine with that number (or name)."""
    name = f"herd-{index}" if isinstance(index, int) else index
    made = made_from or template()
    spec = msgspec.json.decode(msgspec.json.encode(made["spec"]))
    spec["template"]["metadata"]["labels"][REVISION] = revision
    meta: dict[str, Any] = {
        "name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "5",
        "creationTimestamp": stamp(age_s), "annotations": annotations or {},
        "labels": {**(made["metadata"]["labels"] if labels is None else labels), REVISION: revision},
        "finalizers": [FINALIZER] if finalizers is None else finalizers,
    }
    if owned:
        meta["ownerReferences"] = [owned]
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    return codec.convert({"metadata": meta, "spec": spec, "status": status or {}}, VirtualMachine)


def guest(vm: VirtualMachine, *, revision: str | None = "herd-1", phase: str = "Running", ready: bool = True,
          deleting: bool = False) -> VirtualMachineInstance:
    """The instance of a machine."""
    meta: dict[str, Any] = {
        "name": vm.metadata.name, "namespace": "shop", "uid": f"guest-{vm.metadata.name}", "resourceVersion": "7",
        "labels": {**LABELS, **({REVISION: revision} if revision else {})},
        "ownerReferences": [owner("VirtualMachine", vm.metadata.name, vm.metadata.uid)],
    }
    if deleting:
        meta["deletionTimestamp"] = stamp(1)
    return codec.convert({"metadata": meta, "spec": {"domain": {"devices": {}}},
                          "status": {"phase": phase, "conditions": READY if ready else []}}, VirtualMachineInstance)


def serving(index: int, *, runs: str | None = "herd-1", **rest: Any) -> Member:
    """A machine with a guest that serves, started from the revision `runs`."""
    vm = machine(index, **rest)
    return Member(vm=vm, vmi=guest(vm, revision=runs))


def down(index: int, *, runs: str | None = "herd-1", **rest: Any) -> Member:
    """A machine with a guest that does not serve."""
    vm = machine(index, **rest)
    return Member(vm=vm, vmi=guest(vm, revision=runs, ready=False))


def revision_of(made_from: dict[str, Any], generation: int = 1) -> StartRevision:
    """The revision of a pool whose template was this one."""
    data = {"virtualMachineTemplate": pool(made_from=made_from).spec.virtual_machine_template}
    meta = {"name": f"herd-{generation}", "namespace": "shop", "uid": f"r{generation}", "ownerReferences": [OWNER]}
    return StartRevision(metadata=codec.convert(meta, ObjectMeta), revision=generation,
                         data=msgspec.Raw(codec.encode(data)))


def seen(the_pool: VirtualMachinePool, *owned: Member | VirtualMachine, taken: tuple[str, ...] = (),
         revisions: tuple[StartRevision, ...] | None = None, **rest: Any) -> Observed:
    """What the controller sees; by default there is the revision of the default template."""
    members = tuple(m if isinstance(m, Member) else Member(vm=m) for m in owned)
    names_taken = {*taken, *(m.vm.metadata.name for m in members)}
    return Observed(pool=the_pool, owned=members, is_taken=names_taken.__contains__, now=NOW, seed=1,
                    revisions=(revision_of(template()),) if revisions is None else revisions, **rest)


