"""The one word of a VM's state that `kubectl get vm` prints: the first row of a table that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubevirt.api.run_strategy import RunStrategy
from kubevirt.virt_controller.conditions import is_false, is_true
from kubevirt.virt_controller.datavolumes import DataVolume
from kubevirt.virt_controller.vm import data_volumes, requests
from kubevirt.virt_controller.vm.backoff import fail_count
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.run_strategy import RESTARTING, is_final
from kubevirt.virt_controller.volumes import claim_names

BEFORE_RUNNING = frozenset({"", "Pending", "Scheduling", "Scheduled"})


def _terminating(o: Observed) -> bool:
    return o.vm.metadata.deletion_timestamp is not None


def _stopping(o: Observed) -> bool:
    return o.vmi is not None and not is_final(o.vmi) and o.vmi.metadata.deletion_timestamp is not None


def _migrating(o: Observed) -> bool:
    state = o.vmi.status.migration_state if o.vmi is not None else None
    if state is None or state.start_timestamp is None or state.start_timestamp > o.now:
        return False
    return state.end_timestamp is None or state.end_timestamp > o.now


def _runs(o: Observed) -> bool:
    return o.vmi is not None and o.vmi.status.phase == "Running"


def _paused(o: Observed) -> bool:
    return _runs(o) and o.vmi is not None and is_true(o.vmi.status.conditions, "Paused")


def _not_synchronized(reason: str) -> Callable[[Observed], bool]:
    return lambda o: o.vmi is not None and is_false(o.vmi.status.conditions, "Synchronized", reason)


def _data_volumes(o: Observed) -> Iterable[DataVolume]:
    """Those behind `dataVolume` volumes; other volumes count through their claims alone."""
    names = (v.data_volume.name for v in o.vm.spec.template.spec.volumes if v.data_volume is not None)
    return [o.importer.data_volumes[name] for name in names if name in o.importer.data_volumes]


def _lacks_data(o: Observed) -> bool:
    return any(data_volumes.is_broken(d) for d in _data_volumes(o))


def _is_provisioned(o: Observed) -> bool:
    return any(data_volumes.is_being_filled(d) for d in _data_volumes(o))


def _unschedulable(o: Observed) -> bool:
    return o.vmi is not None and is_false(o.vmi.status.conditions, "PodScheduled", "Unschedulable")


def _waits_for_binding(o: Observed) -> bool:
    if not set_to_start(o):
        return False
    found = (o.claims.get(name) for name in claim_names(o.vm.spec.template.spec.volumes))
    return any(claim is not None and claim.status.phase != "Bound" for claim in found)


def _starting(o: Observed) -> bool:
    return o.vmi is not None and o.vmi.status.phase in BEFORE_RUNNING


def _ended_or_absent(o: Observed) -> bool:
    return o.vmi is None or is_final(o.vmi)


def _crash_looping(o: Observed) -> bool:
    return _ended_or_absent(o) and o.strategy in RESTARTING and fail_count(o.vm.status.start_failure) > 0


def _waits_for_migration(o: Observed) -> bool:
    waits = o.vmi is None or o.vmi.status.phase == "WaitingForSync"
    return waits and o.strategy is RunStrategy.WAIT_AS_RECEIVER


ROWS: tuple[tuple[str, Callable[[Observed], bool]], ...] = (
    ("Terminating", _terminating),
    ("Stopping", _stopping),
    ("Migrating", _migrating),
    ("Paused", _paused),
    ("Running", _runs),
    ("ErrorPvcNotFound", _not_synchronized("FailedPvcNotFound")),
    ("DataVolumeError", _lacks_data),
    ("ErrorUnschedulable", _unschedulable),
    ("Provisioning", _is_provisioned),
    ("WaitingForVolumeBinding", _waits_for_binding),
    ("ErrImagePull", _not_synchronized("ErrImagePull")),
    ("ImagePullBackOff", _not_synchronized("ImagePullBackOff")),
    ("Starting", _starting),
    ("CrashLoopBackOff", _crash_looping),
    ("Stopped", _ended_or_absent),
    ("WaitingForReceiver", _waits_for_migration),
)


def printable_status(o: Observed) -> str:
    """The status of a VM whose `status.startFailure` is already up to date."""
    return next((word for word, holds in ROWS if holds(o)), "Unknown")


def set_to_start(o: Observed) -> bool:
    """The VM has a VMI that is to go on, or is about to get one."""
    vmi, asked = o.vmi, o.requests
    match o.strategy:
        case RunStrategy.ALWAYS:
            return True
        case RunStrategy.MANUAL:
            return requests.wants_start(asked) if vmi is None else not requests.wants_stop(asked, vmi)
        case RunStrategy.RERUN_ON_FAILURE:
            if vmi is not None:
                return vmi.status.phase != "Succeeded"
            return requests.wants_start(asked) or o.vm.status.run_strategy != RunStrategy.RERUN_ON_FAILURE
        case RunStrategy.ONCE:
            return vmi is None
        case _:
            return False
