"""What an installation tells while it works: one line a step, with the time it has been at work so far."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape


class Progress:
    """Lines on standard error, so that standard output stays for what other programs read."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        self._line(escape(text))

    def good(self, text: str) -> None:
        self._line(f"[green]{escape(text)}[/green]")

    def waiting(self, text: str) -> None:
        self._line(f"[yellow]{escape(text)}[/yellow]")

    def bad(self, text: str) -> None:
        self._line(f"[bold red]{escape(text)}[/bold red]")

    def _line(self, markup: str) -> None:
        self._console.print(f"[dim]{self.seconds:6.1f} s[/dim]  {markup}")
