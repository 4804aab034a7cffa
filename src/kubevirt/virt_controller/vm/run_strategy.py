"""Run strategies: what each of them asks for in each state of the VMI.

`MOVES` is the action table of the reference, row by row. It says what is wanted; whether a start must wait for a
back-off or a stop for a request is worked out by those who read it (`decide`).
"""

from __future__ import annotations

from enum import Enum, StrEnum

from kubevirt.api import phase
from kubevirt.api.run_strategy import RunStrategy
from kubevirt.api.vmi import VirtualMachineInstance


class VmiState(StrEnum):
    """What run strategies tell apart about the VMI."""

    ABSENT = "absent"
    LIVE = "live"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "deleting"
    WAITING_FOR_SYNC = "WaitingForSync"


class Move(Enum):
    """What a run strategy asks for."""

    KEEP = "nothing"
    START = "start"
    START_UNLESS_BACKING_OFF = "start, unless back-off time is left"
    START_ON_REQUEST = "start if it was asked for"
    START_ON_REQUEST_OR_SWITCH = "start if it was asked for or the strategy is new; back-off applies"
    TURN_ON_IF_REQUESTED = "a start was asked for on a halted VM: its spec is turned on"
    DELETE = "delete the VMI"
    DELETE_ON_REQUEST = "delete the VMI if a stop of exactly it was asked for"
    DELETE_AND_START_AGAIN = "delete the VMI and leave a request to start it again"
    MISPLACED_RECEIVER = "a VM that waits for a migration has a VMI that does not"


_S, _V, _M = RunStrategy, VmiState, Move

MOVES: dict[RunStrategy, dict[VmiState, Move]] = {
    _S.ALWAYS: {
        _V.ABSENT: _M.START_UNLESS_BACKING_OFF,
        _V.LIVE: _M.DELETE_ON_REQUEST,
        _V.SUCCEEDED: _M.DELETE,
        _V.FAILED: _M.DELETE,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.DELETE_ON_REQUEST,
    },
    _S.RERUN_ON_FAILURE: {
        _V.ABSENT: _M.START_ON_REQUEST_OR_SWITCH,
        _V.LIVE: _M.DELETE_ON_REQUEST,
        _V.SUCCEEDED: _M.DELETE,
        _V.FAILED: _M.DELETE_AND_START_AGAIN,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.DELETE_ON_REQUEST,
    },
    _S.MANUAL: {
        _V.ABSENT: _M.START_ON_REQUEST,
        _V.LIVE: _M.DELETE_ON_REQUEST,
        _V.SUCCEEDED: _M.DELETE_ON_REQUEST,
        _V.FAILED: _M.DELETE_ON_REQUEST,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.DELETE_ON_REQUEST,
    },
    _S.HALTED: {
        _V.ABSENT: _M.TURN_ON_IF_REQUESTED,
        _V.LIVE: _M.DELETE,
        _V.SUCCEEDED: _M.DELETE,
        _V.FAILED: _M.DELETE,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.DELETE,
    },
    _S.ONCE: {
        _V.ABSENT: _M.START,
        _V.LIVE: _M.KEEP,
        _V.SUCCEEDED: _M.KEEP,
        _V.FAILED: _M.KEEP,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.KEEP,
    },
    _S.WAIT_AS_RECEIVER: {
        _V.ABSENT: _M.START,
        _V.LIVE: _M.MISPLACED_RECEIVER,
        _V.SUCCEEDED: _M.MISPLACED_RECEIVER,
        _V.FAILED: _M.MISPLACED_RECEIVER,
        _V.DELETING: _M.KEEP,
        _V.WAITING_FOR_SYNC: _M.KEEP,
    },
}

RESTARTING = frozenset({_S.ALWAYS, _S.RERUN_ON_FAILURE, _S.ONCE})
"""Strategies under which failed starts are counted."""


def is_final(vmi: VirtualMachineInstance) -> bool:
    """The guest has ended and will not run again in this VMI."""
    return phase.is_final(vmi.status.phase)


def vmi_state(vmi: VirtualMachineInstance | None) -> VmiState:
    """The row of the action table this VMI is in."""
    if vmi is None:
        return VmiState.ABSENT
    if vmi.metadata.deletion_timestamp is not None:
        return VmiState.DELETING
    match vmi.status.phase:
        case "Succeeded":
            return VmiState.SUCCEEDED
        case "Failed":
            return VmiState.FAILED
        case "WaitingForSync":
            return VmiState.WAITING_FOR_SYNC
        case _:
            return VmiState.LIVE


def move_for(strategy: RunStrategy, vmi: VirtualMachineInstance | None) -> Move:
    """What this strategy asks for now."""
    return MOVES[strategy][vmi_state(vmi)]
