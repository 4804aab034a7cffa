"""The host name of a guest, which is its pod's as well."""

from __future__ import annotations

from kubevirt.api.vmi import VirtualMachineInstance

LONGEST_LABEL = 63


def hostname(vmi: VirtualMachineInstance) -> str:
    """`spec.hostname`, else the VMI's name up to the first dot, cut to what DNS allows."""
    if vmi.spec.hostname:
        return vmi.spec.hostname
    return vmi.metadata.name.partition(".")[0][:LONGEST_LABEL].rstrip("-")
