"""Addresses of guests on VSOCK: a number for each machine that has such a device, of its own in the whole cluster."""

from __future__ import annotations

import random
from collections.abc import Iterable

FIRST, LAST = 3, 2**32 - 2
"""Smaller numbers are the hypervisor's and the host's; the largest stands for any."""


class Addresses:
    """What was given out by this process; what stands in a status is told with each question."""

    def __init__(self, start: int | None = None) -> None:
        self._next = start if start is not None else random.randint(FIRST, LAST)  # noqa: S311 - no secret
        self._given: dict[str, int] = {}

    def address_for(self, key: str, taken: Iterable[int]) -> int:
        """The key's number; always the same until `forget`."""
        if key not in self._given:
            used = {*taken, *self._given.values()}
            while self._next in used:
                self._advance()
            self._given[key] = self._next
            self._advance()
        return self._given[key]

    def forget(self, key: str) -> None:
        """The machine is gone, or its number stands in its status."""
        self._given.pop(key, None)

    def _advance(self) -> None:
        self._next = FIRST if self._next >= LAST else self._next + 1
