"""Evictions as a drained node sends them: a guest without strategy goes and comes back, another's pod stays.

What is said about each strategy: tests/unit/api/test_api_evictions.py.
"""

from __future__ import annotations

import pytest

from tests.e2e.harness import Cluster
from tests.e2e.manifests import as_json, vm, vmi

pytestmark = pytest.mark.e2e
FREE, HELD = "goes", "stays"


@pytest.fixture(scope="module")
def cluster(namespace: Cluster) -> Cluster:
    """A namespace with a machine that may be evicted and an instance that others have to move."""
    held = vmi(HELD)
    held["spec"]["evictionStrategy"] = "External"
    namespace.apply(as_json(vm(FREE))).ok()
    namespace.apply(as_json(held)).ok()
    namespace.wait_phase(FREE, "Running")
    namespace.wait_phase(HELD, "Running")
    return namespace


def test_the_guest_of_an_external_strategy_is_marked_and_stays(cluster: Cluster) -> None:
    triggered = f'Eviction triggered evacuation of VMI "{cluster.namespace}/{HELD}"'
    cluster.evict(HELD).fails(triggered)
    instance = cluster.get("vmi", HELD)
    assert instance["status"]["evacuationNodeName"] == instance["status"]["nodeName"]
    cluster.evict(HELD).fails(f"Evacuation in progress: {triggered}")
    (pod,) = cluster.launcher_pods(HELD)
    assert "deletionTimestamp" not in pod["metadata"]


def test_a_machine_without_strategy_is_evicted_and_comes_back(cluster: Cluster) -> None:
    first = cluster.get("vmi", FREE)["metadata"]["uid"]
    cluster.evict(FREE).ok()
    again = cluster.wait_phase(FREE, "Running", not_uid=first)
    assert again["metadata"]["uid"] != first
