"""What this process holds of things that can leak, and whether a repeated action left some of it behind."""

from __future__ import annotations

import os
import threading

BY_CHANCE = 3
"""A thread of the pool or a socket about to close may be there or not. What each round leaves stays of all of them."""


def held() -> dict[str, int]:
    """Open descriptors and living threads."""
    return {"descriptors": len(os.listdir("/proc/self/fd")), "threads": threading.active_count()}  # noqa: PTH208


def assert_nothing_stays(before: dict[str, int], now: dict[str, int], rounds: int) -> None:
    """To be asked after clearly more rounds than may be there by chance."""
    assert rounds > 2 * BY_CHANCE, "a leak of one each round would not show"
    grown = {what: now[what] - before[what] for what in before if now[what] > before[what] + BY_CHANCE}
    assert not grown, f"after {rounds} rounds: {now}, and {before} before"
