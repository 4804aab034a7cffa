"""The phases of a VMI as far as its controller is the one to change them, and why it says that a VMI has failed."""

from __future__ import annotations

from typing import Any

import pytest
from controller_objects import (
    RUNS,
    ended,
    pod,
    vmi,
    waits,
)
from controller_vmi_seen import BROKEN_DISK, CRASHED, POWERED_OFF, STARTED, STRANGER, seen, shaped

from kubevirt.virt_controller.conditions import find
from kubevirt.virt_controller.vmi.controller import failure_event
from kubevirt.virt_controller.vmi.phases import next_phase


@pytest.mark.parametrize(("phase", "launcher", "expected"), [
    *[pytest.param(p, pod(), "Scheduling", id=f"{p or 'no phase'}: a pod is there") for p in ("", "Pending")],
    pytest.param("Pending", None, "Pending", id="Pending: no pod yet"),
    pytest.param("", None, "Pending", id="no phase: no pod yet"),
    pytest.param("Pending", STARTED, "Scheduled", id="Pending: the launcher already runs"),
    pytest.param("Scheduling", STARTED, "Scheduled", id="Scheduling: the launcher runs"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "guest-console-log", "state": {}}]), "Scheduled",
                 id="Scheduling: nobody waits for the console log"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "hook-sidecar-0", "state": RUNS}]), "Scheduling",
                 id="Scheduling: a sidecar is not ready"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "istio-proxy", "state": RUNS}]), "Scheduled",
                 id="Scheduling: a proxy only has to run"),
    pytest.param("Scheduling", pod(compute=RUNS, others=[{"name": "istio-proxy", "state": waits("")}]), "Scheduling",
                 id="Scheduling: but it has to"),
    pytest.param("Scheduling", None, "Failed", id="Scheduling: the pod is gone"),
    pytest.param("Scheduling", pod(phase="Failed", reason="OutOfcpu"), "Failed", id="Scheduling: the kubelet refused"),
    pytest.param("Scheduling", pod(compute=ended(1)), "Failed", id="Scheduling: the launcher ended"),
    pytest.param("Scheduling", pod(deleting=True), "Failed", id="Scheduling: the pod is being deleted"),
    pytest.param("Scheduled", STARTED, "Scheduled", id="Scheduled: virt-handler's turn"),
    pytest.param("Scheduled", None, "Failed", id="Scheduled: the pod is gone"),
    pytest.param("Running", STARTED, "Running", id="Running: goes on"),
    pytest.param("Running", pod(compute=RUNS, deleting=True), "Running",
                 id="Running: a pod being deleted shuts its guest down first"),
    pytest.param("Running", None, "Failed", id="Running: the pod is gone"),
    pytest.param("Unknown", None, "Failed", id="Unknown: the pod is gone"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, POWERED_OFF)), "Succeeded",
                 id="Running: the launcher's last words are a power-off"),
    pytest.param("Running", pod(phase="Failed", compute=ended(1, CRASHED)), "Failed",
                 id="Running: the launcher's last words are a crash"),
    pytest.param("Running", pod(phase="Failed", compute=ended(137, "", reason="OOMKilled")), "Failed",
                 id="Running: killed for its memory"),
    pytest.param("Running", pod(phase="Failed", reason="Evicted", message="low on memory"), "Failed",
                 id="Running: evicted"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, "")), "Succeeded", id="Running: it just ended"),
    pytest.param("Running", pod(phase="Failed", compute=ended(1, STRANGER)), "Failed",
                 id="Running: words about another VMI are not believed"),
    pytest.param("Succeeded", None, "Succeeded", id="Succeeded is final"),
    pytest.param("Failed", STARTED, "Failed", id="Failed is final"),
])
def test_phases(phase: str, launcher: Any, expected: str) -> None:
    o = seen(vmi(phase), *([launcher] if launcher is not None else []))
    assert next_phase(o).phase == expected


@pytest.mark.parametrize(("phase", "launcher", "expected"), [
    *[pytest.param(p, None, "Failed", id=f"{p}: nothing is left of it")
      for p in ("Pending", "Scheduling", "Scheduled", "Running")],
    *[pytest.param(p, pod(deleting=True), p, id=f"{p}: its pod is not gone yet") for p in ("Pending", "Scheduling")],
    pytest.param("Scheduling", STARTED, "Scheduling", id="it is not handed over any more"),
    pytest.param("Running", pod(phase="Succeeded", compute=ended(0, POWERED_OFF), deleting=True), "Succeeded",
                 id="how the guest ended is told"),
])
def test_phases_of_a_vmi_that_is_to_go(phase: str, launcher: Any, expected: str) -> None:
    o = seen(vmi(phase, deleting=True), *([launcher] if launcher is not None else []))
    assert next_phase(o).phase == expected


@pytest.mark.parametrize(("launcher", "reason", "message"), [
    pytest.param(None, "LauncherPodGone", "the launcher pod was deleted from outside or lost with its node", id="gone"),
    pytest.param(pod(phase="Failed", compute=ended(1, CRASHED)), "LauncherPodFailed",
                 "the guest ended as Crashed (Panicked)", id="a panic"),
    pytest.param(pod(phase="Failed", compute=ended(1, BROKEN_DISK)), "LauncherPodFailed",
                 "the image of disk 'root' cannot be read", id="the launcher's own reason"),
    pytest.param(pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."), "Evicted",
                 "The node was low on resource: memory.", id="evicted"),
    pytest.param(pod(phase="Failed", compute=ended(137, "", reason="OOMKilled", signal=9)), "LauncherPodFailed",
                 "the launcher ended with OOMKilled, signal 9", id="out of memory"),
    pytest.param(pod(phase="Failed", compute=ended(2, "starting\nno libvirt here", reason="Error")),
                 "LauncherPodFailed", "the launcher ended with exit code 2: no libvirt here", id="the end of its log"),
])
def test_a_failure_says_why(launcher: Any, reason: str, message: str) -> None:
    o = seen(vmi("Running"), *([launcher] if launcher is not None else []))
    new = shaped(o)
    told = find(new.status.conditions, "Synchronized")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", reason, message)
    assert new.status.reason == reason
    event = failure_event(o)
    assert event is not None
    assert (event.type, event.reason, event.message) == ("Warning", reason, message)


def test_a_vmi_stopped_early_fails_without_complaint() -> None:
    o = seen(vmi("Scheduling", deleting=True))
    assert failure_event(o) is None
    assert find(shaped(o).status.conditions, "Synchronized") is None
