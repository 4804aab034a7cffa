"""Small manifests for end-to-end tests, as data that a test can bend."""

from __future__ import annotations

import copy
import json
from typing import Any

DISK_IMAGE = "kubevirt/cirros-container-disk-demo:latest"


def vm(name: str, **spec: Any) -> dict[str, Any]:
    """A VirtualMachine with one container disk; keyword arguments go into its spec (run strategy Always by default)."""
    if not spec.keys() & {"running", "runStrategy"}:
        spec["runStrategy"] = "Always"
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name},
        "spec": {**spec, "template": {"metadata": {"labels": {"test": name}}, "spec": instance_spec()}},
    }


def vmi(name: str) -> dict[str, Any]:
    """A VirtualMachineInstance with one container disk."""
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": name},
        "spec": instance_spec(),
    }


def instance_spec() -> dict[str, Any]:
    """The spec of a small instance behind masquerade."""
    return copy.deepcopy(
        {
            "terminationGracePeriodSeconds": 10,
            "domain": {
                "memory": {"guest": "96Mi"},
                "devices": {
                    "disks": [{"name": "containerdisk", "disk": {"bus": "virtio"}}],
                    "interfaces": [{"name": "default", "masquerade": {}}],
                },
            },
            "networks": [{"name": "default", "pod": {}}],
            "volumes": [{"name": "containerdisk", "containerDisk": {"image": DISK_IMAGE}}],
        }
    )


def as_json(manifest: dict[str, Any]) -> str:
    """What kubectl takes on standard input."""
    return json.dumps(manifest)
