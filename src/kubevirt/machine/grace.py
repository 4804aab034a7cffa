"""How long a guest gets to shut down, and how much longer those around it wait."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance

DEFAULT_S = 30
LAUNCHER_MARGIN_S = 15
POD_MARGIN_S = 30


def guest_s(vmi: VirtualMachineInstance) -> int:
    """Between the press of the power button and pulling the plug; 0 pulls it at once."""
    given = vmi.spec.termination_grace_period_seconds
    return DEFAULT_S if given is None else given


def launcher_s(vmi: VirtualMachineInstance) -> int:
    """What the launcher grants when it has to end the guest by itself, with no node agent in reach."""
    return guest_s(vmi) + LAUNCHER_MARGIN_S


def pod_s(vmi: VirtualMachineInstance) -> int:
    """What the kubelet grants the pod: enough for the guest, then for the launcher to clean up and report."""
    return guest_s(vmi) + POD_MARGIN_S
