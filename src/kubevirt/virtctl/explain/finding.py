"""One sentence about one thing of the cluster, and how a chain of them is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is the matter with `subject`: a word, since when, why in a sentence, and what would end it."""

    subject: str
    state: str
    cause: str = ""
    since: datetime | None = None
    remedy: str = ""
    stands: bool = False
    """What it says holds whatever is found below it, as changes that wait for a restart do."""
    passes: bool = False
    """It ends by itself once what is below it has: look there."""


def last_word(chain: Sequence[Finding]) -> list[Finding]:
    """The chain with causes and remedies only where it ends: what stands before is the way there."""
    return [each if each.stands else replace(each, cause="", remedy="") for each in chain[:-1]] + list(chain[-1:])


def as_chain(findings: Sequence[Finding], now: datetime) -> str:
    """Each thing below the one that waits for it."""
    lines = []
    for depth, finding in enumerate(findings):
        indent = "   " * (depth - 1) + "└─ " if depth else ""
        text = "   " * depth + "   "
        since = f"  (for {age(finding.since, now)})" if finding.since is not None else ""
        lines.append(f"{indent}{finding.subject}: {finding.state}{since}")
        lines += [text + line for line in finding.cause.splitlines()]
        lines += [f"{text}-> {line}" for line in finding.remedy.splitlines()]
    return "\n".join(lines)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the two largest units: 45s, 3m12s, 2h5m, 4d3h."""
    seconds = max(int((now - since).total_seconds()), 0)
    for unit, size, smaller, below in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{seconds}s"
