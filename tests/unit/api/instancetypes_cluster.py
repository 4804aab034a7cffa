"""A cluster of a few objects, as look-ups see it, and machines that name things in it."""

from __future__ import annotations

from typing import Any

import msgspec

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.instancetypes.lookups import Answer, Lookup
from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.instancetypes.volume_sources import DATA_SOURCES, DATA_VOLUMES, VOLUME_SNAPSHOTS
from kubevirt.api.resource import Resource
from kubevirt.api.resources import CONTROLLER_REVISIONS, PVCS
from kubevirt.api.vm import VirtualMachine

CONFIG = ClusterConfig(default_architecture="amd64")
NAMESPACE = "shop"
KINDS: dict[str, Resource[msgspec.Struct]] = {
    r.kind: r for r in (INSTANCETYPES, CLUSTER_INSTANCETYPES, PREFERENCES, CLUSTER_PREFERENCES, CONTROLLER_REVISIONS,
                        PVCS, DATA_VOLUMES, DATA_SOURCES, VOLUME_SNAPSHOTS)}

SMALL: dict[str, Any] = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}}


class Cluster:
    """`look` answers; `asked` remembers what it was asked for."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.objects: dict[Lookup, msgspec.Struct] = {}
        self.asked: list[str] = []
        for body in objects:
            resource = KINDS[body["kind"]]
            metadata = body["metadata"]
            namespace = metadata.get("namespace", NAMESPACE) if resource.namespaced else ""
            self.objects[Lookup(resource, metadata["name"], namespace)] = codec.convert(body, resource.type_)

    def look(self, lookup: Lookup) -> Answer:
        self.asked.append(f"{lookup.resource.kind}/{lookup.namespace}/{lookup.name}")
        return self.objects.get(lookup)


def thing(kind: str, name: str, spec: dict[str, Any] | None = None, *, labels: dict[str, str] | None = None,
          namespace: str = NAMESPACE, **more: Any) -> dict[str, Any]:
    """An object of the cluster."""
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
            **({"spec": spec} if spec is not None else {}), **more}


def copy(name: str, of: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The stored copy of an instance type or preference."""
    return thing("ControllerRevision", name, labels={"instancetype.kubevirt.io/object-name": of},
                 data={"kind": kind, "spec": spec})


def labels(instancetype: str = "", preference: str = "", kinds: str = "") -> dict[str, str]:
    """Labels that name an instance type and a preference; `kinds` begins the names of both kinds."""
    prefix = "instancetype.kubevirt.io/default-"
    found = {f"{prefix}instancetype": instancetype, f"{prefix}preference": preference}
    if kinds:
        found[f"{prefix}instancetype-kind"] = f"{kinds}Instancetype"
        found[f"{prefix}preference-kind"] = f"{kinds}Preference"
    return {key: value for key, value in found.items() if value}


def machine(spec: dict[str, Any] | None = None, template: dict[str, Any] | None = None,
            status: dict[str, Any] | None = None, **more: Any) -> VirtualMachine:
    """A machine; `spec` is that of the machine, `template` that of its instances."""
    body = {"runStrategy": "Always", "template": {"spec": template or {"domain": {"devices": {}}}}, **(spec or {})}
    return codec.convert({"metadata": {"name": "web", "namespace": NAMESPACE}, "spec": body, "status": status or {},
                          **more}, VirtualMachine)
