"""What is refused of all kinds that are not machines or instances: a whole manifest a row.

A row without reason and field is refused as a whole, for something that stands in the way and not for a field.
"""

from typing import Final, NamedTuple

from kubevirt.kit.json import Json, JsonObject, merge
from tests.refusals.samples import GOOD, disk

GROUPS: Final = {
    "KubeVirt": "kubevirt.io/v1",
    "MigrationPolicy": "migrations.kubevirt.io/v1alpha1",
    "Plugin": "plugin.kubevirt.io/v1alpha1",
    "VirtualMachineBackup": "backup.kubevirt.io/v1alpha1",
    "VirtualMachineBackupTracker": "backup.kubevirt.io/v1alpha1",
    "VirtualMachineClone": "clone.kubevirt.io/v1beta1",
    "VirtualMachineClusterInstancetype": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClusterPreference": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineExport": "export.kubevirt.io/v1",
    "VirtualMachineInstanceMigration": "kubevirt.io/v1",
    "VirtualMachineInstancePreset": "kubevirt.io/v1",
    "VirtualMachineInstanceReplicaSet": "kubevirt.io/v1",
    "VirtualMachineInstancetype": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachinePool": "pool.kubevirt.io/v1beta1",
    "VirtualMachinePreference": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineRestore": "snapshot.kubevirt.io/v1beta1",
    "VirtualMachineSnapshot": "snapshot.kubevirt.io/v1beta1",
}


class Row(NamedTuple):
    """A manifest, and the only cause it is refused for."""

    manifest: JsonObject
    reason: str
    field: str
    message: str


def row(kind: str, spec: JsonObject, reason: str, field: str, message: str) -> Row:
    """A row about an object of a kind."""
    return Row({"apiVersion": GROUPS[kind], "kind": kind, "metadata": {"name": "refused"}, "spec": spec},
               reason, field, message)


def changed(spec: JsonObject, change: Json) -> JsonObject:
    """A spec with something changed; null takes a member away."""
    made = merge(spec, change)
    assert isinstance(made, dict)
    return made


VM: JsonObject = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a"}
LABELS: JsonObject = {"metadata": {"labels": {"app": "web"}}}
SELECTOR: JsonObject = {"matchLabels": {"app": "web"}}
SET: JsonObject = {"replicas": 0, "selector": SELECTOR, "template": {**LABELS, "spec": GOOD}}
POOL: JsonObject = {"replicas": 0, "selector": SELECTOR, "virtualMachineTemplate": {
    **LABELS, "spec": {"runStrategy": "Always", "template": {"spec": GOOD}}}}
RESTORE: JsonObject = {"target": VM, "virtualMachineSnapshotName": "s"}
OFFER: JsonObject = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}}
OTHERS: JsonObject = {"matchLabels": {"app": "db"}}
PT = "spec.virtualMachineTemplate.spec.template.spec"


def of_both(kind: str, spec: JsonObject, reason: str, field: str, message: str) -> list[Row]:
    """Rows about the kind of a namespace and that of the cluster."""
    return [row(f"VirtualMachine{each}{kind}", spec, reason, field, message) for each in ("", "Cluster")]


