"""Claims of a running guest that are replaced for a migration of their data."""

from __future__ import annotations

from typing import Any

import pytest
from controller_live import Json, changed, disk, fixed, hotplug, patched, restart_of, template
from controller_objects import condition

TWO = template(volumes=[fixed(claim="a")], devices={"disks": [disk()]})


@pytest.mark.parametrize(("after", "conditions", "message"), [
    pytest.param(template(volumes=[fixed(claim="b")], devices={"disks": [disk()]}),
                 [condition("StorageLiveMigratable", "False", message="a host device")],
                 "cannot migrate the volumes as the VMI isn't migratable: a host device", id="what the node says"),
    pytest.param(template(volumes=[fixed(claim="b")], devices={"disks": [disk()]}), [],
                 "cannot migrate the volumes as the VMI isn't migratable: live migration is not available in this "
                 "version of KubeVirt", id="nothing can be migrated yet"),
    pytest.param(template(volumes=[hotplug(claim="b")], devices={"disks": [disk()]}), [],
                 "invalid volumes to update with migration: hotplugged: [data]", id="a plugged volume"),
])
def test_claims_replaced_for_a_migration(after: Json, conditions: list[Any], message: str) -> None:
    o = changed(TWO, after, strategy="Migration", conditions=conditions)
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
