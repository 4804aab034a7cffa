"""A VM with a dataVolumeTemplate, its DataVolume, and what is decided of both."""

from __future__ import annotations

from typing import Any

from controller_objects import owner, seen, vm

from kubevirt.api import codec
from kubevirt.virt_controller.actions import Create
from kubevirt.virt_controller.datavolumes import DataVolume, Presence
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.importer_facts import ImporterFacts
from kubevirt.virt_controller.vm.observed import Observed

Json = dict[str, Any]
LATER = {"kubevirt.io/immediate-data-volume-creation": "false"}
VOLUMES = [{"name": "disk", "dataVolume": {"name": "root"}}]
ELSEWHERE = {"pvc": {"namespace": "images", "name": "golden"}}


def template(source: Json | None = None, **spec: Any) -> Json:
    origin = {} if "sourceRef" in spec else {"source": source or {"blank": {}}}
    return {"metadata": {"name": "root", "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {**origin, "storage": {"resources": {"requests": {"storage": "1Gi"}}}, **spec}}


def machine(strategy: str = "Always", *, of: Json | None = None, in_template: Json | None = None, **kwargs: Any) -> Any:
    spec = {"dataVolumeTemplates": [of or template()]}
    body = {"spec": {"domain": {"devices": {}, "firmware": {"uuid": "1"}}, "volumes": VOLUMES, **(in_template or {})}}
    return vm(strategy, spec=spec, template=body, **kwargs)


def volume(phase: str = "Succeeded", *conditions: Json, owned: bool = True) -> DataVolume:
    meta: Json = {"name": "root", "namespace": "shop", "uid": "dv", "resourceVersion": "3"}
    if owned:
        meta["ownerReferences"] = [owner()]
    return codec.convert({"metadata": meta, "status": {"phase": phase, "conditions": list(conditions)}}, DataVolume)


def facts(found: DataVolume | None = None, **more: Any) -> ImporterFacts:
    return ImporterFacts(presence=Presence.SERVED, data_volumes={"root": found} if found else {}, **more)


def looked_at(the_vm: Any, found: DataVolume | None = None, instance: Any = None, **more: Any) -> Observed:
    return seen(the_vm, instance, importer=facts(found, **more))


def words(o: Observed) -> list[str]:
    return [f"{type(a).__name__} {a.resource.kind}" for a in decide(o).actions]


def made(o: Observed) -> Create:
    (action,) = decide(o).actions
    assert isinstance(action, Create)
    return action
