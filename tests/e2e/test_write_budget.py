"""How often the API server is written to for one machine's start and stop: a promise, counted in its audit log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.audit import AuditLog, Write, until_running
from tests.e2e.harness import BIN, Cluster, eventually, run
from tests.e2e.manifests import as_json, vm

pytestmark = [pytest.mark.e2e, pytest.mark.alone]
TO_RUNNING = 8
OVERTAKEN = 2
REST_S = 20.0


@pytest.fixture
def audit() -> AuditLog:
    """The audit log from now on."""
    answer = run(str(BIN / "localkube"), "audit-log")
    if answer.code != 0:
        pytest.skip("counts are read from the audit log of a localkube; run `make cluster-up`")
    return AuditLog(Path(answer.out.strip()))


def writes_in(audit: AuditLog, namespace: str) -> list[Write]:
    """The add-on's writes in one namespace so far."""
    return [write for write in audit.writes() if write.namespace == namespace]


def test_a_start_costs_no_more_than_promised(namespace: Cluster, audit: AuditLog) -> None:
    namespace.apply(as_json(vm("counted"))).ok()
    namespace.wait_status("counted", "Running")
    seen = writes_in(audit, namespace.namespace)
    # Two programs write to one instance, so now and then one overtakes the other: chance, as long as it is seldom.
    overtaken = [str(w) for w in seen if w.was_overtaken]
    assert len(overtaken) <= OVERTAKEN, f"{len(overtaken)} writes were overtaken: {overtaken}"
    writes = [w for w in seen if not w.was_overtaken]
    to_running = until_running(writes)
    assert len(to_running) <= TO_RUNNING, f"{len(to_running)} writes: {[str(w) for w in to_running]}"
    refused = [str(w) for w in writes if w.code >= 400]
    assert not refused, f"writes that the API server refused: {refused}"


def test_a_machine_at_rest_costs_nothing(namespace: Cluster, audit: AuditLog) -> None:
    count, since = -1, time.monotonic()

    def at_rest() -> bool:
        nonlocal count, since
        now = len(writes_in(audit, namespace.namespace))
        if now != count:
            count, since = now, time.monotonic()
        return time.monotonic() - since > REST_S

    eventually("twenty seconds without a write", at_rest)
    namespace.kubectl("delete", "vm", "counted", "--timeout=240s").ok()
