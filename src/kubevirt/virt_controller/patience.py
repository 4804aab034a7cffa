"""How long an intermediate state may last before it is worth a write of its own.

A start that goes well is over within seconds and passes through states that nobody could read in time; writing each of
them would double the load on the API server when many VMs start at once. What stays longer than this is told.
"""

from __future__ import annotations

from datetime import datetime

from kubevirt.api.vmi import VirtualMachineInstance

PATIENCE_S = 10.0


def seconds_since_turn(vmi: VirtualMachineInstance, now: datetime) -> float:
    """Seconds since the VMI's life last took a turn: its creation, a change of its phase, the wish to delete it."""
    times = [t.phase_transition_timestamp for t in vmi.status.phase_transition_timestamps
             if t.phase_transition_timestamp is not None]
    times.extend(t for t in (vmi.metadata.creation_timestamp, vmi.metadata.deletion_timestamp) if t is not None)
    return (now - max(times)).total_seconds() if times else PATIENCE_S
