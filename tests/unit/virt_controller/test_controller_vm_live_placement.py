"""Where a running guest may be placed next: node selector, affinity and tolerations follow the template."""

from __future__ import annotations

from typing import Any

import pytest
from controller_live import BASE, MIGRATES, Json, changed, patched, template

from kubevirt.virt_controller.vm.decide import decide


@pytest.mark.parametrize(("before", "after", "expected"), [
    pytest.param(BASE, template(nodeSelector={"a": "b"}), [("add", "/spec/nodeSelector", {"a": "b"})], id="added"),
    pytest.param(template(nodeSelector={"a": "b"}), template(nodeSelector={"a": "c"}),
                 [("replace", "/spec/nodeSelector/a", "c")], id="replaced"),
    pytest.param(template(nodeSelector={"a": "b"}), BASE, [("remove", "/spec/nodeSelector", None)], id="removed"),
    pytest.param(BASE, template(affinity={"podAffinity": {}}), [("add", "/spec/affinity", {"podAffinity": {}})],
                 id="affinity"),
    pytest.param(BASE, template(tolerations=[{"key": "x"}]), [("add", "/spec/tolerations", [{"key": "x"}])],
                 id="tolerations"),
])
def test_placement(before: Json, after: Json, expected: list[Any]) -> None:
    assert patched(changed(before, after)) == expected


@pytest.mark.parametrize(("after", "reason", "message"), [
    (template(nodeSelector={"a": "b"}), "AffinityChangeError",
     "Node affinity should not be changed during VMI migration"),
    (template(affinity={"podAffinity": {}}), "AffinityChangeError",
     "Node affinity should not be changed during VMI migration"),
    (template(tolerations=[{"key": "x"}]), "TolerationsChangeError",
     "tolerations should not be changed during VMI migration"),
])
def test_placement_is_not_changed_during_a_migration(after: Json, reason: str, message: str) -> None:
    o = changed(BASE, after, status=MIGRATES)
    problem = decide(o).problem
    assert problem is not None
    assert (problem.reason, problem.message, problem.retry) == (reason, message, False)
    assert patched(o) == []
