"""The page that `make bench` prints: one line a value, with its promise beside it."""

from __future__ import annotations

MIB = 1024 * 1024


def line(what: str, value: str, promise: str = "") -> None:
    """One measured value beside its promise."""
    print(f"{what:<68} {value:>14}  {promise}", flush=True)
