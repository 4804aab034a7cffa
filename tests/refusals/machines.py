"""What is refused of virtual machines beside what is refused of their templates."""

from __future__ import annotations

from kubevirt.kit.json import Json, JsonObject, merge
from tests.refusals.samples import GOOD, Refusal, disk

T = "spec.template.spec"
CLAIM: JsonObject = {"storage": {"resources": {"requests": {"storage": "1Gi"}}}, "source": {"blank": {}}}
VOLUME: JsonObject = {"name": "root", "dataVolume": {"name": "dv"}}


def machine(change: Json, name: str = "refused") -> JsonObject:
    """A machine that is admitted, where the change says how it runs."""
    vm: JsonObject = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": name},
                      "spec": {"template": {"spec": GOOD}}}
    changed = merge(vm, {"spec": change})
    assert isinstance(changed, dict)
    return changed


def data(**members: Json) -> JsonObject:
    """A machine with a data volume of its own."""
    spec = merge(CLAIM, dict(members))
    template: JsonObject = {"metadata": {"name": "dv"}, "spec": spec}
    return {"runStrategy": "Always", "template": {"spec": {"volumes": [VOLUME]}}, "dataVolumeTemplates": [template]}


MACHINES: list[Refusal] = [
    (
        {"running": True, "runStrategy": "Always"},
        "Invalid",
        "spec.running",
        "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
        "please use RunStrategy instead",
    ),
    ({}, "Required", "spec.running", "RunStrategy must be specified"),
    ({"runStrategy": "Sometimes"}, "Invalid", "spec.runStrategy", "Invalid RunStrategy (Sometimes)"),
    (
        {"runStrategy": "Always", "template": {"spec": disk(disk={"bus": "ide"})}},
        "Invalid",
        f"{T}.domain.devices.disks[0].disk.bus",
        "IDE bus is not supported",
    ),
    (
        {"runStrategy": "Always", "template": {"spec": {"volumes": None}}},
        "Invalid",
        f"{T}.domain.devices.disks[0].name",
        f"{T}.domain.devices.disks[0].Name 'root' not found.",
    ),
    (
        {"runStrategy": "Always", "template": {"spec": {"domain": {"cpu": {"sockets": 4, "maxSockets": 2}}}}},
        "Invalid",
        f"{T}.domain.cpu.sockets",
        "Number of sockets in CPU topology is greater than the maximum sockets allowed",
    ),
    (
        {"runStrategy": "Always", "template": {"spec": {"domain": {"memory": {"guest": "2Gi", "maxGuest": "1Gi"}}}}},
        "Invalid",
        f"{T}.domain.memory.guest",
        "Guest memory is greater than the configured maxGuest memory",
    ),
    (
        {"runStrategy": "Always", "template": {"spec": {"domain": {"memory": {"guest": "64Mi", "maxGuest": "1Gi"}}}}},
        "Invalid",
        f"{T}.domain.memory.guest",
        "Memory hotplug is only available for VMs with at least 1Gi of guest memory",
    ),
    (
        data() | {"template": None},
        "Required",
        "spec.template",
        "missing virtual machine template.",
    ),
    (
        {"runStrategy": "Always", "dataVolumeTemplates": [{"metadata": {"name": "dv"}, "spec": CLAIM}]},
        "Required",
        "spec.dataVolumeTemplate[0]",
        "DataVolumeTemplate entry spec.dataVolumeTemplate[0] must be referenced in the VMI template's 'volumes' list",
    ),
    (
        {"runStrategy": "Always", "dataVolumeTemplates": [{"metadata": {}, "spec": CLAIM}]},
        "Required",
        "spec.dataVolumeTemplate[0].name",
        "'name' field must not be empty for DataVolumeTemplate entry spec.dataVolumeTemplate[0].",
    ),
    (data(storage=None), "Required", "spec.dataVolumeTemplate[0].PVC.Storage", "Missing Data volume PVC or Storage"),
    (
        data(pvc={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
        "Duplicate",
        "spec.dataVolumeTemplate[0].PVC.Storage",
        "Duplicate storage definition, both target storage and target pvc defined",
    ),
    (
        data(storage={"dataSource": {"kind": "VolumeSnapshot", "name": "a"}}),
        "Invalid",
        "spec.dataVolumeTemplate[0].source",
        "External population is incompatible with Source and SourceRef",
    ),
    (
        data(source=None),
        "Invalid",
        "spec.dataVolumeTemplate[0].source",
        "Data volume should have either Source, SourceRef, or be externally populated",
    ),
    (data(source={"blank": None}), "Invalid", "spec.dataVolumeTemplate[0].source", "Missing dataVolume valid source"),
    (
        data(source={"upload": {}}),
        "Invalid",
        "spec.dataVolumeTemplate[0].source",
        "Multiple dataVolume sources",
    ),
]
