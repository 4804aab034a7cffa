"""The table of the programs' rights: each with a reason, none twice, and the page of the docs says the same.

That each is needed is `tests/api/test_rights_by_rule.py`; that each is used, `tests/e2e/test_program_rights.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from kubevirt.virt_operator.rbac import ACCOUNTS
from kubevirt.virt_operator.rights import Account
from kubevirt.virt_operator.rights_page import page

PAGE = Path(__file__).parents[3] / "docs" / "rights.md"


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_every_right_has_a_reason_and_is_given_once(account: Account) -> None:
    given = [*account.cluster, *account.own_namespace]
    assert not [right for right in given if not right.because]
    twice = [atom for atom, count in Counter(atom for right in given for atom in right.atoms).items() if count > 1]
    assert not twice


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "run: python -m kubevirt.virt_operator.rights_page docs/rights.md"
