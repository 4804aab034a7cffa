"""Probes that are answered from inside the guest: whether a VMI has any, and whether they are to be quiet for now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubevirt.api.vmi import VirtualMachineInstance

ANNOTATION_QUIET = "kubevirt.io/pause-guest-agent-probes"  # also in `api.names`, which launchers do not load
"""Set to "true", pings of the guest agent count as answered: for work in the guest during which it is away."""


def has_guest_probes(vmi: VirtualMachineInstance) -> bool:
    """The launcher must listen for `virt-probe`."""
    given = (vmi.spec.liveness_probe, vmi.spec.readiness_probe)
    return any(p is not None and (p.exec is not None or p.guest_agent_ping is not None) for p in given)


def are_quiet(annotations: Mapping[str, str]) -> bool:
    """The owner has asked for peace."""
    return annotations.get(ANNOTATION_QUIET) == "true"