KINDS: list[Row] = [
    row("VirtualMachineInstanceReplicaSet", changed(SET, {"selector": OTHERS}),
        "Invalid", "spec.selector", "selector does not match labels."),
    row("VirtualMachineInstanceReplicaSet", changed(SET, {"template": {"spec": disk(disk={"bus": "ide"})}}),
        "Invalid", "spec.template.spec.domain.devices.disks[0].disk.bus", "IDE bus is not supported"),
    row("VirtualMachinePool", changed(POOL, {"selector": OTHERS}),
        "Invalid", "spec.selector", "selector does not match labels."),
    row("VirtualMachinePool", changed(POOL, {"virtualMachineTemplate": {"spec": {"runStrategy": None}}}),
        "Required", "spec.virtualMachineTemplate.spec.running", "RunStrategy must be specified"),
    row("VirtualMachinePool",
        changed(POOL, {"virtualMachineTemplate": {"spec": {"template": {"spec": disk(disk={"bus": "ide"})}}}}),
        "Invalid", f"{PT}.domain.devices.disks[0].disk.bus", "IDE bus is not supported"),
    row("VirtualMachinePool", changed(POOL, {"maxUnavailable": 0}),
        "Invalid", "spec.maxUnavailable", "maxUnavailable must be greater than 0"),
    row("VirtualMachinePool", changed(POOL, {"maxUnavailable": "5"}),
        "Invalid", "spec.maxUnavailable", "maxUnavailable percentage must end with %"),
    row("VirtualMachinePool", changed(POOL, {"maxUnavailable": "101%"}),
        "Invalid", "spec.maxUnavailable", "maxUnavailable percentage value 101 must be between 1 and 100"),
    row("VirtualMachinePool", changed(POOL, {"scaleInStrategy": {"proactive": {}, "unmanaged": {}}}),
        "Invalid", "spec.scaleInStrategy",
        "only one strategy can be configured at a time: but found proactive, unmanaged strategies"),
    row("VirtualMachineInstancePreset", {"selector": SELECTOR}, "Required", "spec.domain", "missing domain."),
    row("VirtualMachineInstancePreset",
        {"domain": {"devices": {}}, "selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        "Invalid", "spec.selector", "'Like' is not a valid label selector operator"),
    row("VirtualMachineInstanceMigration", {}, "Required", "spec.vmiName", "vmiName is missing"),
    row("VirtualMachineInstanceMigration", {"vmiName": "a", "priority": "system-critical"},
        "NotSupported", "spec.priority",
        "Migration priority queue, only virt-controller is allowed to set priority field"),
    row("VirtualMachineInstanceMigration",
        {"vmiName": "a", "receive": {"migrationID": "1"}, "sendTo": {"migrationID": "2", "connectURL": "h:1"}},
        "Invalid", "spec", "sendTo migrationID 2 does not match receive migrationID 1"),
    row("MigrationPolicy", {"selectors": {}, "completionTimeoutPerGiB": -1},
        "Invalid", "spec.completionTimeoutPerGiB", "must not be negative"),
    row("MigrationPolicy", {"selectors": {}, "bandwidthPerMigration": "-1Mi"},
        "Invalid", "spec.bandwidthPerMigration", "must not be negative"),
    row("MigrationPolicy", {"selectors": {}, "experimental": {"stallDetector": {}}},
        "Invalid", "spec.experimental.stallDetector",
        "stallDetector requires the MigrationStallDetection feature gate to be enabled"),
    row("VirtualMachineSnapshot", {"source": {**VM, "apiGroup": None}},
        "NotFound", "spec.source.apiGroup", "missing apiGroup"),
    row("VirtualMachineSnapshot", {"source": {**VM, "apiGroup": "apps"}},
        "Invalid", "spec.source.apiGroup", "invalid apiGroup"),
    row("VirtualMachineSnapshot", {"source": {**VM, "kind": "Pod"}},
        "Invalid", "spec.source.kind", "invalid kind"),
    row("VirtualMachineRestore", {**RESTORE, "target": {**VM, "kind": "Pod"}},
        "Invalid", "spec.target.kind", "invalid kind"),
    row("VirtualMachineRestore", {**RESTORE, "patches": ["no"]}, "Invalid", "spec.patches",
        'patch format is not valid - one ":" expected in a single key-value json patch: no'),
    row("VirtualMachineRestore", {**RESTORE, "patches": ['{"op": "remove", "path": "/metadata/name"}']},
        "Invalid", "spec.patches", 'patching is valid only for elements under /spec/ only: "path": "/metadata/name"'),
    row("VirtualMachineExport", {"source": {"kind": "Pod", "name": "a"}},
        "Invalid", "spec.source.kind", "invalid kind"),
    row("VirtualMachineExport", {"source": {"kind": "PersistentVolumeClaim", "name": ""}},
        "Invalid", "spec.source.name", "PVC name must not be empty"),
    row("VirtualMachineExport", {"source": {"apiGroup": "snapshot.kubevirt.io", "kind": "VirtualMachineSnapshot",
                                            "name": ""}},
        "Invalid", "spec.source.name", "VMSnapshot name must not be empty"),
    row("VirtualMachineExport", {"source": {**VM, "name": ""}},
        "Invalid", "spec.source.name", "Virtual Machine name must not be empty"),
    row("VirtualMachineExport", {"source": {**VM, "apiGroup": "apps"}},
        "Invalid", "spec.source.apiGroup", "VM API group must be kubevirt.io"),
    row("VirtualMachineClone", {"source": {**VM, "kind": "Pod"}, "target": {**VM, "name": "b"}},
        "Invalid", "spec.source.kind", "Source kind is not supported"),
    row("VirtualMachineClone", {"source": VM, "target": {**VM, "kind": "Pod"}},
        "Invalid", "spec.target.kind", "Target kind is not supported"),
    row("VirtualMachineClone", {"source": VM, "target": VM}, "Invalid", "spec.target.name",
        "Target name cannot be equal to source name when both are VirtualMachines"),
    row("VirtualMachineClone", {"source": VM, "newMacAddresses": {"n": "x"}},
        "Invalid", "spec.newMacAddresses", "interface n has malformed MAC address (x)."),
    row("VirtualMachineClone", {"source": VM, "patches": ["{"]},
        "Invalid", "spec.patches", "patch is not valid JSON ({)"),
    row("VirtualMachineClone", {"source": VM, "labelFilters": ["!"]},
        "Invalid", "spec.labelFilters", "a negation character is not a valid filter"),
    row("VirtualMachineBackup", {"source": VM, "pvcName": "p"}, "", "", "IncrementalBackup feature gate not enabled"),
    row("VirtualMachineBackupTracker", {"source": VM}, "", "", "IncrementalBackup feature gate not enabled"),
    row("Plugin", {"domainHooks": [{"cel": {"expression": "true"}}]}, "", "", "Plugins feature gate is not enabled"),
    *of_both("Instancetype", changed(OFFER, {"memory": {"overcommitPercent": 101}}),
             "Invalid", "spec.memory.overcommitPercent",
             "spec.memory.overcommitPercent '101': must be in range between 0 and 100."),
    *of_both("Instancetype", changed(OFFER, {"memory": {"overcommitPercent": 1, "hugepages": {"pageSize": "2Mi"}}}),
             "Invalid", "spec.memory.overcommitPercent",
             "spec.memory.overcommitPercent and spec.memory.hugepages should not be requested together."),
    *of_both("Preference", {"cpu": {"preferredCPUTopology": "flat"}},
             "Invalid", "spec.cpu.preferredCPUTopology", "unknown preferredCPUTopology flat"),
    row("KubeVirt", {"infra": {"replicas": 0}}, "Invalid", "spec.infra.replicas", "infra replica count can't be 0"),
    row("KubeVirt", {"configuration": {"additionalGuestMemoryOverheadRatio": "0.5"}}, "Invalid",
        "spec.configuration.additionalGuestMemoryOverheadRatio", "ratio provided, 0.5, cannot be smaller than 1.0"),
    row("KubeVirt", {"configuration": {"tlsConfiguration": {"minTLSVersion": "VersionTLS12", "ciphers": ["ROT13"]}}},
        "Invalid", "spec.configuration.tlsConfiguration.ciphers[0]", "ROT13 is not a valid cipher"),
    row("KubeVirt", {"configuration": {"migrations": {"maxDowntimeMs": 100}}}, "Invalid",
        "spec.configuration.migrations.maxDowntimeMs",
        "maxDowntimeMs cannot be modified without enabling the MigrationStallDetection or MigrationDowntimeTuning "
        "feature gate"),
    row("KubeVirt", {"workloads": {"nodePlacement": {"nodeSelector": {"a": "b c"}}}}, "Invalid",
        "spec.workloads.nodePlacement.nodeSelector",
        'spec.workloads.nodePlacement.nodeSelector: Invalid value: "b c": a valid label must be an empty string or '
        "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"),
]
