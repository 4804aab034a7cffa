"""What is refused of migrations, snapshots, restores, exports, backups and clones: field, reason and wording.

Each case is a manifest's spec as it would be sent, next to the causes it must get and no others. Pools, instance types
and the installation: test_api_offer_validation.
"""

from collections.abc import Callable

import pytest
from kind_samples import PLAIN, gates, named, short, without

from kubevirt.api import codec
from kubevirt.api.backup import VirtualMachineBackup
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults.requests import default_clone, default_migration
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.snapshot_content import CapturedVirtualMachine
from kubevirt.api.validation import clones, exports, migration, snapshots
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject, merge


def vm_move(spec: Json, name: str = "new", **more: Json) -> VirtualMachineInstanceMigration:
    return codec.convert(named(spec, name, **more), VirtualMachineInstanceMigration)


# Migrations -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "by_controller", "config", "expected"),
    [
        pytest.param({"vmiName": "a"}, False, PLAIN, [], id="an instance is enough"),
        pytest.param({}, False, PLAIN, [("Required", "spec.vmiName", "vmiName is missing")], id="no instance"),
        pytest.param(
            {"vmiName": "a", "priority": "system-critical"},
            False,
            PLAIN,
            [("NotSupported", "spec.priority",
              "Migration priority queue, only virt-controller is allowed to set priority field")],
            id="users have no priority",
        ),
        pytest.param({"vmiName": "a", "priority": "system-critical"}, True, PLAIN, [], id="the controller has"),
        pytest.param(
            {"vmiName": "a", "receive": {"migrationID": "1"}},
            False,
            without("DecentralizedLiveMigration"),
            [("Invalid", "spec", "DecentralizedLiveMigration feature gate is not enabled in kubevirt resource")],
            id="between clusters, gate off",
        ),
        pytest.param(
            {"vmiName": "a", "receive": {"migrationID": "1"}, "sendTo": {"migrationID": "2", "connectURL": "h:1"}},
            False,
            PLAIN,
            [("Invalid", "spec", "sendTo migrationID 2 does not match receive migrationID 1")],
            id="two moves in one",
        ),
    ],
)
def test_new_migrations(
    spec: JsonObject, by_controller: bool, config: ClusterConfig, expected: list[tuple[str, str, str]]
) -> None:
    found = migration.validate_migration_create(vm_move(spec), config, by_controller=by_controller)
    assert short(found) == expected


def instance(**status: Json) -> VirtualMachineInstance:
    return codec.convert(named({}, "a", status={"phase": "Running", **status}), VirtualMachineInstance)


def condition(kind: str, status: str, reason: str = "", message: str = "") -> JsonObject:
    return {"type": kind, "status": status, "reason": reason, "message": message}


STUCK = condition("LiveMigratable", "False", "DisksNotLiveMigratable", "a disk is local")


@pytest.mark.parametrize(
    ("vmi", "others", "expected"),
    [
        pytest.param(instance(), [], "", id="a running instance moves"),
        pytest.param(None, [], 'the VMI "ns/a" does not exist', id="no such instance"),
        pytest.param(instance(phase="Succeeded"), [], "Cannot migrate VMI in finalized state.", id="over"),
        pytest.param(
            instance(conditions=[STUCK]),
            [],
            "Cannot migrate VMI, Reason: DisksNotLiveMigratable, Message: a disk is local",
            id="bound to its node",
        ),
        pytest.param(
            instance(conditions=[STUCK, condition("VolumesChange", "True")]), [], "", id="its disks are moved away"
        ),
        pytest.param(
            instance(),
            [vm_move({"vmiName": "a"}, "old", status={"phase": "Running"})],
            "in-flight migration detected. Active migration job (uid-of-old) is currently already in progress for "
            "VMI a.",
            id="on its way already",
        ),
        pytest.param(
            instance(), [vm_move({"vmiName": "a"}, "old", status={"phase": "Failed"})], "", id="tried before"
        ),
        pytest.param(instance(), [vm_move({"vmiName": "b"}, "old")], "", id="another one is on its way"),
    ],
)
def test_what_stands_in_the_way_of_a_migration(
    vmi: VirtualMachineInstance | None, others: list[VirtualMachineInstanceMigration], expected: str
) -> None:
    assert migration.migration_obstacle(vm_move({"vmiName": "a"}), vmi, others) == expected


