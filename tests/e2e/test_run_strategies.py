"""Every run strategy with real guests: what becomes of a VM whose guest crashes, ends by itself, or never starts.

All machines are made at the beginning and start side by side. The table of every strategy in every state is a unit
test; here the strategies are seen to hold from the API down to the process.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.e2e import machine
from tests.e2e.harness import Cluster, eventually
from tests.e2e.manifests import as_json, vm

pytestmark = pytest.mark.e2e
STRATEGIES = {"always": "Always", "halted": "Halted", "manual": "Manual", "rerun": "RerunOnFailure", "once": "Once"}


def diskless(name: str, strategy: str) -> dict[str, Any]:
    """A machine whose firmware finds nothing to boot: it runs, and costs little."""
    found = vm(name, runStrategy=strategy)
    spec = found["spec"]["template"]["spec"]
    spec["volumes"], spec["domain"]["devices"]["disks"] = [], []
    spec["domain"]["memory"]["guest"] = "32Mi"
    return found


def unreadable() -> dict[str, Any]:
    """A machine that can never start: its disk is not in the image."""
    found = vm("broken", runStrategy="Always")
    found["spec"]["template"]["spec"]["volumes"][0]["containerDisk"]["path"] = "/disk/not-there.img"
    return found


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with a machine for each strategy, and one that cannot start."""
    manifests = [*(diskless(name, strategy) for name, strategy in STRATEGIES.items()), unreadable()]
    namespace.apply("\n---\n".join(as_json(m) for m in manifests)).ok()
    return namespace


def end(cluster: Cluster, name: str, how: signal.Signals) -> str:
    """Make QEMU crash (SIGKILL) or shut its guest off in an orderly way (SIGTERM); returns the instance's uid."""
    uid = str(cluster.wait_phase(name, "Running")["metadata"]["uid"])
    (qemu,) = machine.qemu_of(cluster.namespace, name)
    os.kill(qemu.pid, how)
    return uid


def requests_of(cluster: Cluster, name: str) -> list[Any]:
    return list(cluster.get("vm", name)["status"].get("stateChangeRequests", []))


def test_always_brings_a_crashed_guest_back_and_keeps_it(cluster: Cluster) -> None:
    first = end(cluster, "always", signal.SIGKILL)
    second = cluster.wait_phase("always", "Running", not_uid=first)["metadata"]["uid"]
    end(cluster, "always", signal.SIGTERM)
    cluster.wait_phase("always", "Running", not_uid=second)
    cluster.virtctl("start", "always").fails("VM is already running")
    cluster.virtctl("stop", "always").ok()
    cluster.wait_gone("vmi", "always")
    assert cluster.get("vm", "always")["spec"]["runStrategy"] == "Halted"


def test_halted_starts_when_it_is_turned_on_also_paused(cluster: Cluster) -> None:
    assert cluster.get("vmi", "halted") is None
    assert cluster.wait_status("halted", "Stopped")["status"].get("created", False) is False
    cluster.virtctl("restart", "halted").fails("RunStategy Halted does not support manual restart requests")
    cluster.virtctl("start", "halted", "--paused").ok()
    cluster.wait_status("halted", "Paused")
    assert cluster.get("vm", "halted")["spec"]["runStrategy"] == "Always"
    eventually("the request to be forgotten", lambda: requests_of(cluster, "halted") == [])
    cluster.virtctl("unpause", "vm", "halted").ok()
    cluster.wait_status("halted", "Running")


def test_manual_does_only_what_is_asked(cluster: Cluster) -> None:
    cluster.wait_status("manual", "Stopped")
    cluster.virtctl("stop", "manual").fails("VM is not running")
    cluster.virtctl("start", "manual").ok()
    uid = end(cluster, "manual", signal.SIGTERM)
    assert cluster.wait_phase("manual", "Succeeded")["metadata"]["uid"] == uid
    cluster.wait_status("manual", "Stopped")
    cluster.virtctl("start", "manual").ok()
    cluster.wait_phase("manual", "Running", not_uid=uid)
    cluster.virtctl("stop", "manual").ok()
    cluster.wait_gone("vmi", "manual")
    assert cluster.wait_status("manual", "Stopped")["spec"]["runStrategy"] == "Manual"


def test_rerun_on_failure_tells_a_crash_from_an_orderly_end(cluster: Cluster) -> None:
    first = end(cluster, "rerun", signal.SIGKILL)
    second = cluster.wait_phase("rerun", "Running", not_uid=first)["metadata"]["uid"]
    end(cluster, "rerun", signal.SIGTERM)
    cluster.wait_gone("vmi", "rerun")
    cluster.wait_status("rerun", "Stopped")
    cluster.virtctl("start", "rerun").ok()
    cluster.wait_phase("rerun", "Running", not_uid=second)


def test_once_is_once(cluster: Cluster) -> None:
    uid = end(cluster, "once", signal.SIGKILL)
    assert cluster.wait_phase("once", "Failed")["metadata"]["uid"] == uid
    cluster.wait_status("once", "Stopped")
    cluster.virtctl("start", "once").fails("Once does not support manual start requests")
    assert cluster.get("vmi", "once")["metadata"]["uid"] == uid


def test_what_never_starts_is_tried_again_at_growing_intervals(cluster: Cluster) -> None:
    def failed_twice() -> Any:
        status = cluster.get("vm", "broken")["status"]
        assert status["printableStatus"] == "CrashLoopBackOff", status["printableStatus"]
        failure = status["startFailure"]
        assert failure["consecutiveFailCount"] >= 2, failure
        return failure

    failure = eventually("the second failure in a row", failed_twice)
    assert failure["lastFailedVMIUID"]
    assert failure["retryAfterTimestamp"]
    cluster.wait_events("broken", "VirtualMachine", ("SuccessfulCreate", ""), ("SuccessfulDelete", ""))
    cluster.virtctl("stop", "broken").ok()

    def forgotten() -> bool:
        status = cluster.get("vm", "broken")["status"]
        assert status["printableStatus"] == "Stopped"
        return "startFailure" not in status

    eventually("the stopped machine's failures to be forgotten", forgotten)
