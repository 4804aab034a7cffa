"""Each right of each program is needed: a request that it allows is refused as soon as this one right is taken away.

The real API server judges. For every right a user of its own is made, by name only (the administrator speaks for it),
bound to a copy of the program's roles without that right; the same request is also sent by a user with the whole copy.
Writes are sent as trials, to objects that are not there: being allowed shows as any answer but "forbidden".

That the programs do send these requests, and are never refused, is tests/e2e/test_program_rights.py.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kubevirt.api.resources import NAMESPACES
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import ApiError, Forbidden
from kubevirt.virt_operator.rbac import ACCOUNTS
from kubevirt.virt_operator.rights import RBAC, Account, binding, rule
from kubevirt.virt_operator.user_roles import user_role_objects

ROLES = "/apis/rbac.authorization.k8s.io/v1"
IN_TIME_S = 120.0
VERSIONS = {"snapshot.kubevirt.io": "v1beta1", "backup.kubevirt.io": "v1alpha1", "pool.kubevirt.io": "v1beta1",
            "instancetype.kubevirt.io": "v1beta1", "cdi.kubevirt.io": "v1beta1"}
"""Of groups that are not served as v1."""
CLUSTER_WIDE = {"nodes", "namespaces", "subjectaccessreviews", "customresourcedefinitions", "storageclasses",
                "virtualmachineclusterinstancetypes", "virtualmachineclusterpreferences", "migrationpolicies",
                "storageprofiles"}
METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH",
           "delete": "DELETE"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One right of one program. `wide`: in all namespaces, not only in that of the installation."""

    account: Account
    group: str
    resource: str
    verb: str
    wide: bool

    def __str__(self) -> str:
        scope = "" if self.wide else ", own namespace"
        return f"{self.account.program}: {self.verb} {self.resource}.{self.group or 'core'}{scope}"

    @property
    def atom(self) -> tuple[str, str, str]:
        return self.group, self.resource, self.verb


def cases_of(account: Account) -> Iterator[Case]:
    """All rights of a program, the smallest there are."""
    for wide, rights in ((True, account.cluster), (False, account.own_namespace)):
        for right in rights:
            for group, resource, verb in right.atoms:
                yield Case(account=account, group=group, resource=resource, verb=verb, wide=wide)


def of_everybody() -> set[tuple[str, str, str]]:
    """What every account may do by the roles for users: a program's own right to it holds when those are changed."""
    documents: list[Any] = user_role_objects()
    open_to_all = {o["roleRef"]["name"] for o in documents if o["kind"] == "ClusterRoleBinding"}
    return {(group, resource, verb)
            for o in documents if o["kind"] == "ClusterRole" and o["metadata"]["name"] in open_to_all
            for entry in o["rules"] for group in entry["apiGroups"]
            for resource in entry["resources"] for verb in entry["verbs"]}


def roles(account: Account, user: str, place: str, without: Case | None = None) -> Iterator[tuple[str, JsonObject]]:
    """(path, object): the program's roles under another name, bound to `user`, without one right."""
    who: list[Json] = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}]
    for wide, rights in ((True, account.cluster), (False, account.own_namespace)):
        kept: list[Json] = [
            rule(group, (resource,), (verb,)) for right in rights for group, resource, verb in right.atoms
            if without is None or (group, resource, verb) != without.atom or wide != without.wide
        ]
        kind, below = ("ClusterRole", "") if wide else ("Role", f"/namespaces/{place}")
        bound = binding(f"{kind}Binding", user, kind, user, who)
        metadata: JsonObject = {"name": user, "labels": {"tests": place}}
        yield f"{ROLES}{below}/{kind.lower()}s", {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": kept}
        yield f"{ROLES}{below}/{kind.lower()}bindings", {**bound, "metadata": metadata}


def request_of(case: Case, place: str) -> tuple[str, str, list[tuple[str, str]], JsonObject | None]:
    """(method, path, query, body) of a request that needs this right and changes nothing."""
    resource, _, subresource = case.resource.partition("/")
    version = VERSIONS.get(case.group, "v1")
    path = f"/apis/{case.group}/{version}" if case.group else f"/api/{version}"
    if resource not in CLUSTER_WIDE:
        path += f"/namespaces/{'default' if case.wide else place}"
    path += f"/{resource}"
    if case.verb not in ("list", "watch", "create"):
        path += "/not-there" + (f"/{subresource}" if subresource else "")
    query = {"list": [("limit", "1")], "watch": [("watch", "1"), ("timeoutSeconds", "1")], "get": []}.get(
        case.verb, [("dryRun", "All")])
    body: JsonObject | None = {} if case.verb in ("create", "update", "patch") else None
    return METHODS[case.verb], path, query, body


async def is_refused(client: Client, case: Case, place: str) -> bool:
    """Whether the API server forbids the request. All other answers, good or bad, mean that it may be made."""
    method, path, query, body = request_of(case, place)
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    try:
        await client.raw(method, path, query=query, content_type=kind,
                         body=json.dumps(body).encode() if body is not None else None)
    except Forbidden:
        return True
    except ApiError:
        return False
    return False


async def settled(client: Client, case: Case, place: str, *, refused: bool) -> bool:
    """Whether the answer becomes this one once the API server, which watches roles, has taken them up."""
    until = time.monotonic() + IN_TIME_S
    while await is_refused(client, case, place) is not refused:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.2)
    return True


@pytest.fixture
async def place(client: Client) -> AsyncIterator[str]:
    """A namespace that stands for the installation's; it and all roles made for the test are removed afterwards."""
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "rights-by-rule-"}})
    name = made.metadata.name
    yield name
    for kind in ("clusterrolebindings", "clusterroles"):
        await client.raw("DELETE", f"{ROLES}/{kind}", query=[("labelSelector", f"tests={name}")])
    await client.delete(NAMESPACES, name)


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.program)
async def test_a_request_of_each_right_is_refused_without_it(
    client: Client, place: str, kubeconfig: str, account: Account
) -> None:
    access = load_access(ConfigFlags(kubeconfig=kubeconfig))
    cases = list(cases_of(account))
    a_few = asyncio.Semaphore(8)

    @asynccontextmanager
    async def somebody(number: str, without: Case | None = None) -> AsyncIterator[Client]:
        user = f"{place}-{number}"
        async with a_few:
            for path, obj in roles(account, user, place, without):
                await client.raw("POST", path, body=json.dumps(obj).encode())
            speaker = replace(access, impersonation=(("Impersonate-User", user),))
            async with Client(speaker, program="test") as speaking:
                yield speaking

    async def wrong_without(number: int, case: Case) -> str:
        # What this user may still do shows that its roles are known; only then does a refusal mean something.
        other = next(c for c in cases if c.atom != case.atom and c.wide and c.atom not in of_everybody())
        async with somebody(str(number), without=case) as speaking:
            if not await settled(speaking, other, place, refused=False):
                return f"{case}: the roles of the test were not taken up"
            allowed = not await settled(speaking, case, place, refused=case.atom not in of_everybody())
            return f"{case}: allowed without the right; it is not needed" if allowed else ""

    async with somebody("whole") as having:
        wrong = [f"{case}: refused though the right is there" for case in cases
                 if not await settled(having, case, place, refused=False)]
    wrong += await asyncio.gather(*(wrong_without(*numbered) for numbered in enumerate(cases)))
    assert not any(wrong), "\n".join(filter(None, wrong))