@pytest.mark.parametrize(
    ("phase", "before", "after", "spec", "expected"),
    [
        pytest.param("Running", "a", "a", "a", "", id="nothing changes"),
        pytest.param("Running", "a", "a", "b", "update of Migration object's spec is restricted", id="spec"),
        pytest.param("Running", "a", None, "a", "selector label can't be removed from an in-flight migration",
                     id="label removed"),
        pytest.param("Running", "a", "b", "a", "selector label can't be modified on an in-flight migration",
                     id="label changed"),
        pytest.param("Running", None, "a", "a", "", id="label added"),
        pytest.param("Succeeded", "a", None, "a", "", id="label removed when over"),
    ],
)
def test_changed_migrations(phase: str, before: str | None, after: str | None, spec: str, expected: str) -> None:
    def make(vmi: str, label: str | None) -> VirtualMachineInstanceMigration:
        labels: JsonObject = {"kubevirt.io/vmi-name": label} if label else {}
        made = merge(named({"vmiName": vmi}, status={"phase": phase}), {"metadata": {"labels": labels}})
        return codec.convert(made, VirtualMachineInstanceMigration)

    found = migration.validate_migration_update(make("a", before), make(spec, after))
    assert [cause.message for cause in found] == ([expected] if expected else [])


STALL: JsonObject = {"stallDetector": {}}
TUNE: JsonObject = {"downtimeTuning": {}}


@pytest.mark.parametrize(
    ("spec", "config", "expected"),
    [
        pytest.param({"bandwidthPerMigration": "64Mi", "completionTimeoutPerGiB": 0}, PLAIN, [], id="sensible"),
        pytest.param({"completionTimeoutPerGiB": -1}, PLAIN,
                     [("Invalid", "spec.completionTimeoutPerGiB", "must not be negative")], id="time"),
        pytest.param({"bandwidthPerMigration": "-1Mi"}, PLAIN,
                     [("Invalid", "spec.bandwidthPerMigration", "must not be negative")], id="bandwidth"),
        pytest.param({"experimental": STALL}, PLAIN,
                     [("Invalid", "spec.experimental.stallDetector",
                       "stallDetector requires the MigrationStallDetection feature gate to be enabled")], id="gate"),
        pytest.param({"experimental": {**STALL, **TUNE}}, gates("MigrationStallDetection", "MigrationDowntimeTuning"),
                     [("Invalid", "spec.experimental", "stallDetector and downtimeTuning are mutually exclusive")],
                     id="either or"),
    ],
)
def test_migration_policies(
    spec: JsonObject, config: ClusterConfig, expected: list[tuple[str, str, str]]
) -> None:
    policy = codec.convert(named({"selectors": {}, **spec}), MigrationPolicy)
    assert short(migration.validate_migration_policy(policy, config)) == expected


def test_a_migration_is_found_by_its_instance_and_kept_until_cleaned_up_after() -> None:
    given = vm_move({"vmiName": "a"})
    changed = default_migration(default_migration(given))
    assert changed.metadata.labels == {"kubevirt.io/vmi-name": "a"}
    assert changed.metadata.finalizers == ["kubevirt.io/migrationJobFinalize"]
    assert given.metadata.finalizers == []


# Snapshots, restores, exports, backups --------------------------------------------------------------------------------

VM: JsonObject = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "a"}
SAME = ("Invalid", "spec", "spec in immutable after creation")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(VM, [], id="a machine"),
        pytest.param({"kind": "VirtualMachine", "name": "a"},
                     [("NotFound", "spec.source.apiGroup", "missing apiGroup")], id="no group"),
        pytest.param({**VM, "apiGroup": "apps"}, [("Invalid", "spec.source.apiGroup", "invalid apiGroup")],
                     id="another group"),
        pytest.param({**VM, "kind": "Pod"}, [("Invalid", "spec.source.kind", "invalid kind")], id="another kind"),
    ],
)
def test_snapshots(source: JsonObject, expected: list[tuple[str, str, str]]) -> None:
    snapshot = codec.convert(named({"source": source}), VirtualMachineSnapshot)
    assert short(snapshots.validate_snapshot(snapshot)) == expected
    assert snapshots.validate_snapshot(snapshot, snapshot) == []
    other = codec.convert(named({"source": source, "failureDeadline": "1m"}), VirtualMachineSnapshot)
    assert short(snapshots.validate_snapshot(other, snapshot)) == [SAME]


def restore_of(spec: JsonObject, name: str = "new", *, complete: bool = False) -> VirtualMachineRestore:
    whole: JsonObject = {"target": VM, "virtualMachineSnapshotName": "s", **spec}
    return codec.convert(named(whole, name, status={"complete": complete}), VirtualMachineRestore)


