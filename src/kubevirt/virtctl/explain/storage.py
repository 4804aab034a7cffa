"""What is the matter with a machine's volumes: claims, and the data volumes that fill them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from kubevirt.api.core import Event, PersistentVolumeClaim
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject, dig
from kubevirt.kit.times import parse_time
from kubevirt.virtctl.explain.finding import Finding
from kubevirt.virtctl.explain.remedies import claim_remedy

LastEvent = Callable[..., Event | None]
WAITS_FOR_USER = ("WaitForFirstConsumer", "PendingPopulation")
AT_WORK = {
    "Import": "see the importer: kubectl logs importer-{name}",
    "Clone": "see the clone: kubectl describe datavolume {name}",
    "SnapshotForSmartClone": "see the clone: kubectl describe datavolume {name}",
    "Upload": "send the image: virtctl image-upload dv {name} --no-create --image-path=FILE",
    "Paused": "a checkpoint was reached; the import goes on when the next one is named in the DataVolume",
}


def data_volume_findings(volumes: Mapping[str, JsonObject | None], claims: Mapping[str, PersistentVolumeClaim | None],
                         since: datetime | None) -> list[Finding]:
    """The first data volume that is missing, or not filled yet. One that is gone after its work leaves its claim."""
    for name, volume in volumes.items():
        subject = f"DataVolume {name}"
        if volume is None:
            if claims.get(name) is not None:
                continue
            return [Finding(subject=subject, state="missing", since=since,
                            cause="The machine names it, and neither it nor a claim of its name exists.",
                            remedy=f"create the DataVolume or the claim {name}, or take its volume out of the machine",
                            )]  # fmt: skip
        phase = str(dig(volume, "status", "phase") or "Pending")
        if phase == "Succeeded":
            continue
        progress = str(dig(volume, "status", "progress") or "")
        shown = f"{phase}, {progress} done" if progress not in ("", "N/A") else phase
        return [Finding(subject=subject, state=shown, since=_since(volume), cause=_told(volume),
                        remedy=_remedy(name, phase), passes=phase in WAITS_FOR_USER)]  # fmt: skip
    return []


def _remedy(name: str, phase: str) -> str:
    if phase in WAITS_FOR_USER:
        return "nothing to do: it is filled as soon as the machine's pod has found a node"
    if phase == "Failed":
        return f"correct what the message names, then delete the DataVolume to try again: kubectl delete dv {name}"
    for part, remedy in AT_WORK.items():
        if phase.startswith(part):
            return remedy.format(name=name)
    return f"see: kubectl describe datavolume {name}"


def _told(volume: JsonObject) -> str:
    """What the importer says: the message of the first condition that is not met."""
    conditions = dig(volume, "status", "conditions")
    for each in conditions if isinstance(conditions, list) else []:
        if dig(each, "status") != "True" and (message := dig(each, "message")):
            return str(message)
    return "It is being filled."


def _since(volume: JsonObject) -> datetime | None:
    conditions = dig(volume, "status", "conditions")
    times: list[Json] = [dig(each, "lastTransitionTime") for each in conditions] if isinstance(conditions, list) else []
    known = sorted(str(each) for each in times if each) or [str(dig(volume, "metadata", "creationTimestamp") or "")]
    try:
        return parse_time(known[-1])
    except Problem:
        return None


def claim_findings(claims: Mapping[str, PersistentVolumeClaim | None], namespace: str, since: datetime | None,
                   last_event: LastEvent) -> list[Finding]:
    """The first claim that is missing or cannot be used; one is enough, since the rest cannot help before."""
    for name, claim in claims.items():
        found = _missing(name, namespace, since) if claim is None else _unusable(name, namespace, claim, last_event)
        if found is not None:
            return [found]
    return []


def _missing(name: str, namespace: str, since: datetime | None) -> Finding:
    return Finding(
        subject=f"PersistentVolumeClaim {name}", state="missing", since=since,
        cause="The machine names it, and it does not exist.",
        remedy=f"create the claim {name} in namespace {namespace}, or take its volume out of the machine",
    )  # fmt: skip


def _unusable(name: str, namespace: str, claim: PersistentVolumeClaim, last_event: LastEvent) -> Finding | None:
    subject, created = f"PersistentVolumeClaim {name}", claim.metadata.creation_timestamp
    if claim.metadata.deletion_timestamp is not None:
        return Finding(subject=subject, state="Terminating", since=claim.metadata.deletion_timestamp,
                       cause="It is being deleted.", remedy="restore it, or use another claim")  # fmt: skip
    if claim.status.phase == "Lost":
        return Finding(subject=subject, state="Lost", since=created, cause="Its volume is gone.",
                       remedy="restore the data into a new claim")  # fmt: skip
    if claim.status.phase != "Pending":
        return None
    failed = last_event("PersistentVolumeClaim", name, "ProvisioningFailed")
    if failed is not None:
        return Finding(subject=subject, state="Pending", since=created, cause=failed.message,
                       remedy=claim_remedy(failed.message, name, namespace))  # fmt: skip
    waits = last_event("PersistentVolumeClaim", name, "FailedBinding")
    if waits is not None:
        return Finding(
            subject=subject, state="Pending", since=created, cause=waits.message,
            remedy="create a volume that fits, or name a storage class that makes one: kubectl get storageclass",
        )  # fmt: skip
    return None
