"""Which phase comes next, as far as this controller is the one to say so.

virt-handler moves Scheduled to Running, and Running to its end. From here come the way up to Scheduled, and the end of
a VMI whose pod is no more.
"""

from __future__ import annotations

from kubevirt.api.phase import is_final
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.data import Data, data, has_lost_consumer
from kubevirt.virt_controller.vmi.ending import Ending, of_pod
from kubevirt.virt_controller.vmi.observed import Observed

UNPROCESSED = frozenset({"", "Pending"})
HANDED_OVER = frozenset({"Scheduled", "Running", "Unknown"})

STOPPED_EARLY = Ending(phase="Failed")
"""Deleted before a guest could run: nothing is wrong, but nothing succeeded either."""


def next_phase(o: Observed) -> Ending:
    """The phase to be (often the present one), with the reason when it is a failure."""
    phase = o.vmi.status.phase
    if is_final(phase):
        return Ending(phase=phase)
    if phase in HANDED_OVER:
        return after_hand_over(o)
    return before_hand_over(o)


def before_hand_over(o: Observed) -> Ending:
    """Rows of the table for the phases that this controller owns."""
    phase, pod = o.vmi.status.phase, o.pod
    if phase in UNPROCESSED and not o.is_deleting and (lost := without_data(o)):
        return Ending(phase="Failed", reason="DataVolumeFailed", message=lost)
    if o.is_deleting:
        return STOPPED_EARLY if not o.pods else Ending(phase=phase or "Pending")
    if pod is None:
        return Ending(phase="Pending") if phase in UNPROCESSED else of_pod(o.vmi, None)
    if pods.has_ended(pod):
        return of_pod(o.vmi, pod)
    if pods.is_deleting(pod):
        return Ending(phase="Failed", reason="LauncherPodDeleted",
                      message=f"the launcher pod {pod.metadata.name} was deleted before the guest was started")
    return Ending(phase="Scheduled" if pods.can_be_handed_over(pod) else "Scheduling")


def without_data(o: Observed) -> str:
    """Why the VMI's disks will never be filled; empty while they may be."""
    if data(o) is Data.FAILED:
        return "a DataVolume of the VMI has failed; see its own status for the reason"
    if has_lost_consumer(o):
        return "the temporary pod that binds the VMI's claims has failed or was deleted"
    return ""


def after_hand_over(o: Observed) -> Ending:
    """While virt-handler owns the VMI, only the loss of the pod matters here."""
    pod = o.pod
    if pod is None and o.is_deleting:
        return STOPPED_EARLY
    if pod is None or pods.has_ended(pod):
        return of_pod(o.vmi, pod)
    return Ending(phase=o.vmi.status.phase)
