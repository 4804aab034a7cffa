"""Which of two versions of an object is the later one.

Kubernetes promises (since 1.35, and all its storage has always done so) that resource versions of one resource are
decimal numbers that grow with every write. Where a server gives something else, nothing can be said about the order.
"""

from __future__ import annotations


def as_number(resource_version: str) -> int | None:
    """None where the version is not a plain decimal number (or is empty)."""
    if resource_version.isascii() and resource_version.isdecimal():
        return int(resource_version)
    return None


def is_later(one: str, than: str) -> bool | None:
    """Whether version `one` was written after version `than`; None where that cannot be known."""
    a, b = as_number(one), as_number(than)
    if a is None or b is None:
        return None
    return a > b
