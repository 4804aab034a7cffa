"""Parts of a VM's spec that this release does not serve. A VM that uses them is told so and is not started.

Starting it without them would give its guest the wrong disks or the wrong size; stopping and deleting always work.
"""

from __future__ import annotations

from kubevirt.api.vm import VirtualMachineSpec
from kubevirt.virt_controller.actions import SyncProblem

REASON = "UnsupportedSyncError"


def problem(spec: VirtualMachineSpec) -> SyncProblem | None:
    """What keeps a VM of this spec from being started, if anything does."""
    for is_used, field, remedy in (
        (spec.instancetype is not None, "spec.instancetype", "write the CPU and memory into spec.template.spec.domain"),
        (spec.preference is not None, "spec.preference", "write the preferred devices into spec.template.spec.domain"),
    ):
        if is_used:
            return SyncProblem(
                reason=REASON, message=f"{field} is not served by this release of KubeVirt: {remedy}", retry=False)
    return None