R = "spec.volumeRestoreOverrides[0]"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="a machine"),
        pytest.param({"target": {**VM, "kind": "Pod"}}, [("Invalid", "spec.target.kind", "invalid kind")], id="kind"),
        pytest.param({"patches": ['{"op": "replace", "path": "/spec/x", "value": "02:00:00:00:00:01"}']}, [],
                     id="a patch of the spec, colons in its value"),
        pytest.param({"patches": ['{"op": "remove", "path": "/metadata/labels/a"}']}, [], id="a patch of a label"),
        pytest.param({"patches": ['{"op": "remove", "path": "/metadata/name"}']},
                     [("Invalid", "spec.patches",
                       'patching is valid only for elements under /spec/ only: "path": "/metadata/name"')],
                     id="a patch of the name"),
        pytest.param({"patches": ["no"]},
                     [("Invalid", "spec.patches",
                       'patch format is not valid - one ":" expected in a single key-value json patch: no')],
                     id="no patch"),
        pytest.param({"volumeRestoreOverrides": [{}]},
                     [("Invalid", f"{R}.volumeName", "must provide a volume name"),
                      ("Invalid", R, "must provide at least one overriden field")], id="an empty override"),
        pytest.param({"volumeRestorePolicy": "X"},
                     [("Invalid", "spec.volumeRestorePolicy", 'volume restore policy "X" doesn\'t exist')],
                     id="policy"),
        pytest.param({"volumeOwnershipPolicy": "X"},
                     [("Invalid", "spec.volumeOwnershipPolicy", 'volume ownership policy "X" doesn\'t exist')],
                     id="ownership"),
    ],
)
def test_restores(spec: JsonObject, expected: list[tuple[str, str, str]]) -> None:
    assert short(snapshots.validate_restore(restore_of(spec))) == expected


def test_one_restore_works_on_a_machine_at_a_time() -> None:
    others = [restore_of({}, "over", complete=True), restore_of({}, "busy")]
    found = snapshots.validate_restore(restore_of({}), others=others)
    assert short(found) == [("Invalid", "spec.target", 'VirtualMachineRestore "busy" in progress')]


@pytest.mark.parametrize(("name", "refused"), [("a", False), ("b", True)])
def test_kept_tpm_state_is_restored_to_its_own_machine_only(name: str, refused: bool) -> None:
    template: JsonObject = {"spec": {"domain": {"devices": {"tpm": {"persistent": True}}}}}
    captured = codec.convert(named({"template": template}, name), CapturedVirtualMachine)
    told = "Restore to a different VM is not supported when snapshotted VM has backend storage (persistent TPM or EFI)"
    found = snapshots.validate_restore(restore_of({}), captured=captured)
    assert short(found) == ([("Invalid", "spec.target", told)] if refused else [])


E = "spec.source"


@pytest.mark.parametrize(
    ("source", "config", "expected"),
    [
        pytest.param(VM, PLAIN, [], id="a machine"),
        pytest.param({"kind": "PersistentVolumeClaim", "name": "a"}, PLAIN, [], id="a claim"),
        pytest.param({"apiGroup": "", "kind": "PersistentVolumeClaim", "name": "a"}, PLAIN, [], id="group blank"),
        pytest.param({"apiGroup": "v1", "kind": "PersistentVolumeClaim", "name": ""}, PLAIN,
                     [("Invalid", f"{E}.name", "PVC name must not be empty"),
                      ("Invalid", f"{E}.apiGroup", "PVC API group must be missing or blank")], id="an odd claim"),
        pytest.param({"kind": "VirtualMachine", "name": ""}, PLAIN,
                     [("Invalid", f"{E}.name", "Virtual Machine name must not be empty"),
                      ("Invalid", f"{E}.apiGroup", "VM API group must be kubevirt.io")], id="an odd machine"),
        pytest.param({"kind": "VirtualMachineSnapshot", "name": "s"}, PLAIN,
                     [("Invalid", f"{E}.apiGroup", "VMSnapshot API group must be snapshot.kubevirt.io")],
                     id="an odd snapshot"),
        pytest.param({"kind": "Pod", "name": "a"}, PLAIN, [("Invalid", f"{E}.kind", "invalid kind")], id="a pod"),
        pytest.param({"apiGroup": "template.kubevirt.io", "kind": "VirtualMachineTemplate", "name": "t"}, PLAIN,
                     [("Invalid", f"{E}.kind", "VirtualMachineTemplate source requires the OCIExport feature gate and "
                       "virt-template deployment to be enabled")], id="a template, gate off"),
    ],
)
def test_exports(source: JsonObject, config: ClusterConfig, expected: list[tuple[str, str, str]]) -> None:
    export = codec.convert(named({"source": source}), VirtualMachineExport)
    assert short(exports.validate_export(export, config)) == expected
    longer = codec.convert(named({"source": source, "ttlDuration": "9h"}), VirtualMachineExport)
    assert short(exports.validate_export(longer, config, export)) == [SAME]


