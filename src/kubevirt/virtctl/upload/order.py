"""What a user wants uploaded where, and the objects that come from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.kit.json import JsonObject
from kubevirt.virtctl.claims import claim

UPLOAD_TARGET = "cdi.kubevirt.io/storage.upload.target"
CONTENT_TYPE = "cdi.kubevirt.io/storage.contentType"
BIND_NOW = "cdi.kubevirt.io/storage.bind.immediate.requested"
POD_READY = "cdi.kubevirt.io/storage.pod.ready"
POD_PHASE = "cdi.kubevirt.io/storage.pod.phase"
USES_POPULATOR = "cdi.kubevirt.io/storage.usePopulator"
PRIME_CLAIM = "cdi.kubevirt.io/storage.populator.pvcPrime"
CDI = "cdi.kubevirt.io/v1beta1"
TYPES = "instancetype.kubevirt.io"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One call of image-upload. `kind` is `dv` or `pvc`."""

    kind: str
    name: str
    path: str
    is_archive: bool = False
    size: str = ""
    create: bool = True
    proxy_url: str = ""
    wait_s: float = 300.0
    datasource: bool = False
    storage_class: str = ""
    access_mode: str = ""
    volume_mode: str = ""
    force_bind: bool = False
    insecure: bool = False
    retry: int = 5
    instancetype: tuple[str, str] = ("", "")
    preference: tuple[str, str] = ("", "")

    @property
    def is_dv(self) -> bool:
        return self.kind == "dv"

    @property
    def content_type(self) -> str:
        return "archive" if self.is_archive else "kubevirt"

    def labels(self) -> JsonObject:
        """Labels that say with which instance type and preference machines boot from the volume."""
        given = {
            f"{TYPES}/default-instancetype": self.instancetype[0],
            f"{TYPES}/default-instancetype-kind": self.instancetype[1],
            f"{TYPES}/default-preference": self.preference[0],
            f"{TYPES}/default-preference-kind": self.preference[1],
        }
        return {name: value for name, value in given.items() if value}

    def annotations(self) -> JsonObject:
        """Annotations of what is created."""
        return {BIND_NOW: ""} if self.force_bind else {}


def data_volume(order: Order) -> JsonObject:
    """The DataVolume to create."""
    storage: JsonObject = {"resources": {"requests": {"storage": order.size}}}
    if order.storage_class:
        storage["storageClassName"] = order.storage_class
    if order.access_mode:
        storage["accessModes"] = [order.access_mode]
    if order.volume_mode:
        storage["volumeMode"] = order.volume_mode
    metadata: JsonObject = {"name": order.name}
    if labels := order.labels():
        metadata["labels"] = labels
    if annotations := order.annotations():
        metadata["annotations"] = annotations
    return {
        "apiVersion": CDI,
        "kind": "DataVolume",
        "metadata": metadata,
        "spec": {"source": {"upload": {}}, "contentType": order.content_type, "storage": storage},
    }


def upload_claim(order: Order) -> JsonObject:
    """The PersistentVolumeClaim to create."""
    return claim(
        order.name,
        size=order.size,
        access_mode=order.access_mode,
        storage_class=order.storage_class,
        volume_mode=order.volume_mode,
        labels=order.labels(),
        annotations={UPLOAD_TARGET: "", CONTENT_TYPE: order.content_type, **order.annotations()},
    )


def token_request(claim_name: str) -> JsonObject:
    """Asks for the right to upload into a claim."""
    return {
        "apiVersion": "upload.cdi.kubevirt.io/v1beta1",
        "kind": "UploadTokenRequest",
        "metadata": {"generateName": "token-for-virtctl-"},
        "spec": {"pvcName": claim_name},
    }


def data_source(order: Order, namespace: str) -> JsonObject:
    """A DataSource that leads to the claim."""
    metadata: JsonObject = {"name": order.name}
    if labels := order.labels():
        metadata["labels"] = labels
    source: JsonObject = {"pvc": {"name": order.name, "namespace": namespace}}
    return {"apiVersion": CDI, "kind": "DataSource", "metadata": metadata, "spec": {"source": source}}
