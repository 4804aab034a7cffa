"""How long instances take from phase to phase, measured when a cache hears of a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from kubevirt.api.phase import is_final
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.metrics.measures import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Key = TypeVar("Key", bound=tuple[str, ...])

BOUNDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0,
                 1800.0, 3600.0)
PREFIX: Final = "kubevirt_vmi_phase_transition_time"


class PhaseTransitions:
    """Listens to the cache of instances."""

    def __init__(self) -> None:
        self._between: dict[tuple[str, str], Histogram] = {}
        self._since_creation: dict[tuple[str], Histogram] = {}
        self._since_deletion: dict[tuple[str], Histogram] = {}

    def changed(self, old: VirtualMachineInstance | None, new: VirtualMachineInstance | None) -> None:
        """To be called for every change."""
        if old is None or new is None or old.status.phase == new.status.phase:
            return
        phase, last, meta = new.status.phase, old.status.phase, new.metadata
        if (now := moment(new, phase)) is None:
            return
        observe(self._between, (phase, last), moment(new, last), now)
        observe(self._since_creation, (phase,), meta.creation_timestamp, now)
        if is_final(phase):
            observe(self._since_deletion, (phase,), meta.deletion_timestamp, now)

    def families(self) -> Iterator[Metric]:
        """The histograms."""
        from kubevirt.kube.metrics.families import histogram

        yield histogram(f"{PREFIX}_seconds", "Time between two phases of an instance.", ["phase", "last_phase"],
                        list(self._between.items()))
        yield histogram(f"{PREFIX}_from_creation_seconds", "Time from an instance's creation to a phase.", ["phase"],
                        list(self._since_creation.items()))
        yield histogram(f"{PREFIX}_from_deletion_seconds", "Time from an instance's deletion to its end.", ["phase"],
                        list(self._since_deletion.items()))


def observe(into: dict[Key, Histogram], key: Key, since: datetime | None, now: datetime) -> None:
    """Takes in one span; clocks that disagree make none that is negative."""
    if since is None:
        return
    if key not in into:
        into[key] = Histogram(BOUNDS)
    into[key].observe(max((now - since).total_seconds(), 0.0))


def moment(vmi: VirtualMachineInstance, phase: str) -> datetime | None:
    """When the instance entered a phase, by its own record."""
    record = vmi.status.phase_transition_timestamps
    return next((t.phase_transition_timestamp for t in reversed(record) if t.phase == phase), None)
