"""What libvirt says of a domain, by number, in the words of the API.

Numbers instead of libvirt's constants so that the tables can be read and tested without libvirt; they are part of its
stable interface (virDomainState and the reason enumerations beside it).
"""

from kubevirt.machine.domain_report import Reason, State

STATES = {
    0: State.NO_STATE,
    1: State.RUNNING,
    2: State.BLOCKED,
    3: State.PAUSED,
    4: State.SHUTTING_DOWN,
    5: State.SHUTOFF,
    6: State.CRASHED,
    7: State.PM_SUSPENDED,
}

REASONS: dict[State, dict[int, Reason]] = {
    State.PAUSED: {
        1: Reason.USER,
        2: Reason.MIGRATION,
        3: Reason.SAVE,
        4: Reason.DUMP,
        5: Reason.IO_ERROR,
        6: Reason.WATCHDOG,
        7: Reason.FROM_SNAPSHOT,
        8: Reason.SHUTTING_DOWN,
        9: Reason.SNAPSHOT,
        10: Reason.CRASHED,
        11: Reason.STARTING_UP,
        12: Reason.POSTCOPY,
        13: Reason.POSTCOPY_FAILED,
    },
    State.SHUTTING_DOWN: {1: Reason.USER},
    State.SHUTOFF: {
        1: Reason.SHUTDOWN,
        2: Reason.DESTROYED,
        3: Reason.CRASHED,
        4: Reason.MIGRATED,
        5: Reason.SAVED,
        6: Reason.FAILED,
        7: Reason.FROM_SNAPSHOT,
        8: Reason.CRASHED,  # the daemon found the guest in pieces when it came back
    },
    State.CRASHED: {1: Reason.PANICKED},
}

UNASKED_PAUSES = frozenset({Reason.UNKNOWN, Reason.IO_ERROR, Reason.WATCHDOG, Reason.FROM_SNAPSHOT})
"""For the other pauses a user, or something that is going on, has asked."""


def translate(state: int, reason: int) -> tuple[State, Reason]:
    name = STATES.get(state, State.UNKNOWN)
    return name, REASONS.get(name, {}).get(reason, Reason.UNKNOWN)


def is_to_go_on(state: str, reason: str) -> bool:
    """A later order lets the guest run again: nobody has asked that it stands still."""
    return state == State.PAUSED and reason in UNASKED_PAUSES


def has_ended(state: str) -> bool:
    return state in (State.SHUTOFF, State.CRASHED)
