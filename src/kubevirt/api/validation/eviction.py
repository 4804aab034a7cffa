"""Evictions of the pods around machines: whether a launcher pod may go, or its guest has to be moved first."""

from dataclasses import dataclass

from kubevirt.api import names
from kubevirt.api.config import ClusterConfig
from kubevirt.api.phase import is_final
from kubevirt.api.pods import Pod
from kubevirt.api.vmi import VirtualMachineInstance

HOTPLUG_POD = "hp-volume-"
"""How the names of pods begin that attach volumes to running guests."""


@dataclass(frozen=True, kw_only=True)
class Eviction:
    """What is said to a request to evict a pod.

    refusal: why the pod stays, to be asked again later; empty where it may go.
    mark: the node that the instance is marked to leave, where it is to be marked; the refusal then tells of it.
    """

    refusal: str = ""
    mark: str = ""


def instance_of(pod: Pod) -> str:
    """Name of the instance that a launcher pod belongs to; empty for other pods."""
    if pod.metadata.labels.get(names.LABEL_APP) != names.APP_LAUNCHER:
        return ""
    return pod.metadata.annotations.get(names.ANNOTATION_DOMAIN, "")


def evict_launcher(pod: Pod, vmi: VirtualMachineInstance | None, config: ClusterConfig) -> Eviction:
    """Whether a launcher pod may be evicted; `vmi` is its instance, where that still exists."""
    if pod.is_finished or vmi is None or is_final(vmi.status.phase):
        return Eviction()
    strategy, name = vmi.spec.eviction_strategy or config.eviction_strategy, vmi.metadata.name
    movable = any(c.type == "LiveMigratable" and c.status == "True" for c in vmi.status.conditions)
    match strategy:
        case "LiveMigrate" if not movable:
            return Eviction(
                refusal=f"VMI {name} is configured with an eviction strategy but is not live-migratable"
            )
        case "LiveMigrate" | "External":
            pass
        case "LiveMigrateIfPossible" if movable:
            pass
        case _:
            return Eviction()
    if pod.spec.node_name != vmi.status.node_name:
        return Eviction(refusal="Eviction request for target Pod")
    triggered = f'Eviction triggered evacuation of VMI "{vmi.metadata.namespace}/{name}"'
    if vmi.status.evacuation_node_name:
        return Eviction(refusal=f"Evacuation in progress: {triggered}")
    return Eviction(refusal=triggered, mark=pod.spec.node_name)


def evict_attachment(pod: Pod, vmi: VirtualMachineInstance | None) -> Eviction:
    """Whether a pod that attaches volumes may be evicted: `vmi` is the instance that uses them."""
    if vmi is None or is_final(vmi.status.phase):
        return Eviction()
    return Eviction(
        refusal=f"cannot evict hotplug pod: {pod.metadata.name} associated with running vmi: {vmi.metadata.name} "
        f"in namespace {vmi.metadata.namespace}"
    )
