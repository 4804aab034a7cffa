"""Counts as Prometheus' families: the shared ones, and short ways to make those of the programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from kubevirt.kube.metrics.measures import Histogram, Measures

Series = Iterable[tuple[Sequence[str], float]]
"""Label values and the value."""


def gauge(name: str, text: str, labels: Sequence[str], series: Series) -> Metric:
    """A gauge with all its series."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in series:
        family.add_metric(values, value)
    return family


def counter(name: str, text: str, labels: Sequence[str], series: Series) -> Metric:
    """A counter with all its series. Its name is kept as it is, even where the library would have it end otherwise."""
    if name.endswith("_total"):
        family = CounterMetricFamily(name, text, labels=labels)
        for values, value in series:
            family.add_metric(values, value)
        return family
    metric = Metric(name, text, "gauge")
    metric.type = "counter"
    for values, value in series:
        metric.add_sample(name, dict(zip(labels, values, strict=True)), value)
    return metric


def histogram(name: str, text: str, labels: Sequence[str], series: Iterable[tuple[Sequence[str], Histogram]]) -> Metric:
    """A histogram with all its series."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, measured in series:
        bounds = [*(_bound(b) for b in measured.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, accumulate(measured.counts), strict=True)), measured.total)
    return family


def _bound(value: float) -> str:
    return f"{value:g}"


def one(name: str, text: str, value: float) -> Metric:
    """A gauge without labels."""
    return GaugeMetricFamily(name, text, value=value)


def of_program(measures: Measures, *, host: str) -> Iterator[Metric]:
    """What every program tells of itself."""
    yield from ProcessCollector(registry=None).collect()
    yield from of_requests(measures, host=host)
    yield from of_queues(measures)


def of_requests(measures: Measures, *, host: str) -> Iterator[Metric]:
    """Requests to the API server at `host`."""
    requests = measures.requests
    yield counter(
        "kubevirt_rest_client_requests_total", "Requests to the API server.",
        ["code", "method", "host", "resource", "verb"],
        [((code, method, host, resource, verb), n) for (code, method, resource, verb), n in requests.counts.items()],
    )
    yield histogram(
        "kubevirt_rest_client_request_latency_seconds", "Time until the API server answered.", ["verb", "url"],
        list(requests.latencies.items()),
    )


def of_queues(measures: Measures) -> Iterator[Metric]:
    """Work queues."""
    queues, label = measures.queues, ["name"]
    prefix = "kubevirt_workqueue_"
    yield gauge(prefix + "depth", "Items that wait.", label, [([q.name], q.depth) for q in queues])
    yield counter(prefix + "adds_total", "Items added.", label, [([q.name], q.adds) for q in queues])
    yield counter(prefix + "retries_total", "Items added again after a failure.", label,
                  [([q.name], q.retries) for q in queues])
    yield histogram(prefix + "queue_duration_seconds", "Time that items waited.", label,
                    [([q.name], q.waits) for q in queues])
    yield gauge(prefix + "longest_wait_seconds", "The longest that an item has waited since the program began.", label,
                [([q.name], q.longest_wait_s) for q in queues])
    yield histogram(prefix + "work_duration_seconds", "Time that work on items took.", label,
                    [([q.name], q.works) for q in queues])
    yield gauge(prefix + "longest_running_processor_seconds", "The longest that work on an item takes by now.", label,
                [([q.name], max(q.in_work_s(), default=0.0)) for q in queues])
    yield gauge(prefix + "unfinished_work_seconds", "Time spent by now on all items in work.", label,
                [([q.name], sum(q.in_work_s())) for q in queues])


def of_instance_writes(measures: Measures) -> Metric:
    """Writes of virtual machine instances."""
    return counter("kubevirt_vmi_sync_total", "Writes of an instance by this program.", ["namespace", "name"],
                   list(measures.instance_writes.counts.items()))


def as_label(key: str) -> str:
    """A Kubernetes label's key as (part of) the name of a Prometheus label."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in key)


def labelled(fixed: Mapping[str, str], labels: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Fixed labels and those of an object, renamed."""
    return {**fixed, **{prefix + as_label(key): value for key, value in labels.items()}}
