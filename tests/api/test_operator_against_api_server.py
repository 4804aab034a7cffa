"""A real API server takes every object of an installation, and a second time finds nothing to change.

Nothing is kept: all is applied as a dry run, into a namespace of the test's own. That the programs come up is e2e's.
Needs a cluster: $KUBECONFIG, or the one of `make cluster-up`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from kubevirt.api.resources import NAMESPACES
from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client, name_of
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import Forbidden
from kubevirt.virt_operator import objects
from kubevirt.virt_operator.install import existing_kubevirt
from kubevirt.virt_operator.kinds import resource_of
from kubevirt.virt_operator.secrets import plan
from kubevirt.virt_operator.settings import Installation


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    made = await client.create(NAMESPACES, {"metadata": {
        "generateName": "operator-test-", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})
    yield made.metadata.name
    await client.delete(NAMESPACES, made.metadata.name)


def everything(namespace: str) -> list[JsonObject]:
    installation = Installation(namespace=namespace)
    trust = plan(installation, {}, b"", datetime.now(UTC))
    return [
        objects.managed(objects.namespace_object(namespace)),
        *objects.foundations(installation),
        *objects.definitions(),
        *objects.trust_objects(trust),
        *objects.programs(installation, trust),
    ]


async def test_every_object_is_accepted(client: Client, namespace: str) -> None:
    for obj in everything(namespace):
        accepted = await client.apply(resource_of(obj), obj, dry_run=True)
        assert accepted.metadata.name == name_of(obj)


async def test_a_user_without_rights_cannot_install(namespace: str, kubeconfig: str) -> None:
    nobody = ConfigFlags(kubeconfig=kubeconfig, as_user="nobody")
    async with Client(load_access(nobody)) as client:
        for obj in everything(namespace):
            with pytest.raises(Forbidden):
                await client.apply(resource_of(obj), obj, dry_run=True)


async def test_what_is_installed_is_found_whatever_there_is(client: Client) -> None:
    found = await existing_kubevirt(client, "kubevirt")
    assert found is None or found.metadata.namespace == "kubevirt"
