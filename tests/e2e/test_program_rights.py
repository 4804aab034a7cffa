"""What the programs asked of the API server in the whole run, against the rights that they have.

Nothing was refused for want of a right, and no right was without use: the roles are neither too small nor too large.
Read from the audit log since the roles are as they are, so it comes last (the hook in conftest.py) and means something
only after the other tests. That a request is refused without its right is tests/api/test_rights_by_rule.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubevirt.virt_operator.rbac import ACCOUNTS
from kubevirt.virt_operator.rights import Account
from tests.e2e.harness import BIN, Cluster, run
from tests.e2e.requests_seen import Asked, seen

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
INSTALLATION = "kubevirt"
BORROWED = {("", "configmaps", "list"), ("", "configmaps", "watch"), ("", "configmaps", "get")}
"""Of Kubernetes' role extension-apiserver-authentication-reader."""


@pytest.fixture(scope="module")
def requests(admin: Cluster) -> dict[str, list[Asked]]:
    """By account."""
    answer = run(str(BIN / "localkube"), "audit-log")
    if answer.code != 0:
        pytest.skip("requests are read from the audit log of a localkube; run `make cluster-up`")
    found: dict[str, list[Asked]] = {account.name: [] for account in ACCOUNTS}
    for asked in seen(Path(answer.out.strip()), f"system:serviceaccount:{INSTALLATION}:", _roles_are_since(admin)):
        found.setdefault(asked.account, []).append(asked)
    return found


def _roles_are_since(admin: Cluster) -> str:
    """When the last of the programs' roles was made or changed."""
    times = []
    for kind in ("clusterrole", "role"):
        names = [a.name for a in ACCOUNTS if kind == "clusterrole" or a.own_namespace]
        answer = admin.in_namespace(INSTALLATION).kubectl("get", kind, *names, "-o", "json", "--show-managed-fields")
        for role in json.loads(answer.ok().out)["items"]:
            times += [str(entry["time"]) for entry in role["metadata"]["managedFields"]]
    return max(times)


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.program)
def test_nothing_was_refused(requests: dict[str, list[Asked]], account: Account) -> None:
    assert requests[account.name], f"the audit log has no request of {account.name}"
    refused = {str(asked) for asked in requests[account.name] if not asked.was_allowed}
    assert not refused, f"requests that the account has no right to: {sorted(refused)}"


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.program)
def test_no_right_was_without_use(requests: dict[str, list[Asked]], account: Account) -> None:
    asked = requests[account.name]
    anywhere = {(a.group, a.resource, a.verb) for a in asked}
    at_home = {(a.group, a.resource, a.verb) for a in asked if a.namespace == INSTALLATION}
    unused = [atom for rights, used in ((account.cluster, anywhere), (account.own_namespace, at_home))
              for right in rights if not right.seldom for atom in right.atoms if atom not in used]
    assert not unused, f"rights of {account.name} that nothing needed in all of these tests: {unused}"


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.program)
def test_nothing_was_asked_beside_the_rights(requests: dict[str, list[Asked]], account: Account) -> None:
    """A right that everybody has, or that somebody else gave, is none to rely on."""
    written = {atom for right in (*account.cluster, *account.own_namespace) for atom in right.atoms}
    written |= BORROWED if account.borrowed else set()
    beside = {str(a) for a in requests[account.name] if (a.group, a.resource, a.verb) not in written}
    assert not beside, f"requests of {account.name} that no right of its own covers: {sorted(beside)}"
