"""Claims that virtctl makes itself: how large, in which mode, with which labels. Pure."""

from __future__ import annotations

from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kit.quantity import Quantity

APPLY_PROFILE = "cdi.kubevirt.io/applyStorageProfile"
MIB = 1024 * 1024
DUMP_EXTRA_BYTES = 100 * MIB
DEFAULT_OVERHEAD = 0.055


def overhead_of(config: JsonObject | None, storage_class: str) -> float:
    """The share of a file system that its own structures take; the usual one where nothing is known."""
    if config is None:
        return DEFAULT_OVERHEAD
    known = dig(config, "status", "filesystemOverhead")
    share = dig(known, "storageClass", storage_class) if storage_class else None
    share = share if share is not None else dig(known, "global")
    try:
        return float(str(share))
    except ValueError:
        return DEFAULT_OVERHEAD


def dump_size(guest_memory: Quantity, overhead: float) -> int:
    """Bytes of a claim that takes a guest's memory: whole MiB."""
    needed = (guest_memory.bytes + DUMP_EXTRA_BYTES) * (1 + overhead)
    return -(-int(needed) // MIB) * MIB


def claim(name: str, *, size: Json, access_mode: str, storage_class: str = "", volume_mode: str = "",
          labels: JsonObject | None = None, annotations: JsonObject | None = None) -> JsonObject:
    """A PersistentVolumeClaim."""
    metadata: JsonObject = {"name": name, "labels": {APPLY_PROFILE: "true", **(labels or {})}}
    if annotations:
        metadata["annotations"] = annotations
    spec: JsonObject = {
        "accessModes": [access_mode or "ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    if volume_mode:
        spec["volumeMode"] = volume_mode
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
