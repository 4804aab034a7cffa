"""Phases of a VMI, and which of them are its last.

A migration and a pod end in the same two words. How a phase follows from what a domain does is `machine.phase`'s.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Phases of a VMI."""

    NONE = ""
    PENDING = "Pending"
    SCHEDULING = "Scheduling"
    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    WAITING_FOR_SYNC = "WaitingForSync"
    UNKNOWN = "Unknown"


FINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED})


def is_final(phase: str) -> bool:
    """The run is over and the VMI will never run again."""
    return phase in FINAL
