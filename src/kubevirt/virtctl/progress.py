"""A line that says what is being waited for, and for how long: on a terminal only, and only when it takes a while.

It is written to standard error and wiped away at the end, so it never mixes with a result. Whoever knows more than
that something takes time changes `text` or counts with `moved`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PATIENCE_S = 1.0
STEP_S = 0.5
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Progress:
    """What is shown; `text` may be changed at any time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._moved = 0
        self._total = 0

    def moved(self, count: int, total: int = 0) -> None:
        """So many bytes more have been moved, of so many in all when that is known."""
        self._moved += count
        self._total = total or self._total

    def line(self, waited_s: float) -> str:
        """The line to show after so long."""
        told = self.text
        if self._moved:
            told += f" {size(self._moved)}"
        if self._moved and self._total:
            told += f" of {size(self._total)} ({100 * self._moved // self._total} %)"
        return f"{told} ({waited_s:.0f} s)"


def size(count: int) -> str:
    """A number of bytes for people."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {UNITS[unit]}" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"


@asynccontextmanager
async def progress(text: str) -> AsyncIterator[Progress]:
    """Show a line while the block takes longer than a moment."""
    shown = Progress(text)
    if not sys.stderr.isatty():
        yield shown
        return
    ticking = asyncio.create_task(_tick(shown), name="progress")
    try:
        yield shown
    finally:
        ticking.cancel()
        await asyncio.wait((ticking,))


async def _tick(shown: Progress) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.sleep(PATIENCE_S)
    try:
        while True:
            sys.stderr.write(f"\r\x1b[K{shown.line(loop.time() - started)}")
            sys.stderr.flush()
            await asyncio.sleep(STEP_S)
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
