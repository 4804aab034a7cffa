"""VMIs for tests of `kubevirt.machine`: a small one with its defaults set, changed by what a test is about."""

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject
from kubevirt.machine.pod import PodContext

UID = "0b5d8c6e-1111-4222-8333-944455556666"


def merge(base: JsonObject, changes: JsonObject) -> JsonObject:
    """Objects are merged, everything else is replaced; None takes a member away."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge(old, value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def vmi(
    spec: JsonObject | None = None,
    *,
    domain: JsonObject | None = None,
    devices: JsonObject | None = None,
    metadata: JsonObject | None = None,
    status: JsonObject | None = None,
) -> VirtualMachineInstance:
    base: JsonObject = {
        "metadata": {"name": "guest", "namespace": "lab", "uid": UID},
        "spec": {
            "architecture": "amd64",
            "domain": {
                "cpu": {"cores": 1, "sockets": 1, "threads": 1, "maxSockets": 4, "model": "host-model"},
                "memory": {"guest": "1Gi"},
                "machine": {"type": "q35"},
                "features": {"acpi": {"enabled": True}},
                "firmware": {"uuid": "5f1fb0d9-0000-4000-8000-000000000001"},
                "devices": {"interfaces": [{"name": "default", "masquerade": {}}]},
                "resources": {},
            },
            "networks": [{"name": "default", "pod": {}}],
        },
    }
    changes: dict[str, Json] = {
        "spec": merge(spec or {}, {"domain": merge(domain or {}, {"devices": devices} if devices else {})}),
        "metadata": metadata or {},
        "status": status or {},
    }
    return codec.convert(merge(base, changes), VirtualMachineInstance)


def disk(name: str, **target: Json) -> JsonObject:
    """A disk; with no target given a virtio one."""
    return {"name": name, **(target or {"disk": {"bus": "virtio"}})}


def with_disks(*disks: JsonObject, volumes: list[Json], **more: JsonObject) -> VirtualMachineInstance:
    return vmi({"volumes": volumes, **more.pop("spec", {})}, devices={"disks": list(disks), **more.pop("devices", {})},
               **more)


def pod_context(**changes: object) -> PodContext:
    settings: dict[str, object] = {"launcher_image": "registry.example/launcher:1", "config": ClusterConfig()}
    return PodContext(**(settings | changes))  # type: ignore[arg-type]  # names from the case
