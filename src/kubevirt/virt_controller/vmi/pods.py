"""How launcher pods are read: which one counts, whether it can be handed over, whether and how it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from kubevirt.api import names
from kubevirt.api.pods import ContainerStateTerminated, ContainerStateWaiting, Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.quantity import Quantity
from kubevirt.machine.generated_names import generated

COMPUTE = "compute"
CONSOLE_LOG = "guest-console-log"
PROXY = "istio-proxy"

_BEFORE_TIME = datetime.min.replace(tzinfo=UTC)

STARTING_REASONS = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons of waiting containers that mean nothing is wrong."""


def name_for(vmi: VirtualMachineInstance, *, temporary: bool = False) -> str:
    """The name of a VMI's launcher pod: the same whenever it is asked for.

    It looks like a generated one, but its suffix comes from the VMI's uid. So the API server itself refuses a second
    launcher pod for one VMI, however outdated the cache of whoever tries to create it.
    """
    made_of = vmi.metadata.uid + ("/temporary" if temporary else "")
    return generated(f"virt-launcher-{vmi.metadata.name}-", made_of=made_of)


def current(vmi: VirtualMachineInstance, pods: Iterable[Pod]) -> Pod | None:
    """The newest launcher pod of the VMI, on the VMI's node where it has one."""
    node = vmi.status.node_name
    mine = [p for p in pods if (not node or p.spec.node_name == node) and not is_temporary(p)]
    return max(mine, key=lambda p: p.metadata.creation_timestamp or _BEFORE_TIME, default=None)


def is_temporary(pod: Pod) -> bool:
    """The pod only uses the VMI's claims for a moment; no guest will ever run in it."""
    return names.ANNOTATION_EPHEMERAL_PROVISIONING in pod.metadata.annotations


def is_deleting(pod: Pod) -> bool:
    """Somebody has asked for the pod's end."""
    return pod.metadata.deletion_timestamp is not None


def compute_end(pod: Pod) -> ContainerStateTerminated | None:
    """How the launcher ended; None while it has not, or was never started."""
    compute = pod.container(COMPUTE)
    return compute.state.terminated if compute is not None else None


def has_ended(pod: Pod) -> bool:
    """The launcher will not run (any more) in this pod."""
    return pod.is_finished or compute_end(pod) is not None


def is_down(pod: Pod) -> bool:
    """The pod has ended or is about to."""
    return has_ended(pod) or is_deleting(pod)


def can_be_handed_over(pod: Pod) -> bool:
    """The launcher runs, so virt-handler can take over. Its readiness follows later and does not matter yet.

    Other containers must be ready (a proxy: run), but for the one that only follows the serial log.
    """
    compute = pod.container(COMPUTE)
    if is_down(pod) or compute is None or compute.state.running is None or not pod.spec.node_name:
        return False
    for container in pod.status.container_statuses:
        if container.name == PROXY and container.state.running is None:
            return False
        if container.name not in (COMPUTE, CONSOLE_LOG, PROXY) and not container.ready:
            return False
    return True


def stuck(pod: Pod) -> ContainerStateWaiting | None:
    """Why a container cannot start, in the kubelet's words: an image that cannot be pulled, a missing Secret..."""
    statuses = [*pod.status.init_container_statuses, *pod.status.container_statuses]
    waiting = [s.state.waiting for s in statuses
               if s.state.waiting is not None and s.state.waiting.reason not in STARTING_REASONS]
    return waiting[0] if waiting else None


def memory_overhead(pod: Pod) -> Quantity | None:
    """What the pod has beside its guest's own memory; None where the cluster does not report it."""
    told = pod.metadata.annotations.get(names.ANNOTATION_MEMORY_OVERHEAD, "")
    return Quantity.of_bytes(int(told)) if told.isdecimal() else None


def compute_image(pod: Pod) -> str:
    """The image that the launcher was asked to run from."""
    return next((c.image for c in pod.spec.containers if c.name == COMPUTE), "")
