"""Counting of queues and requests, and the page that Prometheus reads."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubevirt.kube.metrics import families
from kubevirt.kube.metrics.measures import Histogram, Measures, QueueMeasure, RequestMeasure, kind_of, verb_of
from kubevirt.kube.metrics.page import text_of
from kubevirt.kube.queue import WorkQueue

POD = "/api/v1/namespaces/shop/pods/web"


@pytest.mark.parametrize(("path", "expected"), [
    (POD, ("pods", "/api/v1/namespaces/{namespace}/pods/{name}", False)),
    ("/api/v1/namespaces/shop/pods", ("pods", "/api/v1/namespaces/{namespace}/pods", True)),
    (POD + "/status", ("pods", "/api/v1/namespaces/{namespace}/pods/{name}/status", False)),
    ("/apis/kubevirt.io/v1/virtualmachines", ("virtualmachines", "/apis/kubevirt.io/v1/virtualmachines", True)),
    ("/api/v1/nodes/node01", ("nodes", "/api/v1/nodes/{name}", False)),
    ("/api/v1/namespaces/shop", ("namespaces", "/api/v1/namespaces/{name}", False)),
    ("/version", ("none", "/version", False)),
    ("/apis/kubevirt.io", ("none", "/apis", False)),
])
def test_what_a_path_is_about(path: str, expected: tuple[str, str, bool]) -> None:
    assert kind_of(path) == expected


@pytest.mark.parametrize(("method", "query", "is_list", "verb"), [
    ("GET", (), False, "GET"), ("GET", (), True, "LIST"), ("GET", (("watch", "true"),), True, "WATCH"),
    ("PUT", (), False, "UPDATE"), ("POST", (), True, "CREATE"), ("PATCH", (), False, "PATCH"),
    ("DELETE", (), False, "DELETE"), ("HEAD", (), False, "none"),
])
def test_verbs(method: str, query: tuple[tuple[str, str], ...], is_list: bool, verb: str) -> None:
    assert verb_of(method, "pods", query, is_list=is_list) == verb
    assert verb_of(method, "none", query, is_list=is_list) == "none"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_request_is_counted_once() -> None:
    clock = Clock()
    measure = RequestMeasure(clock=clock)
    answered = measure.begin("GET", POD, ())
    clock.now += 0.3
    answered("200")
    answered("500")
    assert dict(measure.counts) == {("200", "GET", "pods", "GET"): 1}
    ((key, histogram),) = measure.latencies.items()
    assert key == ("GET", "/api/v1/namespaces/{namespace}/pods/{name}")
    assert histogram.total == pytest.approx(0.3)


async def test_a_queue_is_measured() -> None:
    clock = Clock()
    measure = QueueMeasure("test", clock=clock)
    queue = WorkQueue(measure=measure)
    queue.add("a")
    queue.add("a")
    assert (measure.adds, measure.depth) == (1, 1)
    clock.now += 2
    key = await queue.get()
    assert (measure.depth, measure.waits.total) == (0, 2)
    queue.add("a")  # while it is worked on
    clock.now += 3
    assert measure.in_work_s() == [3]
    queue.done(key)
    assert (measure.adds, measure.depth, measure.works.total) == (2, 1, 3)
    await queue.get()
    assert (measure.longest_wait_s, measure.waits.total) == (3, 5)
    queue.retry("b")
    assert measure.retries == 1


def test_histograms() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 9):
        histogram.observe(value)
    assert (histogram.counts, histogram.total) == ([2, 1, 1], 12)


def test_the_page() -> None:
    measures = Measures()
    measures.queue("virt-controller-vm").added("a")
    measures.requests.begin("GET", POD, ())("404")
    odd = families.counter("kubevirt_vm_running_status_last_transition_timestamp_seconds", "When.", ["name"],
                           [(["web"], 5)])
    text = text_of(lambda: [odd, *families.of_program(measures, host="api:443")]).decode()
    assert "# TYPE kubevirt_vm_running_status_last_transition_timestamp_seconds counter" in text
    found = {f.name: f for f in text_string_to_metric_families(text)}
    (requests,) = found["kubevirt_rest_client_requests"].samples
    assert requests.labels == {"code": "404", "method": "GET", "host": "api:443", "resource": "pods", "verb": "GET"}
    assert [s.value for s in found["kubevirt_workqueue_depth"].samples] == [1]
    waits = found["kubevirt_workqueue_queue_duration_seconds"]
    assert waits.type == "histogram"
    assert [s.labels["le"] for s in waits.samples if s.name.endswith("_bucket")][:3] == ["1e-08", "1e-07", "1e-06"]
    assert "process_resident_memory_bytes" in found


def test_labels() -> None:
    assert families.as_label("app.kubernetes.io/name-x") == "app_kubernetes_io_name_x"
    assert families.labelled({"name": "web"}, {"a/b": "c"}, "label_") == {"name": "web", "label_a_b": "c"}
