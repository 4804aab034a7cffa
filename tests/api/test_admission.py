"""All webhooks through the real API server: each row of the tables is refused with its cause, and nothing is stored.

Objects are sent as dry runs, which webhooks take like any other request. What the rules say is tested without a cluster
(tests/unit/api), with the same tables; here it is that they are asked, and that their words reach the client.
"""

from __future__ import annotations

import msgspec
import pytest

from kubevirt.api import kinds, resources
from kubevirt.api.resource import Resource
from kubevirt.api.resources import KUBEVIRTS
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import ApiError
from kubevirt.kube.requests import PatchKind
from tests.refusals.architectures import ARCHITECTURES
from tests.refusals.computing import COMPUTING
from tests.refusals.disks import DISKS
from tests.refusals.kinds import KINDS, Row
from tests.refusals.machines import MACHINES, machine
from tests.refusals.networks import NETWORKS
from tests.refusals.placement import PLACEMENT
from tests.refusals.samples import instance
from tests.refusals.scheduling import SCHEDULING
from tests.refusals.settings import SETTINGS

NAMESPACE = "default"
# What the CustomResourceDefinitions refuse before any webhook is asked.
BY_SCHEMA = ("missing virtual machine template.", "must be in range between 0 and 100.")
INSTALLED = "kubevirt"
RESOURCES: dict[str, Resource[msgspec.Struct]] = {
    each.kind: each for module in (resources, kinds) for each in vars(module).values() if isinstance(each, Resource)
}
ROWS = [
    *(Row(instance(change), *said)
      for table in (DISKS, NETWORKS, COMPUTING, SETTINGS, SCHEDULING, ARCHITECTURES, PLACEMENT)
      for change, *said in table),
    *(Row(machine(change), *said) for change, *said in MACHINES),
    *KINDS,
]  # fmt: skip


def called(row: Row) -> str:
    return f"{row.manifest['kind']} {row.field}: {row.message[-60:]}"


async def send(client: Client, manifest: JsonObject) -> object:
    """Creates an object, not really; the one KubeVirt object there is, is changed instead."""
    resource = RESOURCES[str(manifest["kind"])]
    if resource.kind == "KubeVirt":
        change: JsonObject = {"spec": manifest["spec"]}
        return await client.patch(KUBEVIRTS, INSTALLED, INSTALLED, change, PatchKind.MERGE, dry_run=True)
    return await client.create(resource, manifest, NAMESPACE if resource.namespaced else None, dry_run=True)


@pytest.mark.parametrize("row", ROWS, ids=called)
async def test_refused_with_its_cause(client: Client, row: Row) -> None:
    with pytest.raises(ApiError) as told:
        await send(client, row.manifest)
    error = told.value
    if row.message.endswith(BY_SCHEMA):
        assert error.status == 422
        assert row.field in [cause.field for cause in error.details.causes]
        return
    assert error.message.endswith(f"denied the request: {row.message}")
    if row.field or row.reason:
        causes = [(cause.reason, cause.field, cause.message) for cause in error.details.causes]
        assert causes == [(f"FieldValue{row.reason}", row.field, row.message)]
        assert (error.status, error.reason) == (422, "Invalid")
    else:
        assert error.status in (400, 422)
