"""Counts and spans, kept as plain numbers: what queues and the client do goes through here thousands of times a minute.

Nothing here knows Prometheus, or when anybody will ask.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

Clock = Callable[[], float]

QUEUE_BOUNDS: Final = tuple(10.0 ** n for n in range(-8, 2))
LATENCY_BOUNDS: Final = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
                         10.0, 15.0, 20.0, 30.0, 45.0, 60.0)
NO_ANSWER: Final = "<error>"


class Histogram:
    """How many values were at most each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class QueueMeasure:
    """What one work queue has been through. Called by the queue alone."""

    def __init__(self, name: str, *, clock: Clock = time.monotonic) -> None:
        self.name = name
        self.adds = 0
        self.retries = 0
        self.waits = Histogram(QUEUE_BOUNDS)
        self.works = Histogram(QUEUE_BOUNDS)
        self.longest_wait_s = 0.0
        """The longest that a key has waited since the program began."""
        self._clock = clock
        self._added: dict[str, float] = {}
        self._taken: dict[str, float] = {}

    @property
    def depth(self) -> int:
        """Keys that wait."""
        return len(self._added)

    def in_work_s(self) -> list[float]:
        """For how long each key that is worked on has been."""
        now = self._clock()
        return [now - since for since in self._taken.values()]

    def added(self, key: str) -> None:
        if key not in self._added:
            self.adds += 1
            self._added[key] = self._clock()

    def taken(self, key: str) -> None:
        now = self._clock()
        waited_s = now - self._added.pop(key, now)
        self.waits.observe(waited_s)
        self.longest_wait_s = max(self.longest_wait_s, waited_s)
        self._taken[key] = now

    def done(self, key: str) -> None:
        if (since := self._taken.pop(key, None)) is not None:
            self.works.observe(self._clock() - since)

    def retried(self) -> None:
        self.retries += 1


class RequestMeasure:
    """Requests to the API server: how many of each kind, and how long their answers took."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self.counts: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        """By code, method, resource and verb."""
        self.latencies: dict[tuple[str, str], Histogram] = {}
        """By verb and path, the path without the names in it."""
        self._clock = clock

    def begin(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> Callable[[str], None]:
        """A request is sent; call the result with the code of its answer. Further calls count nothing."""
        started = self._clock()
        open_ = True

        def answered(code: str) -> None:
            nonlocal open_
            if not open_:
                return
            open_ = False
            resource, pattern, is_list = kind_of(path)
            verb = verb_of(method, resource, query, is_list=is_list)
            self.counts[code, method, resource, verb] += 1
            histogram = self.latencies.get((verb, pattern))
            if histogram is None:
                histogram = self.latencies[verb, pattern] = Histogram(LATENCY_BOUNDS)
            histogram.observe(self._clock() - started)

        return answered


class WriteMeasure:
    """How often each object of one kind was written, for as long as it is there."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        """By namespace and name."""

    def written(self, namespace: str, name: str) -> None:
        """A write has worked."""
        self.counts[namespace, name] = self.counts.get((namespace, name), 0) + 1

    def gone(self, namespace: str, name: str) -> None:
        """The object is not there any more."""
        self.counts.pop((namespace, name), None)


def kind_of(path: str) -> tuple[str, str, bool]:
    """The resource that a path is about ("none" for none), the path without names, and whether it is of all objects."""
    parts = path.strip("/").split("/")
    start = {"api": 2, "apis": 3}.get(parts[0], 0)
    if not start or len(parts) <= start:
        return "none", f"/{parts[0]}", False
    rest = parts[start:]
    pattern = parts[:start]
    if rest[0] == "namespaces" and len(rest) > 2:
        pattern += ["namespaces", "{namespace}"]
        rest = rest[2:]
    resource, names = rest[0], rest[1:]
    pattern += [resource, *(["{name}", *names[1:2]] if names else [])]
    return resource, "/" + "/".join(pattern), not names


def verb_of(method: str, resource: str, query: Sequence[tuple[str, str]], *, is_list: bool) -> str:
    """The verb as the established metrics call it."""
    if resource == "none":
        return "none"
    if method == "GET":
        if any(key == "watch" and value in ("true", "1") for key, value in query):
            return "WATCH"
        return "LIST" if is_list else "GET"
    return {"PUT": "UPDATE", "POST": "CREATE", "PATCH": "PATCH", "DELETE": "DELETE"}.get(method, "none")


class Measures:
    """All that one program counts of itself."""

    def __init__(self) -> None:
        self.queues: list[QueueMeasure] = []
        self.requests = RequestMeasure()
        self.instance_writes = WriteMeasure()

    def queue(self, name: str) -> QueueMeasure:
        """The measure of a new queue."""
        measure = QueueMeasure(name)
        self.queues.append(measure)
        return measure
