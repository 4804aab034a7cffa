"""Whatever a manifest holds, defaults and rules end with a verdict or a Refused, in time that grows with its length.

Manifests of the tables are spoilt: a member anywhere is replaced by something that does not belong there. The webhooks'
way of dealing with bytes: tests/unit/kube; a whole cluster: tests/api.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubevirt.api import codec
from kubevirt.api.admission import admit_vm, admit_vmi
from kubevirt.api.backup import VirtualMachineBackup
from kubevirt.api.clone import VirtualMachineClone
from kubevirt.api.config import ClusterConfig
from kubevirt.api.defaults.presets import apply_presets
from kubevirt.api.defaults.requests import default_clone, default_migration
from kubevirt.api.export import VirtualMachineExport
from kubevirt.api.instancetype import VirtualMachineInstancetype
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.migration import VirtualMachineInstanceMigration
from kubevirt.api.migration_policy import MigrationPolicy
from kubevirt.api.plugin import Plugin
from kubevirt.api.pool import VirtualMachinePool
from kubevirt.api.preference import VirtualMachinePreference
from kubevirt.api.preset import VirtualMachineInstancePreset
from kubevirt.api.replicaset import VirtualMachineInstanceReplicaSet
from kubevirt.api.restore import VirtualMachineRestore
from kubevirt.api.snapshot import VirtualMachineSnapshot
from kubevirt.api.validation import (
    clones,
    exports,
    installation,
    migration,
    offers,
    plugins,
    snapshots,
    validate_replicaset,
    validate_vmi_update,
)
from kubevirt.api.validation.deprecations import kubevirt_warnings, vm_warnings, vmi_warnings
from kubevirt.api.validation.pool import validate_pool
from kubevirt.api.validation.updates import Sender
from kubevirt.api.validation.vm_requests import validate_vm_status
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.errors import Refused
from kubevirt.kit.json import Json, JsonObject
from tests.refusals.computing import COMPUTING
from tests.refusals.disks import DISKS
from tests.refusals.kinds import KINDS
from tests.refusals.machines import MACHINES, machine
from tests.refusals.networks import NETWORKS
from tests.refusals.samples import GOOD, devices, instance
from tests.refusals.scheduling import SCHEDULING
from tests.refusals.settings import SETTINGS

CONFIG = ClusterConfig(default_architecture="amd64")
CONTROLLER = Sender(account="kubevirt-controller")
INSTANCES = [instance(row[0]) for row in (*DISKS, *NETWORKS, *COMPUTING, *SETTINGS, *SCHEDULING)]
VMS = [machine(row[0]) for row in MACHINES]

JUNK: st.SearchStrategy[Json] = st.sampled_from([
    None, True, False, 0, -1, 2**31, 2**63, -(2**63), 1e308, "", " ", "x" * 300, "\x00", "é\U0001f4be", "-", "a/b/c",
    "%s{}",
    "1e999999999", "9" * 5000, "0x1", "-0", "[::]", "02:00:00:00:00:00", "0000:00:00.0", [], [None], [[]], {}, {"": ""},
    {"name": {}}, ["a", "a"], [{}, {}], "2030-01-02T03:04:05Z", "{", '{"path": 1}', "!*!", "100%", "-5%",
])  # fmt: skip


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something can be replaced."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def spoilt(value: Json, path: tuple[str | int, ...], junk: Json) -> Json:
    """A copy with something else at a place."""
    if not path:
        return junk
    head, *rest = path
    if isinstance(value, dict):
        return {**value, str(head): spoilt(value[str(head)], tuple(rest), junk)}
    assert isinstance(value, list)
    return [spoilt(item, tuple(rest), junk) if i == head else item for i, item in enumerate(value)]


@st.composite
def broken(draw: st.DrawFn, samples: list[JsonObject]) -> Json:
    made: Json = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(made))
        if found:
            made = spoilt(made, draw(st.sampled_from(found)), draw(JUNK))
    return made


quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@quick
@given(broken(INSTANCES), broken(INSTANCES))
def test_spoilt_instances(one: Json, other: Json) -> None:
    try:
        vmi, more = (codec.convert(each, VirtualMachineInstance) for each in (one, other))
    except Refused:
        return
    for each in (vmi, more):
        verdict = admit_vmi(each, CONFIG).verdict
        assert verdict.allowed or verdict.message
        vmi_warnings(each)
    validate_vmi_update(vmi, more, CONFIG, CONTROLLER)


@quick
@given(broken(VMS))
def test_spoilt_machines(manifest: Json) -> None:
    try:
        vm = codec.convert(manifest, VirtualMachine)
    except Refused:
        return
    verdict = admit_vm(vm, CONFIG).verdict
    assert verdict.allowed or verdict.message
    vm_warnings(vm)
    validate_vm_status(vm, vm)


def _preset(manifest: Json) -> None:
    preset = codec.convert(manifest, VirtualMachineInstancePreset)
    offers.validate_preset(preset)
    vmi = codec.convert(instance({}), VirtualMachineInstance)
    apply_presets(vmi, [preset, preset])


def _kubevirt(manifest: Json) -> None:
    kubevirt = codec.convert(manifest, KubeVirt)
    installation.validate_kubevirt(kubevirt)
    kubevirt_warnings(kubevirt)
    ClusterConfig.of(kubevirt)


def _restore(manifest: Json) -> None:
    restore = codec.convert(manifest, VirtualMachineRestore)
    snapshots.validate_restore(restore, others=[restore])


def _migration(manifest: Json) -> None:
    made = default_migration(codec.convert(manifest, VirtualMachineInstanceMigration))
    migration.validate_migration_create(made, CONFIG, by_controller=False)
    migration.migration_obstacle(made, None, [made])
    migration.validate_migration_update(made, made)


def _backup(manifest: Json) -> None:
    backup = codec.convert(manifest, VirtualMachineBackup)
    exports.validate_backup(backup, [backup])


RULES: dict[str, Callable[[Json], object]] = {
    "KubeVirt": _kubevirt,
    "MigrationPolicy": lambda m: migration.validate_migration_policy(codec.convert(m, MigrationPolicy), CONFIG),
    "Plugin": lambda m: plugins.validate_plugin(codec.convert(m, Plugin)),
    "VirtualMachineBackup": _backup,
    "VirtualMachineClone": lambda m: clones.validate_clone(default_clone(codec.convert(m, VirtualMachineClone))),
    "VirtualMachineExport": lambda m: exports.validate_export(codec.convert(m, VirtualMachineExport), CONFIG),
    "VirtualMachineInstanceMigration": _migration,
    "VirtualMachineInstancePreset": _preset,
    "VirtualMachineInstanceReplicaSet": lambda m: validate_replicaset(
        codec.convert(m, VirtualMachineInstanceReplicaSet), CONFIG),
    "VirtualMachineInstancetype": lambda m: offers.validate_instancetype(
        codec.convert(m, VirtualMachineInstancetype).spec),
    "VirtualMachinePool": lambda m: validate_pool(codec.convert(m, VirtualMachinePool), CONFIG),
    "VirtualMachinePreference": lambda m: offers.validate_preference(codec.convert(m, VirtualMachinePreference).spec),
    "VirtualMachineRestore": _restore,
    "VirtualMachineSnapshot": lambda m: snapshots.validate_snapshot(codec.convert(m, VirtualMachineSnapshot)),
}  # fmt: skip


@pytest.mark.parametrize("kind", RULES)
def test_spoilt_objects_of_every_other_kind(kind: str) -> None:
    samples = [row.manifest for row in KINDS if row.manifest["kind"] == kind]
    assert samples, "the table has a row of each kind"

    @settings(quick, max_examples=40)
    @given(broken(samples))
    def check(manifest: Json) -> None:
        with suppress(Refused):
            RULES[kind](manifest)

    check()


def many(count: int) -> Iterator[tuple[str, JsonObject]]:
    """Specs with lists of this length, each wrong in as many ways as there are rules."""
    numbers = range(count)
    worst: JsonObject = {"name": "d", "disk": {"bus": "ide", "pciAddress": "x"}, "cdrom": {"bus": "virtio"},
                         "bootOrder": 0, "serial": "!" * 300, "cache": "x", "io": "y", "errorPolicy": "z"}
    yield "disks without volumes", devices(disks=[{"name": f"d{i}"} for i in numbers])
    yield "disks that are all wrong", devices(disks=[worst] * count)
    yield "volumes", {"volumes": [{"name": f"d{i}", "containerDisk": {"image": "a"}} for i in numbers]}
    yield "paths", {"volumes": [{"name": f"d{i}", "containerPath": {"path": "/etc"}} for i in numbers],
                    **devices(disks=[{"name": f"d{i}"} for i in numbers])}
    yield "interfaces", {"networks": [{"name": f"n{i}", "pod": {}} for i in numbers],
                         **devices(interfaces=[{"name": f"n{i}", "masquerade": {}} for i in numbers])}
    yield "ports", {"networks": [{"name": "n", "pod": {}}], **devices(interfaces=[{
        "name": "n", "masquerade": {}, "ports": [{"port": i, "name": f"p{i}"} for i in numbers],
        "portRanges": [{"start": i, "end": i + 2, "protocol": "TCP"} for i in numbers]}])}
    yield "credentials", {"accessCredentials": [
        {"sshPublicKey": {"source": {}, "propagationMethod": {"noCloud": {}}}}] * count}
    yield "claims", {"resourceClaims": [{"name": "a"}] * count}
    yield "spreading", {"topologySpreadConstraints": [{"maxSkew": 0}] * count, "tolerations": [{"value": "x"}] * count}
    yield "long names", {"hostname": "a-" * count, "subdomain": "a." * count, "serviceAccountName": "a" * count}


@pytest.mark.parametrize("what", [what for what, _ in many(1)])
def test_time_grows_with_the_length_of_a_manifest(what: str) -> None:
    """Ten times as much takes far less than a hundred times as long; what is quadratic would.

    The best of three, without the collector, which looks through all that other tests have left.
    """
    def spent(count: int) -> float:
        manifest = {"metadata": {"name": "a"}, "spec": {**GOOD, **dict(many(count))[what]}}
        data = codec.encode(manifest)
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            admit_vmi(codec.decode(VirtualMachineInstance, data), CONFIG)
            return time.process_time() - began
        finally:
            gc.enable()

    few = min(spent(1000) for _ in range(3))
    many_more = min(spent(10_000) for _ in range(3))
    assert many_more < 50 * max(few, 0.004)
