"""The claim for what outlives a machine's runs: it is there, and can be used, before a launcher pod is made."""

from __future__ import annotations

from kubevirt.machine import backend_storage
from kubevirt.virt_controller.actions import SyncProblem
from kubevirt.virt_controller.storage import class_for_state, waits_for_pod
from kubevirt.virt_controller.vmi.observed import Decision, Observed

CREATE_FAILED, PROBE_FAILED, NOT_READY = (
    "FailedBackendStorageCreate", "FailedBackendStorageProbe", "BackendStorageNotReady")


def awaited(o: Observed) -> Decision | None:
    """What has to happen before the pod; None for nothing. Every wait here ends with a change that is watched."""
    if not backend_storage.is_needed(o.vmi):
        return None
    claim = o.state_claim
    if claim is None:
        old = backend_storage.name_for(o.vmi)
        if any(each.metadata.name == old for each in o.state_claims):
            return waiting(NOT_READY, f"PVC {old} is being deleted, another one follows when it is gone")
        chosen = class_for_state(o.storage_classes, configured=o.state_storage_class)
        if not chosen:
            return waiting(CREATE_FAILED, "no default storage class found")
        return Decision(create_state_claim=chosen)
    if claim.status.phase == "Bound":
        return None
    if claim.status.phase == "Lost":
        return waiting(PROBE_FAILED, f"backend storage PVC {claim.metadata.name} is lost: its volume has gone")
    if waits_for_pod(o.storage_classes, claim.spec.storage_class_name):
        return None
    return waiting(NOT_READY, "PVC pending")


def waiting(reason: str, message: str) -> Decision:
    """No pod yet."""
    return Decision(problem=SyncProblem(reason=reason, message=message, retry=False))