def backup(name: str, **status: Json) -> VirtualMachineBackup:
    return codec.convert(named({"source": VM, "pvcName": "p"}, name, status=dict(status)), VirtualMachineBackup)


def test_one_backup_of_a_machine_at_a_time() -> None:
    done = backup("done", conditions=[{**condition("Complete", "True"), "lastTransitionTime": "2030-01-01T00:00:00Z"}])
    assert exports.validate_backup(backup("new"), [done]) == []
    found = exports.validate_backup(backup("new"), [done, backup("busy"), backup("new")])
    assert [cause.message for cause in found] == [
        'VirtualMachineBackup "busy" in progress for source',
        'VirtualMachineBackup "new" already exists',
    ]


@pytest.mark.parametrize(
    ("obstacle", "gate", "on", "message"),
    [
        (snapshots.snapshot_obstacle, "Snapshot", True, "snapshot feature gate not enabled"),
        (snapshots.restore_obstacle, "Snapshot", True, "Snapshot/Restore feature gate not enabled"),
        (clones.clone_obstacle, "Snapshot", True, "snapshot feature gate is not enabled"),
        (exports.backup_obstacle, "IncrementalBackup", False, "IncrementalBackup feature gate not enabled"),
    ],
)
def test_gates(obstacle: Callable[[ClusterConfig], str], gate: str, on: bool, message: str) -> None:
    assert obstacle(PLAIN) == ("" if on else message)
    assert obstacle(gates(gate)) == ""
    assert obstacle(without(gate)) == message


# Clones ---------------------------------------------------------------------------------------------------------------

C = "spec.source"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"source": VM, "target": {**VM, "name": "b"}, "labelFilters": ["a/*", "!a/b*"],
                      "newMacAddresses": {"n": "02:00:00:00:00:01"}, "patches": ['{"op": "remove", "path": "/x"}']},
                     [], id="a copy"),
        pytest.param({}, [("Invalid", C, "Source cannot be nil")], id="of nothing"),
        pytest.param({"source": {"kind": "VirtualMachine", "name": ""}},
                     [("Invalid", f"{C}.apiGroup", "Source's APIGroup cannot be empty"),
                      ("Invalid", f"{C}.name", "Source's name cannot be empty")], id="of something nameless"),
        pytest.param({"source": {**VM, "kind": "Pod"}}, [("Invalid", f"{C}.kind", "Source kind is not supported")],
                     id="of a pod"),
        pytest.param({"source": VM, "target": {**VM, "kind": "Pod"}},
                     [("Invalid", "spec.target.kind", "Target kind is not supported")], id="as a pod"),
        pytest.param({"source": VM, "target": VM},
                     [("Invalid", "spec.target.name",
                       "Target name cannot be equal to source name when both are VirtualMachines")], id="as itself"),
        pytest.param({"source": VM, "newMacAddresses": {"n": "x"}},
                     [("Invalid", "spec.newMacAddresses", "interface n has malformed MAC address (x).")], id="MAC"),
        pytest.param({"source": VM, "patches": ["{"]},
                     [("Invalid", "spec.patches", "patch is not valid JSON ({)")], id="patch"),
        pytest.param({"source": VM, "template": {"labelFilters": ["!"]}},
                     [("Invalid", "spec.template.labelFilters", "a negation character is not a valid filter")],
                     id="a filter of nothing"),
        pytest.param({"source": VM, "annotationFilters": ["a*b"]},
                     [("Invalid", "spec.annotationFilters",
                       "spec.annotationFilters filter a*b is invalid: cannot contain a * character (it can stand only "
                       f"at the end); FilterRules: {clones.FILTER_RULES}")], id="a wildcard within"),
    ],
)
def test_clones(spec: JsonObject, expected: list[tuple[str, str, str]]) -> None:
    assert short(clones.validate_clone(codec.convert(named(spec), VirtualMachineClone))) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "clone-a-x2345"}),
        ({**VM, "name": ""}, {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "clone-a-x2345"}),
        ({**VM, "name": "b"}, {**VM, "name": "b"}),
    ],
)
def test_a_copy_gets_a_name(target: Json, expected: JsonObject) -> None:
    clone = codec.convert(named({"source": VM, "target": target}), VirtualMachineClone)
    changed = default_clone(clone, make_suffix=lambda: "x2345")
    assert changed.spec.target is not None
    assert codec.to_builtins(changed.spec.target) == expected
