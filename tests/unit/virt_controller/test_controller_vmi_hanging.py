"""Pods that have their node and do not start: when that is asked about, and which of the answers is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from controller_objects import NOW, RUNS, pod, stamp, vmi, waits
from controller_vmi_seen import seen

from kubevirt.api import codec
from kubevirt.api.objects import Event
from kubevirt.virt_controller.vmi.hanging import Warnings, hangs_in_s, told_by


@pytest.mark.parametrize(("instance", "launcher", "expected"), [
    pytest.param(vmi("Scheduling"), pod(age_s=5), 10, id="not yet"),
    pytest.param(vmi("Scheduling"), pod(age_s=15), 0, id="now it takes long"),
    pytest.param(vmi("Pending"), pod(age_s=60, compute=waits("ContainerCreating")), 0, id="Scheduling was not written"),
    pytest.param(vmi("Scheduling"), pod(age_s=60, node=""), None, id="the scheduler has its own word"),
    pytest.param(vmi("Scheduling"), pod(age_s=60, compute=waits("ErrImagePull")), None, id="the kubelet says why"),
    pytest.param(vmi("Scheduling"), pod(age_s=60, compute=RUNS), None, id="it has started"),
    pytest.param(vmi("Scheduling"), pod(age_s=60, deleting=True), None, id="it goes"),
    pytest.param(vmi("Running"), pod(age_s=60), None, id="the guest runs"),
    pytest.param(vmi("Pending"), None, None, id="there is none"),
])
def test_when_a_pod_hangs(instance: Any, launcher: Any, expected: float | None) -> None:
    assert hangs_in_s(seen(instance, *([launcher] if launcher is not None else []))) == expected


def event(reason: str, *, ago_s: float, type_: str = "Warning") -> Event:
    return codec.convert({"metadata": {"name": reason}, "involvedObject": {"name": "p"}, "type": type_,
                          "reason": reason, "message": f"about {reason}", "lastTimestamp": stamp(ago_s)}, Event)


@pytest.mark.parametrize(("events", "expected"), [
    pytest.param([], None, id="nothing is said"),
    pytest.param([event("FailedMount", ago_s=5)], "FailedMount", id="a volume cannot be mounted"),
    pytest.param([event("FailedMount", ago_s=50), event("FailedCreatePodSandBox", ago_s=5)], "FailedCreatePodSandBox",
                 id="the last word counts"),
    pytest.param([event("FailedMount", ago_s=301)], None, id="it was long ago"),
    pytest.param([event("Pulling", ago_s=5, type_="Normal")], None, id="nothing is wrong"),
])
def test_what_is_told(events: list[Event], expected: str | None) -> None:
    problem = told_by(events, NOW)
    assert (problem.reason if problem is not None else None) == expected
    if problem is not None:
        assert problem.message == f"about {expected}"
        assert not problem.retry


class Events:
    """The events of one namespace, and how often they were asked for."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.asked: list[tuple[str, str]] = []

    async def list(self, _resource: Any, namespace: str, *, fields: str) -> list[Event]:
        self.asked.append((namespace, fields))
        await asyncio.sleep(0)
        return [*self.events]


def about(name: str, uid: str) -> Event:
    return codec.convert({"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "uid": uid}, "type": "Warning",
                          "reason": name, "message": "", "lastTimestamp": stamp(0)}, Event)


async def test_one_reading_serves_all_pods_of_a_namespace_for_a_while() -> None:
    launcher = pod()
    client: Any = Events(about("FailedMount", launcher.metadata.uid), about("FailedAttachVolume", "another"))
    warnings = Warnings(client)
    told = await asyncio.gather(*(warnings.about(launcher, NOW) for _ in range(50)))
    assert {problem.reason for problem in told if problem is not None} == {"FailedMount"}
    await warnings.about(launcher, NOW + timedelta(seconds=14))
    assert client.asked == [(launcher.metadata.namespace, "involvedObject.kind=Pod,type=Warning")]
    client.events = ()
    assert await warnings.about(launcher, NOW + timedelta(seconds=15)) is None
    assert len(client.asked) == 2
