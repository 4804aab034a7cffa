"""How far the programs have come up, and what holds them back, in words for the one who waits.

Pure: from the Deployments, DaemonSets, pods, events and API services as they are, to one line per part. Reading them
and waiting is done in `waiting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubevirt.api.names import (
    APP_API,
    APP_CONTROLLER,
    APP_HANDLER,
    LABEL_APP,
    SUBRESOURCE_GROUP,
    SUBRESOURCE_VERSIONS,
)
from kubevirt.api.objects import APIService, DaemonSet, Deployment, Event
from kubevirt.api.pods import Pod


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the installation. `waits_for` is empty when it is available."""

    name: str
    waits_for: str = ""

    @property
    def is_available(self) -> bool:
        return not self.waits_for


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What there is of the installation: the objects of its namespace, and all API services."""

    deployments: Sequence[Deployment]
    daemonsets: Sequence[DaemonSet]
    services: Sequence[APIService]
    pods: Sequence[Pod]
    events: Sequence[Event]


def parts(seen: Seen) -> list[Part]:
    """All parts. The aggregated API is only spoken of once the program behind it runs."""
    deployments = {d.metadata.name: d for d in seen.deployments}
    daemonsets = {d.metadata.name: d for d in seen.daemonsets}
    services = {s.metadata.name: s for s in seen.services}
    programs = [
        *(deployment_part(deployments.get(name), name, seen.pods, seen.events) for name in (APP_API, APP_CONTROLLER)),
        daemonset_part(daemonsets.get(APP_HANDLER), APP_HANDLER, seen.pods, seen.events),
    ]
    if not programs[0].is_available:
        return programs
    names = [f"{version}.{SUBRESOURCE_GROUP}" for version in SUBRESOURCE_VERSIONS]
    return [*programs, *(api_service_part(services.get(name), f"API {name}") for name in names)]


def deployment_part(deployment: Deployment | None, name: str, pods: Iterable[Pod], events: Sequence[Event]) -> Part:
    if deployment is None:
        return Part(name=name, waits_for="the Deployment is not there")
    wanted = 1 if deployment.spec.replicas is None else deployment.spec.replicas
    status = deployment.status
    if status.observed_generation < deployment.metadata.generation:
        return Part(name=name, waits_for="the Deployment has not been looked at by its controller")
    if status.updated_replicas >= wanted and status.available_replicas >= wanted:
        return Part(name=name)
    counted = f"{min(status.updated_replicas, status.available_replicas)} of {wanted} pods available"
    return Part(name=name, waits_for=_with_obstacle(counted, name, pods, events))


def daemonset_part(daemonset: DaemonSet | None, name: str, pods: Iterable[Pod], events: Sequence[Event]) -> Part:
    if daemonset is None:
        return Part(name=name, waits_for="the DaemonSet is not there")
    status = daemonset.status
    if status.observed_generation < daemonset.metadata.generation:
        return Part(name=name, waits_for="the DaemonSet has not been looked at by its controller")
    wanted = status.desired_number_scheduled
    ready = min(status.number_ready, status.updated_number_scheduled)
    if 0 < wanted <= ready:
        return Part(name=name)
    counted = f"{ready} of {wanted} nodes ready" if wanted else "no node takes its pods"
    return Part(name=name, waits_for=_with_obstacle(counted, name, pods, events))


def api_service_part(service: APIService | None, name: str) -> Part:
    if service is None:
        return Part(name=name, waits_for="the APIService is not there")
    for condition in service.status.conditions:
        if condition.type == "Available":
            if condition.status == "True":
                return Part(name=name)
            return Part(name=name, waits_for=condition.message or condition.reason)
    return Part(name=name, waits_for="the API server has not looked at the APIService")


def _with_obstacle(counted: str, name: str, pods: Iterable[Pod], events: Sequence[Event]) -> str:
    for pod in pods:
        if pod.metadata.labels.get(LABEL_APP) == name and pod.metadata.deletion_timestamp is None:
            obstacle = obstacle_of(pod, events)
            if obstacle:
                return f"{counted}; pod {pod.metadata.name}: {obstacle}"
    # No pod at all: its maker may have been refused (quota, security policy), and says so in an event.
    told = _last_warning(name, events)
    return f"{counted}; {told}" if told else counted


def obstacle_of(pod: Pod, events: Sequence[Event]) -> str:
    """What keeps a pod from being ready; empty for one that is."""
    ready = pod.condition("Ready")
    if ready is not None and ready.status == "True":
        return ""
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return f"not scheduled: {scheduled.message}"
    if not pod.spec.node_name:
        return "waits for the scheduler"
    for container in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        waiting = container.state.waiting
        if waiting is not None and waiting.reason not in ("", "ContainerCreating", "PodInitializing"):
            ended = container.last_state.terminated
            last_words = f" (last words: {_last_line(ended.message)})" if ended and ended.message else ""
            return ": ".join(part for part in (waiting.reason, waiting.message) if part) + last_words
        terminated = container.state.terminated
        if terminated is not None and terminated.exit_code:
            return f"ended with code {terminated.exit_code}: {_last_line(terminated.message)}"
    told = _last_warning(pod.metadata.name, events)
    if told:
        return told
    return "starting" if pod.status.phase == "Running" else "its containers are being created"


def _last_warning(name: str, events: Sequence[Event]) -> str:
    """The latest warning about an object of that name, or about one made by it (`name-...`)."""
    warnings = [e for e in events if e.type == "Warning" and (
        e.involved_object.name == name or e.involved_object.name.startswith(f"{name}-"))]
    dated = [(e.last_timestamp or e.metadata.creation_timestamp, e) for e in warnings]
    known = [(when, e.reason, e.message) for when, e in dated if when is not None]
    if not known:
        return ""
    _, reason, message = max(known)
    return f"{reason}: {message}"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""
