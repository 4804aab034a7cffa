"""When the launcher itself has to act on its guest's end. Pure.

Normally virt-handler shuts the guest down: it sees the mark for a graceful shutdown that the launcher sets when its pod
is told to end. These rules are for when virt-handler is away, so that a drained node never loses a guest's data.
"""

from enum import Enum, auto

import msgspec

HANDLER_GETS_S = 5.0
"""So long virt-handler has the first word."""
PRESS_AGAIN_S = 5.0
"""A guest that is still booting may miss the power button."""
NO_SYNC_S = 300.0
"""A launcher that nobody talks to for so long ends, so that its pod says what is wrong."""


class Step(Enum):
    WAIT = auto()
    PRESS_POWER_BUTTON = auto()
    KILL = auto()
    LEAVE = auto()
    GIVE_UP = auto()


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds of one monotonic clock; None means it has not happened."""

    now: float
    started_waiting: float
    synced: bool
    """virt-handler has said what machine to make."""
    alive: bool
    told_to_end: float | None = None
    first_press: float | None = None
    last_press: float | None = None
    killed: float | None = None
    grace_period_s: float = 30.0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    step: Step
    look_again_in_s: float | None = None
    """None: nothing will change by time alone."""


def decide(o: Observed) -> Decision:
    """What to do now about the guest's end, and when to ask again."""
    if o.told_to_end is None:
        if o.synced:
            return Decision(step=Step.WAIT)
        left = o.started_waiting + NO_SYNC_S - o.now
        return Decision(step=Step.WAIT, look_again_in_s=left) if left > 0 else Decision(step=Step.GIVE_UP)
    if not o.alive:
        # Before the start there is nothing to lose; after the end the final report is on its way already.
        return Decision(step=Step.LEAVE) if not o.synced else Decision(step=Step.WAIT)
    if o.killed is not None:
        return Decision(step=Step.WAIT)
    pressed = o.first_press if o.first_press is not None else o.told_to_end + HANDLER_GETS_S
    expires = pressed + o.grace_period_s
    if o.now >= expires:
        return Decision(step=Step.KILL)
    due = o.told_to_end + HANDLER_GETS_S if o.last_press is None else o.last_press + PRESS_AGAIN_S
    if o.now >= due:
        return Decision(step=Step.PRESS_POWER_BUTTON, look_again_in_s=min(PRESS_AGAIN_S, expires - o.now))
    return Decision(step=Step.WAIT, look_again_in_s=min(due, expires) - o.now)
