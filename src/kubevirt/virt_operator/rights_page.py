"""`docs/rights.md`: what each program may do and why, as a page; made from the tables of `rbac`.

    python -m kubevirt.virt_operator.rights_page docs/rights.md

A unit test compares the page with the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from kubevirt.virt_operator.rbac import ACCOUNTS
from kubevirt.virt_operator.rights import Account, Right

HEAD = """\
# The rights of the programs

Made from `src/kubevirt/virt_operator/rbac.py`; not edited by hand. Each program has a service account of its own in the
namespace of the installation, and these rights, verb by verb. None of them may read Secrets, run commands in
pods, or change rights. `virt-launcher` has no account: its pods hold no token unless the machine wants one.
`virt-operator` runs once, with the rights of whoever installs. The roles that users get are KubeVirt's
(`kubevirt.io:admin`, `:edit`, `:view`, aggregated to Kubernetes' own roles), and `kubevirt.io:operator` for those who
manage the installation.

Three tests hold the page: a request of each right is refused as soon as that one right is taken away
(`tests/api/test_rights_by_rule.py`); in the whole end-to-end run each right is used by its program, those with
"seldom" excepted, and no program is refused anything (`tests/e2e/test_program_rights.py`); and the page says what the
code says (`tests/unit/virt_operator/test_operator_rights.py`).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(account) for account in ACCOUNTS)])


def _section(account: Account) -> str:
    lines = [f"## {account.program}", "", f"Service account `{account.name}`.", ""]
    lines += ["In all namespaces:", "", *_table(account.cluster), ""]
    if account.own_namespace:
        lines += ["In the namespace of the installation:", "", *_table(account.own_namespace), ""]
    lines += [f"Bound to Kubernetes' role `{role}` in `kube-system`.\n" for role in account.borrowed]
    return "\n".join(lines)


def _table(rights: Iterable[Right]) -> list[str]:
    rows = ["| group | resources | verbs | because | seldom: only when |", "|---|---|---|---|---|"]
    for right in rights:
        resources, verbs = (", ".join(names) for names in (right.resources, right.verbs))
        rows.append(f"| {right.group or 'core'} | {resources} | {verbs} | {right.because} | {right.seldom} |")
    return rows


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
