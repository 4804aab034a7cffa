"""Pods that have their node and do not start: when that is asked about, and which of the answers is told."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import NOW, RUNS, pod, stamp, vmi, waits
from controller_vmi_seen import seen

from kubevirt.api import codec
from kubevirt.api.objects import Event
from kubevirt.virt_controller.vmi.hanging import hangs_in_s, told_by


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
