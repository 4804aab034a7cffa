"""How a VMI ended, when its launcher pod tells and virt-handler did not.

The launcher leaves its last report in the pod's termination message, so the end of a guest is known even if every other
program of ours was down when it happened. Without a report the exit code and the kubelet's words have to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kubevirt.api.phase import is_final
from kubevirt.api.pods import ContainerStateTerminated, Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine.domain_report import DomainReport
from kubevirt.machine.phase import phase_after
from kubevirt.virt_controller.vmi import pods

POD_FAILED = "LauncherPodFailed"
POD_GONE = "LauncherPodGone"
MESSAGE_AT_MOST = 512

_REPORT = msgspec.json.Decoder(DomainReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last phase of a VMI, and why it failed, if it did."""

    phase: str
    reason: str = ""
    message: str = ""


def of_pod(vmi: VirtualMachineInstance, pod: Pod | None) -> Ending:
    """The end that a finished pod, or no pod at all, means for a VMI whose pod had been there."""
    if pod is None:
        return Ending(phase="Failed", reason=POD_GONE,
                      message="the launcher pod was deleted from outside or lost with its node")
    end = pods.compute_end(pod)
    report = read_report(vmi, end)
    if report is not None and is_final(phase := phase_after(vmi, report)):
        if phase == "Succeeded":
            return Ending(phase=phase)
        return Ending(phase=phase, reason=POD_FAILED,
                      message=report.failure or f"the guest ended as {report.state} ({report.reason})")
    if pod.status.phase == "Succeeded" or (end is not None and end.exit_code == 0):
        return Ending(phase="Succeeded")
    return Ending(phase="Failed", reason=pod.status.reason or POD_FAILED, message=told_by(pod, end))


def told_by(pod: Pod, end: ContainerStateTerminated | None) -> str:
    """The most telling words that the kubelet has for a failed pod."""
    if pod.status.message:
        return pod.status.message
    if end is None:
        return f"the launcher pod {pod.metadata.name} ended before its launcher was started"
    how = f"signal {end.signal}" if end.signal else f"exit code {end.exit_code}"
    if end.reason and end.reason != "Error":
        how = f"{end.reason}, {how}"
    last = end.message.strip().rpartition("\n")[2][:MESSAGE_AT_MOST]
    return f"the launcher ended with {how}" + (f": {last}" if last else "")


def read_report(vmi: VirtualMachineInstance, end: ContainerStateTerminated | None) -> DomainReport | None:
    """The launcher's last report, if its termination message is one, and about this VMI."""
    if end is None or not end.message.lstrip().startswith("{"):
        return None
    try:
        report = _REPORT.decode(end.message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return report if report.uid == vmi.metadata.uid else None
