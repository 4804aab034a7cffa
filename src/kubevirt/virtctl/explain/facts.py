"""Everything that was fetched about one machine, and the questions that findings ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubevirt.api.core import Event, Node, PersistentVolumeClaim, Pod
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import JsonObject


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was fetched. `claims` has an entry for every claim that the machine names; None where there is none."""

    namespace: str
    name: str
    vm: VirtualMachine | None = None
    vmi: VirtualMachineInstance | None = None
    pods: list[Pod] = field(default_factory=list)
    claims: Mapping[str, PersistentVolumeClaim | None] = field(default_factory=dict)
    data_volumes: Mapping[str, JsonObject | None] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def pod(self) -> Pod | None:
        """The instance's newest launcher pod that has not ended, else its newest."""
        newest = sorted(self.pods, key=born, reverse=True)
        return next((pod for pod in newest if not pod.is_finished), newest[0] if newest else None)

    def last_event(self, kind: str, name: str, *reasons: str) -> Event | None:
        """The newest event about an object with one of the reasons."""
        return self._newest(kind, name, lambda event: event.reason in reasons)

    def last_failed_pull(self, pod: str) -> Event | None:
        """The newest event that says why an image is not pulled; the kubelet also sends some with the reason alone."""
        return self._newest("Pod", pod, lambda it: it.reason == "Failed" and not it.message.startswith("Error: "))

    def last_warning(self, kind: str, name: str) -> Event | None:
        """The newest warning about an object."""
        return self._newest(kind, name, lambda event: event.type == "Warning")

    def _newest(self, kind: str, name: str, is_meant: Callable[[Event], bool]) -> Event | None:
        about = ((event, event.involved_object) for event in self.events)
        found = (event for event, it in about if it.kind == kind and it.name == name and is_meant(event))
        return max(found, key=lambda event: seconds(event.last_timestamp), default=None)

    @property
    def at(self) -> str:
        """What a command line needs to be about this namespace."""
        return f" -n {self.namespace}"


def born(pod: Pod) -> float:
    return seconds(pod.metadata.creation_timestamp)


def seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0
