"""Claims of a running guest that are replaced for a migration of their data: what is refused, waited for, called back.

That the data moves is the migration's; here is what the VM controller says and writes about it.
"""

from __future__ import annotations

from typing import Any

import pytest
from controller_live import Json, changed, disk, fixed, hotplug, patched, restart_of, running, template
from controller_objects import claim, condition

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed

DISK = {"disks": [disk()]}
FROM_A, TO_B, TO_C = (template(volumes=[fixed(claim=c)], devices=DISK) for c in "abc")
THERE = {name: claim(name) for name in "abc"}
STORAGE_MIGRATABLE = [condition("StorageLiveMigratable", "True")]
CANNOT = "cannot migrate the volumes as the VMI isn't migratable: "
NOT_SERVED = f"{CANNOT}live migration is not available in this version of KubeVirt"


@pytest.mark.parametrize(("after", "conditions", "message"), [
    pytest.param(TO_B, [condition("StorageLiveMigratable", "False", message="a host device")],
                 f"{CANNOT}a host device", id="what the node says"),
    pytest.param(TO_B, [], NOT_SERVED, id="nothing can be migrated yet"),
    pytest.param(TO_B, STORAGE_MIGRATABLE, NOT_SERVED, id="the guest could, this version cannot"),
    pytest.param(template(volumes=[hotplug(claim="b")], devices=DISK), [],
                 "invalid volumes to update with migration: hotplugged: [data]", id="a plugged volume"),
])
def test_claims_replaced_for_a_migration(after: Json, conditions: list[Any], message: str) -> None:
    o = changed(FROM_A, after, strategy="Migration", conditions=conditions, claims=THERE)
    assert restart_of(o) == message
    assert patched(o) == []


@pytest.mark.parametrize(("devices", "kind"), [
    ({"filesystems": [{"name": "data", "virtiofs": {}}]}, "filesystems"),
    ({"disks": [disk(shareable=True)]}, "shareable"),
    ({"disks": [{"name": "data", "lun": {}}]}, "luns"),
])
def test_claims_that_could_not_be_migrated_at_all(devices: Json, kind: str) -> None:
    before, after = (template(volumes=[fixed(claim=c)], devices=devices) for c in "ab")
    assert restart_of(changed(before, after, strategy="Migration")) == (
        f"invalid volumes to update with migration: {kind}: [data]")


@pytest.mark.parametrize(("modes", "message"), [
    pytest.param(["ReadWriteOnce"], "cannot migrate the VM. The volume more is RWO and not included in the migration "
                                    "volumes", id="it can be used on one node only"),
    pytest.param(["ReadWriteMany"], NOT_SERVED, id="it can be used everywhere"),
])
def test_a_volume_that_stays_must_be_within_reach_of_both_nodes(modes: list[str], message: str) -> None:
    before, after = (template(volumes=[fixed(claim=c), fixed("more", "m")], devices=DISK) for c in "ab")
    o = changed(before, after, strategy="Migration", conditions=STORAGE_MIGRATABLE,
                claims={**THERE, "m": claim("m", "Bound", *modes)})
    assert restart_of(o) == message


# A destination that is not there


def written(o: Observed) -> VirtualMachineInstance:
    """The VMI as it is written, in the one write there is."""
    (action,) = decide(o).actions
    assert isinstance(action, Patch)
    assert action.failed.reason == "VolumesUpdateError"
    new = action.new
    assert isinstance(new, VirtualMachineInstance)
    return new


NOT_THERE = condition("VolumesChange", "False",
                      message='One of the destination volumes doesn\'t exist: persistentvolumeclaim "b" not found')


def test_a_destination_that_is_not_there_is_told_once_and_waited_for() -> None:
    o = changed(FROM_A, TO_B, strategy="Migration", claims={"a": claim("a")})
    told = find(written(o).status.conditions, "VolumesChange")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", "", NOT_THERE["message"])
    assert restart_of(o) is None
    again = changed(FROM_A, TO_B, strategy="Migration", claims={"a": claim("a")}, conditions=[NOT_THERE])
    assert decide(again).actions == ()


def test_a_destination_that_has_come_is_no_longer_missed() -> None:
    o = changed(FROM_A, TO_B, strategy="Migration", claims=THERE, conditions=[NOT_THERE])
    assert find(written(o).status.conditions, "VolumesChange") is None
    assert restart_of(o) == NOT_SERVED


# Volumes that are on their way


def moving(to: str = "b") -> VirtualMachineInstance:
    moved = {"volumeName": "data", "sourcePVCInfo": {"claimName": "a"}, "destinationPVCInfo": {"claimName": to}}
    return running(TO_B, conditions=[condition("VolumesChange", "True")], status={"migratedVolumes": [moved]})


def test_while_volumes_move_their_template_can_be_as_it_is() -> None:
    assert patched(changed(FROM_A, TO_B, moving(), strategy="Migration", claims=THERE)) == []


def test_volumes_that_move_can_be_called_back() -> None:
    new = written(changed(FROM_A, FROM_A, moving(), strategy="Migration", claims=THERE))
    assert [v.persistent_volume_claim.claim_name for v in new.spec.volumes if v.persistent_volume_claim] == ["a"]
    assert new.status.migrated_volumes == []
    told = find(new.status.conditions, "VolumesChange")
    assert told is not None
    assert (told.status, told.reason) == ("False", "VolumesChangeCancellation")


def test_volumes_that_move_can_not_be_sent_elsewhere() -> None:
    o = changed(FROM_A, TO_C, moving(), strategy="Migration", claims=THERE)
    problem = decide(o).problem
    assert problem is not None
    assert (problem.reason, problem.message) == (
        "VolumesUpdateError", "error encountered while handling volumes update requests: The volume can only be "
                              "reverted to the previous version during the update")
    assert (patched(o), restart_of(o)) == ([], None)
