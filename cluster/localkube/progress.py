"""What `localkube` is doing, as lines on standard error: one a step, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce a step, and say how long it took when it has ended well."""
    started = time.monotonic()
    if console.is_terminal:
        console.print(f"[dim]...[/] {what}", end="\r")
    yield
    console.print(f"[green]done[/] {what} [dim]({time.monotonic() - started:.1f} s)[/]")


def note(text: str) -> None:
    """A line of information that is no step."""
    console.print(f"     {text}")
