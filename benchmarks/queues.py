"""How long work has waited in the queues of virt-controller, in its own words: its page of metrics.

The page is read seldom, as with ten thousand machines it is megabytes long and making it costs the program seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from benchmarks.page import line
from benchmarks.programs import INSTALLATION
from kubevirt.kube.client import Client

PREFIX = "kubevirt_workqueue_"
OF_INSTANCES = "virt-controller-vmi"
PROMISE_S = 5.0


async def read(client: Client, pod: str) -> list[Sample]:
    """What the pod's page says of queues now."""
    page = await client.raw("GET", f"/api/v1/namespaces/{INSTALLATION}/pods/https:{pod}:8443/proxy/metrics")
    kept = "\n".join(row for row in page.decode().splitlines() if PREFIX in row)
    return [sample for family in text_string_to_metric_families(kept + "\n") for sample in family.samples]


def print_ages(samples: Iterable[Sample], *, beside: Iterable[Sample] = ()) -> None:
    """How long items waited for a worker; `beside` is an earlier reading, whose counts are not counted again."""
    samples, earlier = list(samples), {(s.name, *sorted(s.labels.items())): s.value for s in beside}

    def since(sample: Sample) -> float:
        return sample.value - earlier.get((sample.name, *sorted(sample.labels.items())), 0.0)

    longest = {s.labels["name"]: s.value for s in samples if s.name == PREFIX + "longest_wait_seconds"}
    for name, seconds in sorted(longest.items(), key=lambda entry: -entry[1]):
        if seconds:
            line(f"  the longest that anything waited in queue {name}", f"{seconds:.2f} s", f"promise: {PROMISE_S:g} s")
    buckets = {float(s.labels["le"]): since(s) for s in samples
               if s.name == PREFIX + "queue_duration_seconds_bucket" and s.labels["name"] == OF_INSTANCES}
    everything = buckets.get(float("inf"), 0.0)
    parts = [f"{bound:g} s: {buckets[bound] / everything:.2%}" for bound in (0.01, 0.1, 1.0, 10.0)
             if everything and bound in buckets]
    line(f"  waits in queue {OF_INSTANCES}: {everything:.0f}, of them within", "", ", ".join(parts))
