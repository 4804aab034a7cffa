"""What one kind of live change comes to."""

from __future__ import annotations

from dataclasses import dataclass

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import FailureWords, SyncProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The instance after it; `restart` says why only a restart brings the change, `problem` why it cannot be made yet.

    Of a restart and a problem at most one tells anything. The instance may be another one all the same: its conditions
    say what happens to the change.
    """

    vmi: VirtualMachineInstance
    restart: str = ""
    problem: SyncProblem | None = None


def held_up(vmi: VirtualMachineInstance, words: FailureWords, cause: str) -> Change:
    """The change must wait for something that ends by itself and is watched."""
    return Change(vmi=vmi, problem=SyncProblem(reason=words.reason, message=words.condition + cause, retry=False))


def is_migrating(vmi: VirtualMachineInstance) -> bool:
    """A migration of this instance has begun and not ended."""
    state = vmi.status.migration_state
    return state is not None and state.start_timestamp is not None and state.end_timestamp is None and not (
        state.completed or state.failed)
