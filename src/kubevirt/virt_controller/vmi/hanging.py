"""Launcher pods that have their node, and yet do not start: what the node says of them.

A volume that cannot be mounted, a network that cannot be made: the kubelet tells of such things in events alone. They
are read for pods that take long, and only for these, so that a VMI never waits without a reason.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubevirt.api.objects import Event
from kubevirt.api.pods import Pod
from kubevirt.api.resources import EVENTS
from kubevirt.kube.client import Client
from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.vmi.phases import UNPROCESSED

HANGS_AFTER_S = 15.0
"""An ordinary start is over much sooner."""
LOOK_AGAIN_S = 20.0
FRESH = timedelta(seconds=15)
"""For so long a reading of the warnings is good enough."""
RECENT = timedelta(minutes=5)


def hangs_in_s(o: Observed) -> float | None:
    """In how many seconds the pod will have taken too long: 0 when it has, None when there is no such pod."""
    pod = o.pod
    if pod is None or o.is_deleting or o.vmi.status.phase not in UNPROCESSED | {"Scheduling"}:
        return None
    if not pod.spec.node_name or pods.is_down(pod) or pods.stuck(pod) or pods.can_be_handed_over(pod):
        return None
    age = (o.now - (pod.metadata.creation_timestamp or o.now)).total_seconds()
    return max(HANGS_AFTER_S - age, 0.0)


def told_by(events: list[Event], now: datetime) -> SyncProblem | None:
    """The last warning about a pod, if there was one lately."""
    def at(event: Event) -> datetime:
        return event.last_timestamp or event.first_timestamp or event.metadata.creation_timestamp or now - 2 * RECENT

    warnings = [event for event in events if event.type == "Warning" and now - at(event) < RECENT]
    if not warnings:
        return None
    last = max(warnings, key=at)
    return SyncProblem(reason=last.reason, message=last.message, retry=False)


@dataclass
class Reading:
    """The warnings about the pods of a namespace, by the pod's uid."""

    at: datetime | None = None
    by_pod: dict[str, list[Event]] = field(default_factory=dict)
    under_way: asyncio.Lock = field(default_factory=asyncio.Lock)


class Warnings:
    """Reads what is said of pods.

    The API server has no index of events: for one pod's it goes through all of the namespace. So one reading serves all
    pods of a namespace for a while; when thousands start slowly, asking for each would make everything slower still.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._readings: dict[str, Reading] = {}

    async def about(self, pod: Pod, now: datetime) -> SyncProblem | None:
        """The reason why it does not start, in the words of its node."""
        namespace = pod.metadata.namespace
        reading = self._readings.setdefault(namespace, Reading())
        async with reading.under_way:
            if reading.at is None or now - reading.at >= FRESH:
                reading.by_pod = await self._read(namespace)
                reading.at = now
        self._readings = {name: kept for name, kept in self._readings.items()
                          if kept.at is None or now - kept.at < RECENT}
        return told_by(reading.by_pod.get(pod.metadata.uid, []), now)

    async def _read(self, namespace: str) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = {}
        for event in await self._client.list(EVENTS, namespace, fields="involvedObject.kind=Pod,type=Warning"):
            found.setdefault(event.involved_object.uid, []).append(event)
        return found
