"""A work queue of keys: what is added twice is worked on once, and never by two workers at a time.

The contract is that of controller-runtime's queue. A key added while it is being worked on comes again after `done`.
Keys whose work failed come back after a delay of their own that doubles with each failure and is cleared by `forget`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from kubevirt.kube.backoff import Backoff
from kubevirt.kube.metrics.measures import QueueMeasure


@dataclass(frozen=True)
class _Due:
    at: float
    handle: asyncio.TimerHandle


class WorkQueue:
    """`retry_start_s` to `retry_limit_s`: the delays of failing keys. Used from one event loop only."""

    def __init__(self, *, retry_start_s: float = 0.05, retry_limit_s: float = 60.0,
                 measure: QueueMeasure | None = None) -> None:
        self._measure = measure
        self._retry_start_s = retry_start_s
        self._retry_limit_s = retry_limit_s
        self._waiting: deque[str] = deque()
        self._known: set[str] = set()
        self._working: set[str] = set()
        self._again: set[str] = set()
        self._due: dict[str, _Due] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._getters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """Keys that could be worked on now; delayed ones are not counted."""
        return len(self._waiting)

    def add(self, key: str) -> None:
        if self._measure is not None:
            self._measure.added(key)
        if key in self._working:
            self._again.add(key)
        elif key not in self._known:
            self._known.add(key)
            self._waiting.append(key)
            self._wake_one()

    def add_after(self, key: str, seconds: float) -> None:
        """Adds the key later. Of several times asked for, the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        due = self._due.get(key)
        if due is not None:
            if due.at <= at:
                return
            due.handle.cancel()
        self._due[key] = _Due(at, loop.call_at(at, self._fall_due, key))

    def retry(self, key: str) -> float:
        """Adds the key after its growing delay, which is returned in seconds."""
        backoff = self._backoffs.get(key)
        if backoff is None:
            backoff = self._backoffs[key] = Backoff(start_s=self._retry_start_s, limit_s=self._retry_limit_s)
        wait = backoff.next()
        if self._measure is not None:
            self._measure.retried()
        self.add_after(key, wait)
        return wait

    def failures(self, key: str) -> int:
        """How often in a row `retry` was called for the key."""
        backoff = self._backoffs.get(key)
        return backoff.failures if backoff else 0

    def forget(self, key: str) -> None:
        """The key's work succeeded: its next failure starts with the shortest delay."""
        self._backoffs.pop(key, None)

    async def get(self) -> str:
        """The next key, to be given back with `done`."""
        while not self._waiting:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                # A wake-up that this getter can no longer use goes to the next one.
                if getter.done() and not getter.cancelled() and self._waiting:
                    self._wake_one()
                raise
            finally:
                if getter in self._getters:
                    self._getters.remove(getter)
        key = self._waiting.popleft()
        self._known.discard(key)
        self._working.add(key)
        if self._measure is not None:
            self._measure.taken(key)
        return key

    def done(self, key: str) -> None:
        self._working.discard(key)
        if self._measure is not None:
            self._measure.done(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _fall_due(self, key: str) -> None:
        del self._due[key]
        self.add(key)

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
