"""Requests to change state (`status.stateChangeRequests`): start and stop verbs leave them, the controller serves them.

Only the first one counts. A request is dropped once it is served or can no longer be; dropping is worked out before
every decision, so what is stored may lag behind without harm.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubevirt.api.vm import VirtualMachineStateChangeRequest as Request
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.vm.run_strategy import is_final

START, STOP = "Start", "Stop"


def is_served(request: Request, vmi: VirtualMachineInstance | None) -> bool:
    """The request has done its work, or its object is no longer there."""
    match request.action:
        case "Stop":
            return vmi is None or not request.uid or request.uid != vmi.metadata.uid
        case "Start":
            return vmi is not None and vmi.metadata.deletion_timestamp is None and not is_final(vmi)
        case _:
            return False


def pending(requests: Sequence[Request], vmi: VirtualMachineInstance | None) -> list[Request]:
    """The requests still to be served, in order."""
    first = 0
    while first < len(requests) and is_served(requests[first], vmi):
        first += 1
    return list(requests[first:])


def wants_start(requests: Sequence[Request]) -> bool:
    """The next thing asked for is a start."""
    return bool(requests) and requests[0].action == START


def leads_to_start(requests: Sequence[Request]) -> bool:
    """A start is asked for, if not as the next thing."""
    return any(r.action == START for r in requests)


def wants_start_paused(requests: Sequence[Request]) -> bool:
    """The next thing asked for is a start that leaves the guest paused."""
    return wants_start(requests) and requests[0].data.get("paused") == "true"


def wants_stop(requests: Sequence[Request], vmi: VirtualMachineInstance | None) -> bool:
    """The next thing asked for is a stop of exactly this VMI."""
    return bool(requests) and requests[0].action == STOP and vmi is not None and requests[0].uid == vmi.metadata.uid
