"""In which order launcher pods are made when many are wanted at once.

A start costs a node's processor a second or two, whoever shares it: of twenty machines that two processors start all
at once, the first is up with the last. In turn, as many at a time as the nodes have processors, the last comes no
later and half of them are up in half the time. Clusters with more processors than machines to start never notice.

A turn ends when its guest runs or its pod waits for something else than a processor; or else after `TURN_S`, so that
nobody waits long behind one that pulls its image. All of this is about comfort, so it lives in memory: a controller
that starts anew gives the turns anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice

TURN_S = 4.0
ASK_AGAIN_S = 10.0
WIDTH_AT_LEAST = 2


class Pace:
    """Turns by key, first come, first served. `wake` is called with a key whose turn may have come."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._since: dict[str, datetime] = {}
        self._waiting: dict[str, None] = {}

    def wait_s(self, key: str, *, width: int, now: datetime) -> float | None:
        """None: it is the key's turn, until `over`. Else the seconds after which to ask again at the latest."""
        width = max(width, WIDTH_AT_LEAST)
        self._end_long_turns(now)
        if key in self._since:
            return None
        self._waiting.setdefault(key)
        if key in islice(self._waiting, max(width - len(self._since), 0)):
            del self._waiting[key]
            self._since[key] = now
            self._wake_next()
            return None
        return TURN_S if key in islice(self._waiting, width) else ASK_AGAIN_S

    def over(self, key: str) -> None:
        """The key needs no turn, or no longer."""
        if self._since.pop(key, None) is not None or key in self._waiting:
            self._waiting.pop(key, None)
            self._wake_next()

    def _end_long_turns(self, now: datetime) -> None:
        for key in [k for k, since in self._since.items() if (now - since).total_seconds() >= TURN_S]:
            del self._since[key]

    def _wake_next(self) -> None:
        for key in islice(self._waiting, 1):
            self._wake(key)
