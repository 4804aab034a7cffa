"""The DataVolume that a template stands for: its source made definite, its owner, and who may copy that source.

A `sourceRef` is resolved here once and for all: what the DataSource stands for later does not touch a DataVolume that
is there. A copy from another namespace is made only if the service account of the VM may read there; virt-controller
itself could read everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from kubevirt.api import codec, names
from kubevirt.api.access_reviews import ResourceAttributes
from kubevirt.api.datavolume import DataVolumeTemplateSpec
from kubevirt.api.vm import VirtualMachine
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.instance import owner_reference
from kubevirt.virt_controller.actions import FailureWords, Permission
from kubevirt.virt_controller.datavolumes import DataSource

ALLOW_ADOPTION = "cdi.kubevirt.io/allowClaimAdoption"
CDI = "cdi.kubevirt.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A claim or snapshot that is copied."""

    kind: Literal["pvc", "snapshot"]
    namespace: str
    name: str


def sources_of(vm: VirtualMachine, data_sources: Mapping[str, DataSource]) -> Iterator[Source]:
    """What the VM's templates copy, as far as that can be told."""
    for template in vm.spec.data_volume_templates:
        try:
            source = resolved(vm, template, data_sources)
        except Problem:  # told when the DataVolume is to be made
            continue
        if source is not None:
            yield source


def resolved(vm: VirtualMachine, template: DataVolumeTemplateSpec,
             data_sources: Mapping[str, DataSource]) -> Source | None:
    """What the template copies; None where it copies nothing. Raises Problem where that cannot be told."""
    own, ref, given = vm.metadata.namespace, template.spec.source_ref, template.spec.source
    if ref is None:
        if given is not None and given.pvc is not None:
            return Source(kind="pvc", namespace=given.pvc.namespace or own, name=given.pvc.name)
        if given is not None and given.snapshot is not None:
            return Source(kind="snapshot", namespace=given.snapshot.namespace or own, name=given.snapshot.name)
        return None
    if ref.kind != "DataSource":
        raise Problem(cause=f"sourceRef kind {ref.kind} is not supported", remedy="refer to a DataSource")
    key = f"{ref.namespace or own}/{ref.name}"
    found = data_sources.get(key)
    if found is None:
        raise Problem(cause=f"DataSource {key} not found", remedy="create it, or name another one in sourceRef")
    origin = found.spec.source if found.spec.source.data_source is None else found.status.source
    there = found.metadata.namespace
    if origin.pvc is not None:
        return Source(kind="pvc", namespace=origin.pvc.namespace or there, name=origin.pvc.name)
    if origin.snapshot is not None:
        return Source(kind="snapshot", namespace=origin.snapshot.namespace or there, name=origin.snapshot.name)
    raise Problem(cause=f"DataSource {key} names neither a claim nor a snapshot yet",
                  remedy="see its condition Ready")


def body_of(vm: VirtualMachine, template: DataVolumeTemplateSpec, source: Source | None) -> JsonObject:
    """The DataVolume to create."""
    given = template.metadata
    spec: JsonObject = codec.to_builtins(template.spec)
    if source is not None:
        spec.pop("sourceRef", None)
        spec["source"] = {source.kind: {"namespace": source.namespace, "name": source.name}}
    if not spec.get("priorityClassName") and (inherited := vm.spec.template.spec.priority_class_name):
        spec["priorityClassName"] = inherited
    labels: Json = {**(given.labels if given else {}), names.LABEL_CREATED_BY: vm.metadata.uid}
    annotations: Json = {**(given.annotations if given else {}), ALLOW_ADOPTION: "true"}
    metadata: JsonObject = {
        "name": given.name if given else "", "namespace": vm.metadata.namespace, "labels": labels,
        "annotations": annotations, "ownerReferences": [codec.to_builtins(owner_reference(vm))],
    }
    return {"apiVersion": f"{CDI}/v1beta1", "kind": "DataVolume", "metadata": metadata, "spec": spec}


def service_account(vm: VirtualMachine) -> str:
    """In whose name the VM's DataVolumes are made."""
    spec = vm.spec.template.spec
    volumes = (v.service_account.service_account_name for v in spec.volumes if v.service_account is not None)
    return spec.service_account_name or next((name for name in volumes if name), "default")


def permission_for(vm: VirtualMachine, name: str, source: Source | None) -> Permission | None:
    """What the VM's service account must be allowed, so that this source may be copied; None within a namespace."""
    namespace = vm.metadata.namespace
    if source is None or source.namespace == namespace:
        return None
    clone = _right(source, CDI, "datavolumes", "source")
    pods = _right(source, "", "pods")
    by_hand = (pods,) if source.kind == "pvc" else (pods, _right(source, "", "pvcs"))
    user = f"system:serviceaccount:{namespace}:{service_account(vm)}"
    return Permission(
        user=user,
        groups=("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"),
        ways=((clone,), by_hand),
        refusal=f"User {user} has insufficient permissions in clone source namespace {source.namespace}",
        failed=FailureWords(
            reason="FailedCreate",
            condition="Error encountered while creating DataVolumes: ",
            event=f"Not authorized to create DataVolume {name}: ",
            event_reason="UnauthorizedDataVolumeCreate",
        ),
    )


def _right(source: Source, group: str, resource: str, subresource: str = "") -> ResourceAttributes:
    return ResourceAttributes(namespace=source.namespace, verb="create", group=group, resource=resource,
                              subresource=subresource, name=source.name)
