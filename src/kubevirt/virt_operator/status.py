"""The KubeVirt object's status through an installation: phases, conditions and versions as other programs know them."""

from __future__ import annotations

from datetime import datetime

from kubevirt.api.kubevirt import KubeVirt
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kit.times import format_time
from kubevirt.virt_operator.settings import Installation, own_architecture

Told = dict[str, tuple[str, str, str]]


def deploying(kubevirt: KubeVirt, installation: Installation, now: datetime) -> JsonObject:
    """The status while things come up. What was deployed before stays Deployed."""
    reason = "DeploymentInProgress"
    message = f"Deploying version {installation.version} with registry {installation.registry}"
    told: Told = {
        "Available": ("False", reason, message),
        "Progressing": ("True", reason, message),
        "Degraded": ("False", reason, message),
    }
    phase = "Deployed" if kubevirt.status.phase == "Deployed" else "Deploying"
    return _status(kubevirt, installation, now, phase=phase, told=told)


def deployed(kubevirt: KubeVirt, installation: Installation, now: datetime) -> JsonObject:
    """The status once everything is available."""
    ready = ("AllComponentsReady", "All components are ready.")
    told: Told = {
        "Created": ("True", "AllResourcesCreated", "All resources were created."),
        "Available": ("True", *ready),
        "Progressing": ("False", *ready),
        "Degraded": ("False", *ready),
    }
    status = _status(kubevirt, installation, now, phase="Deployed", told=told)
    return {
        **status,
        "observedKubeVirtVersion": installation.version,
        "observedKubeVirtRegistry": installation.registry,
        "observedGeneration": kubevirt.metadata.generation,
    }


def failed(kubevirt: KubeVirt, installation: Installation, now: datetime, why: str) -> JsonObject:
    """The status after giving up."""
    message = f"An error occurred during deployment: {why}"
    told: Told = {
        "Available": ("False", "DeploymentFailed", message),
        "Progressing": ("False", "DeploymentFailed", message),
        "Degraded": ("True", "DeploymentFailed", message),
    }
    return _status(kubevirt, installation, now, phase=kubevirt.status.phase or "Deploying", told=told)


def _status(kubevirt: KubeVirt, installation: Installation, now: datetime, *, phase: str, told: Told) -> JsonObject:
    configuration = kubevirt.spec.configuration
    wanted = configuration.architecture_configuration if configuration else None
    architecture = (wanted.default_architecture if wanted else None) or kubevirt.status.default_architecture
    return {
        "phase": phase,
        "conditions": _conditions(kubevirt, told, now),
        "operatorVersion": installation.version,
        "targetKubeVirtVersion": installation.version,
        "targetKubeVirtRegistry": installation.registry,
        "defaultArchitecture": architecture or own_architecture(),
    }


def _conditions(kubevirt: KubeVirt, told: Told, now: datetime) -> list[Json]:
    """The told conditions in place of those of their types; both times move when something of it changes."""
    held = {condition.type: condition for condition in kubevirt.status.conditions}
    conditions: list[Json] = []
    for type_, (status, reason, message) in told.items():
        before = held.pop(type_, None)
        unchanged = before is not None and (before.status, before.reason, before.message) == (status, reason, message)
        probed = before.last_probe_time if before and unchanged else now
        changed = before.last_transition_time if before and unchanged else now
        condition: JsonObject = {"type": type_, "status": status, "reason": reason, "message": message}
        condition["lastProbeTime"] = format_time(probed) if probed else None
        condition["lastTransitionTime"] = format_time(changed) if changed else None
        conditions.append(condition)
    for other in held.values():
        conditions.append({
            "type": other.type, "status": other.status, "reason": other.reason, "message": other.message,
            "lastProbeTime": format_time(other.last_probe_time) if other.last_probe_time else None,
            "lastTransitionTime": format_time(other.last_transition_time) if other.last_transition_time else None,
        })
    return conditions
