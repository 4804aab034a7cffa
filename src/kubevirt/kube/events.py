"""Kubernetes events: what happened to an object, for `kubectl describe`.

Emitting never waits and never fails: events are notes, and a lost one is logged and forgotten. A repeated event raises
the count of the one that is there. An object that keeps repeating different events is cut off after a burst, so that a
crash loop cannot flood the API server.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from kubevirt.api.resources import EVENTS
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.tasks import Tasks
from kubevirt.kit.times import format_time, now
from kubevirt.kube.client import Client, name_of
from kubevirt.kube.errors import Forbidden, NotFound
from kubevirt.kube.requests import PatchKind

log = logs.get("events")

REMEMBERED = 4096
BURST_PER_OBJECT = 25
REFILL_S = 300.0
QUEUED_AT_MOST = 2000
# The API server refuses longer ones.
MESSAGE_LIMIT = 1024
PREFIX_LIMIT = 253 - 17


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The object an event is about."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""

    def to_json(self) -> JsonObject:
        reference: JsonObject = {"apiVersion": self.api_version, "kind": self.kind, "name": self.name}
        for key, value in (("namespace", self.namespace), ("uid", self.uid),
                           ("resourceVersion", self.resource_version), ("fieldPath", self.field_path)):
            if value:
                reference[key] = value
        return reference


@dataclass(frozen=True)
class _Note:
    subject: Subject
    type: str
    reason: str
    message: str

    @property
    def key(self) -> tuple[str, ...]:
        s = self.subject
        return (s.kind, s.namespace, s.name, s.uid, s.field_path, self.type, self.reason, self.message)


@dataclass
class _Series:
    """An event and its repeats. `name` is set once it is stored."""

    note: _Note
    first: datetime
    last: datetime
    count: int = 1
    name: str = ""
    queued: bool = True


@dataclass
class _Allowance:
    tokens: float = BURST_PER_OBJECT
    at: float = field(default_factory=time.monotonic)

    def take(self, clock: float) -> bool:
        self.tokens = min(BURST_PER_OBJECT, self.tokens + (clock - self.at) / REFILL_S)
        self.at = clock
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


def subject_of(obj: msgspec.Struct) -> Subject:
    """The subject for a whole API object, or for an ObjectReference."""
    identity = getattr(obj, "metadata", obj)

    def text(holder: object, attribute: str) -> str:
        return str(getattr(holder, attribute, "") or "")

    return Subject(
        api_version=text(obj, "api_version"),
        kind=text(obj, "kind"),
        name=text(identity, "name"),
        namespace=text(identity, "namespace"),
        uid=text(identity, "uid"),
        resource_version=text(identity, "resource_version"),
        field_path=text(obj, "field_path"),
    )


class EventRecorder:
    """Events of one component. Call `start` once; `flush` waits until everything emitted so far is stored."""

    def __init__(self, client: Client, component: str, *, host: str = "", clock: Callable[[], datetime] = now) -> None:
        self._client = client
        self._source: JsonObject = {"component": component, "host": host} if host else {"component": component}
        self._component = component
        self._host = host
        self._clock = clock
        self._series: OrderedDict[tuple[str, ...], _Series] = OrderedDict()
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()
        self._queue: asyncio.Queue[_Series] = asyncio.Queue()

    def start(self, tasks: Tasks) -> None:
        tasks.spawn(self.run(), name=f"events of {self._component}")

    def emit(self, about: msgspec.Struct | Subject, type_: str, reason: str, message: str) -> None:
        """`type_` is Normal or Warning, `reason` one word in camel case, `message` a sentence."""
        subject = about if isinstance(about, Subject) else subject_of(about)
        note = _Note(subject, type_, reason, message[:MESSAGE_LIMIT])
        if not self._allowed(subject) or self._queue.qsize() >= QUEUED_AT_MOST:
            log.warning("an event is dropped: too many for one object", kind=subject.kind, object=subject.name,
                        namespace=subject.namespace, reason=reason)
            return
        series = self._remember(note)
        if not series.queued:
            series.queued = True
            self._queue.put_nowait(series)

    def warning(self, about: msgspec.Struct | Subject, reason: str, message: str) -> None:
        self.emit(about, "Warning", reason, message)

    async def flush(self) -> None:
        await self._queue.join()

    async def run(self) -> None:
        while True:
            series = await self._queue.get()
            try:
                series.queued = False
                await self._store(series)
            finally:
                self._queue.task_done()

    def _remember(self, note: _Note) -> _Series:
        moment = self._clock()
        series = self._series.get(note.key)
        if series is None:
            series = self._series[note.key] = _Series(note, first=moment, last=moment, queued=False)
            if len(self._series) > REMEMBERED:
                self._series.popitem(last=False)
        else:
            series.count += 1
            series.last = moment
            self._series.move_to_end(note.key)
        return series

    def _allowed(self, subject: Subject) -> bool:
        key = subject.uid or f"{subject.kind}/{subject.namespace}/{subject.name}"
        allowance = self._allowances.pop(key, None) or _Allowance()
        self._allowances[key] = allowance
        if len(self._allowances) > REMEMBERED:
            self._allowances.popitem(last=False)
        return allowance.take(time.monotonic())

    async def _store(self, series: _Series) -> None:
        namespace = series.note.subject.namespace or "default"
        try:
            if not series.name or not await self._repeated(series, namespace):
                event = self._event(series, namespace)
                await self._client.create(EVENTS, event, namespace)
                series.name = name_of(event)
        except Forbidden as e:
            # A namespace that is being deleted takes no new objects; nobody will miss the note.
            log.info("an event is not taken", reason=series.note.reason, namespace=namespace, cause=str(e))
        except Problem as e:
            log.warning("an event could not be stored", reason=series.note.reason, namespace=namespace, cause=str(e))

    async def _repeated(self, series: _Series, namespace: str) -> bool:
        """Raises the count of the stored event; False if that is gone (events live for an hour)."""
        repeat: JsonObject = {"count": series.count, "lastTimestamp": format_time(series.last)}
        try:
            await self._client.patch(EVENTS, series.name, namespace, repeat, PatchKind.MERGE)
        except NotFound:
            series.count, series.first = 1, series.last
            return False
        return True

    def _event(self, series: _Series, namespace: str) -> JsonObject:
        note = series.note
        return {
            "metadata": {"name": f"{note.subject.name[:PREFIX_LIMIT]}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": note.subject.to_json(),
            "type": note.type,
            "reason": note.reason,
            "message": note.message,
            "source": self._source,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
            "firstTimestamp": format_time(series.first),
            "lastTimestamp": format_time(series.last),
            "count": series.count,
        }

