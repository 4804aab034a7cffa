"""A VM whose volumes were on their way to other claims when its guest ended: a person must say which claims hold.

Until then it is not started. The end of such a state is always a change of the template, by that person.
"""

from __future__ import annotations

from datetime import datetime

from kubevirt.api.vm_status import VirtualMachineCondition, VolumeUpdateState
from kubevirt.virt_controller.conditions import drop, is_false, is_true, put
from kubevirt.virt_controller.vm.live.volumes import CANCELLED, CHANGES, MIGRATION
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.run_strategy import is_final
from kubevirt.virt_controller.volumes import claim_name

REQUIRED = "ManualRecoveryRequired"
REASON = "VMI was removed or was final during the volume migration"


def is_over(o: Observed) -> bool:
    """Nobody wants the volumes moved any more: the strategy is another one, or the template names the sources again."""
    if o.vm.spec.update_volumes_strategy != MIGRATION:
        return True
    state = o.vm.status.volume_update_state
    moved = state.volume_migration_state.migrated_volumes if state and state.volume_migration_state else []
    has = {v.name: claim_name(v) for v in o.vm.spec.template.spec.volumes}
    sources = {m.volume_name: m.source_pvc_info.claim_name for m in moved if m.source_pvc_info is not None}
    return bool(sources) and all(has.get(name) == claim for name, claim in sources.items())


def with_recovery(o: Observed, conditions: list[VirtualMachineCondition], *, now: datetime
                  ) -> list[VirtualMachineCondition]:
    """The conditions with the need of a person's help, where there is one, and without it where there is none."""
    gone = o.vmi is None or is_final(o.vmi)
    if gone and is_over(o):
        return drop(conditions, REQUIRED, CHANGES)
    if gone and is_true(conditions, CHANGES):
        return put(conditions, VirtualMachineCondition(type=REQUIRED, status="True", reason=REASON), now=now)
    return conditions


def volume_update_state(o: Observed) -> VolumeUpdateState | None:
    """The record of volumes that move, as long as they do."""
    state = o.vm.status.volume_update_state
    cancelled = o.vmi is not None and is_false(o.vmi.status.conditions, CHANGES, CANCELLED)
    return None if state is None or cancelled or is_over(o) else state
