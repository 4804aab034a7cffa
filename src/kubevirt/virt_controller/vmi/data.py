"""Whether the disks of a VMI hold their data yet: claims that a DataVolume fills, while it fills them.

A DataVolume that waits for its first consumer waits for a pod that uses its claim, so that the claim is made where the
pod will run. The real launcher pod must not be that pod, it would run on an empty disk: a short-lived one like it is
made first, and the launcher pod once the data is there.
"""

from __future__ import annotations

from enum import Enum

from kubevirt.api import names
from kubevirt.api.pods import Pod
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition as Condition
from kubevirt.kit.json import Json, JsonObject
from kubevirt.virt_controller.vmi import pods
from kubevirt.virt_controller.vmi.observed import Observed
from kubevirt.virt_controller.volumes import claim_names

FILLED = frozenset({"Succeeded", "PendingPopulation"})
CONSUME = ["/bin/sh", "-c", 'echo "bound PVCs"']


class Data(Enum):
    """How far the data of a VMI's volumes is, the furthest behind counting."""

    THERE = "nothing is waited for"
    CONSUMER = "a claim wants to be used by a pod first"
    COMING = "it is being brought"
    FAILED = "it will not come"


def data(o: Observed) -> Data:
    """Of all volumes that are not plugged in later."""
    found = {of_claim(o, claim) for claim in claim_names(o.vmi.spec.volumes)}
    return next((d for d in (Data.FAILED, Data.CONSUMER, Data.COMING) if d in found), Data.THERE)


def of_claim(o: Observed, name: str) -> Data:
    """Of one claim. One that no DataVolume made is taken as it is."""
    claim, source = o.claims.get(name), o.data_volumes.get(name)
    owner = claim.metadata.controller if claim is not None else None
    if source is None or (claim is not None and (owner is None or owner.kind != "DataVolume")):
        return Data.THERE
    phase = source.status.phase
    if phase == "Failed":
        return Data.FAILED
    if phase == "WaitForFirstConsumer":
        return Data.CONSUMER
    return Data.THERE if phase in FILLED and claim is not None else Data.COMING


def conditions(o: Observed, phase: str) -> dict[str, Condition | None]:
    """By type; None for one that is not to be there."""
    if not any(name in o.data_volumes for name in claim_names(o.vmi.spec.volumes)):
        return {"DataVolumesReady": None, "Provisioning": None}
    state = data(o)
    ready = Condition(type="DataVolumesReady", status="False", reason="NotAllDVsReady",
                      message="Not all of the VMI's DVs are ready")
    if state is Data.THERE:
        ready = Condition(type="DataVolumesReady", status="True", reason="AllDVsReady",
                          message="All of the VMI's DVs are bound and ready")
    provisions = state is Data.CONSUMER and phase == "Pending"
    return {"DataVolumesReady": ready,
            "Provisioning": Condition(type="Provisioning", status="True") if provisions else None}


def has_lost_consumer(o: Observed) -> bool:
    """The short-lived pod has failed, or somebody deletes it before it has served."""
    return data(o) is Data.CONSUMER and any(
        pod.status.phase == "Failed" or pods.is_deleting(pod) for pod in o.pods if pods.is_temporary(pod))


def served(o: Observed) -> list[Pod]:
    """Short-lived pods that nobody needs any more."""
    if data(o) is Data.CONSUMER:
        return []
    return [p for p in o.pods if pods.is_temporary(p) and pods.has_ended(p) and not pods.is_deleting(p)]


def consumer(launcher_pod: JsonObject) -> JsonObject:
    """A pod that uses the claims of a launcher pod where that would run, and ends at once."""
    metadata, spec = launcher_pod["metadata"], launcher_pod["spec"]
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        return launcher_pod
    annotations, containers = metadata.get("annotations"), spec.get("containers")
    marks: JsonObject = {**(annotations if isinstance(annotations, dict) else {}),
                         names.ANNOTATION_EPHEMERAL_PROVISIONING: "true"}
    command: list[Json] = [*CONSUME]
    changed: JsonObject = {"command": command, "args": []}
    without = ("livenessProbe", "readinessProbe")
    first: list[Json] = [
        {**{key: value for key, value in c.items() if key not in without}, **changed}
        for c in (containers if isinstance(containers, list) else []) if isinstance(c, dict) and c["name"] == "compute"]
    return {**launcher_pod, "metadata": {**metadata, "annotations": marks}, "spec": {**spec, "containers": first}}
