"""What start, stop and restart requests mean for a VirtualMachine: pure decisions, a patch or a refusal.

The tables of virtualmachine.md section 3 stand here; `lifecycle_routes` reads the objects and sends the patches.
Requests that a run strategy cannot express in the spec become state change requests in the VM's status, which
virt-controller works off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubevirt.api.codec import to_builtins
from kubevirt.api.options import RestartOptions, StartOptions, StopOptions
from kubevirt.api.phase import FINAL, Phase, is_final
from kubevirt.api.run_strategy import RunStrategy, effective_run_strategy
from kubevirt.api.vm import VirtualMachine
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kit.json import Json, JsonObject

NEEDS_RECOVERY = (
    "VM recovery required: Volume migration failed, leaving some volumes pointing to non-consistent targets; "
    "manual intervention is needed to reassign them to their original volumes."
)
UNDERWAY = "unable to complete request: stop/start already underway"
FORCED_GRACE_S = 1  # libvirt takes a grace period of 0 as "no graceful shutdown was wished for"
DEFAULT_GRACE_S = 30


class Declined(Exception):
    """The request cannot be met: an HTTP code (400, 409 or 500) and what the user reads."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Patches:
    """JSON patches to send, in this order: the instance's spec, the VM's spec, the VM's status."""

    instance: list[JsonObject] = field(default_factory=list)
    spec: list[JsonObject] = field(default_factory=list)
    status: list[JsonObject] = field(default_factory=list)


def start(vm: VirtualMachine, vmi: VirtualMachineInstance | None, options: StartOptions) -> Patches:
    """What a start request does."""
    if vmi is not None and vmi.status.phase not in {*FINAL, Phase.UNKNOWN, Phase.NONE, None}:
        raise Declined(409, "VM is already running")
    if _has_condition(vm, "ManualRecoveryRequired"):
        raise Declined(409, NEEDS_RECOVERY)
    strategy = _strategy(vm)
    stop_then_start = [_stop_request(vmi), _start_request(options)] if vmi is not None else []
    match strategy:
        case RunStrategy.HALTED if options.paused:
            return Patches(status=_request(vm, [_start_request(options)]))
        case RunStrategy.HALTED:
            return Patches(spec=_set_running(vm, running=True))
        case RunStrategy.RERUN_ON_FAILURE if vmi is not None and vmi.status.phase == Phase.FAILED:
            raise Declined(409, "RerunOnFailure does not support starting VM from failed state")
        case RunStrategy.RERUN_ON_FAILURE if vmi is not None and vmi.status.phase == Phase.SUCCEEDED:
            return Patches(status=_request(vm, stop_then_start))
        case RunStrategy.MANUAL if _is_final(vmi):
            return Patches(status=_request(vm, stop_then_start))
        case RunStrategy.RERUN_ON_FAILURE | RunStrategy.MANUAL:
            return Patches(status=_request(vm, [_start_request(options)]))
    raise Declined(409, f"{strategy} does not support manual start requests")


def stop(vm: VirtualMachine, vmi: VirtualMachineInstance | None, options: StopOptions) -> Patches:
    """What a stop request does; `options.grace_period` in seconds shortens the time the guest gets."""
    strategy = _strategy(vm)
    alive = vmi if vmi is not None and not _is_final(vmi) else None
    old_grace = alive.spec.termination_grace_period_seconds if alive is not None else None
    instance = (
        _grace_patch(alive, options.grace_period) if alive is not None and options.grace_period is not None else []
    )
    match strategy:
        case RunStrategy.HALTED:
            if alive is None:
                raise Declined(409, "VM is not running")
            longest = DEFAULT_GRACE_S if old_grace is None else old_grace
            if options.grace_period is None or options.grace_period >= longest:
                raise Declined(409, "Halted only supports manual stop requests with a shorter graceperiod")
            return Patches(instance=instance, status=_request(vm, [_stop_request(alive)]))
        case RunStrategy.RERUN_ON_FAILURE | RunStrategy.MANUAL:
            if alive is None:
                raise Declined(409, "VM is not running")
            return Patches(instance=instance, status=_request(vm, [_stop_request(alive)]))
    return Patches(instance=instance, spec=_set_running(vm, running=False))


def restart(vm: VirtualMachine, vmi: VirtualMachineInstance | None, options: RestartOptions) -> Patches:
    """What a restart request does; a grace period of 0 forces it."""
    grace = options.grace_period_seconds
    if grace is not None and grace > 0:
        raise Declined(400, "For force restart, only gracePeriod=0 is supported for now")
    if grace is not None and grace < 0:
        raise Declined(400, "gracePeriod has to be greater or equal to 0")
    if _has_condition(vm, "VolumesChange"):
        raise Declined(409, NEEDS_RECOVERY)
    strategy = _strategy(vm)
    if strategy in {RunStrategy.HALTED, RunStrategy.ONCE}:
        raise Declined(409, f"RunStategy {strategy} does not support manual restart requests")
    if vmi is None:
        raise Declined(409, "VM is not running: Halted")
    return Patches(
        instance=_grace_patch(vmi, FORCED_GRACE_S) if grace == 0 else [],
        status=_request(vm, [_stop_request(vmi), _start_request(StartOptions())]),
    )


def undo_grace(vmi: VirtualMachineInstance, patches: Patches) -> list[JsonObject]:
    """The patch that takes a shortened grace period back, for when a later patch of the request failed."""
    if not patches.instance:
        return []
    path = "/spec/terminationGracePeriodSeconds"
    new = next(op["value"] for op in patches.instance if op["op"] in ("add", "replace"))
    guard: JsonObject = {"op": "test", "path": path, "value": new}
    old = vmi.spec.termination_grace_period_seconds
    if old is None:
        return [guard, {"op": "remove", "path": path}]
    return [guard, {"op": "replace", "path": path, "value": old}]


def _strategy(vm: VirtualMachine) -> RunStrategy:
    return effective_run_strategy(running=vm.spec.running, run_strategy=vm.spec.run_strategy)


def _is_final(vmi: VirtualMachineInstance | None) -> bool:
    return vmi is not None and is_final(vmi.status.phase)


def _has_condition(vm: VirtualMachine, type_: str) -> bool:
    return any(c.type == type_ and c.status == "True" for c in vm.status.conditions)


def _start_request(options: StartOptions) -> JsonObject:
    return {"action": "Start", "data": {"paused": "true"}} if options.paused else {"action": "Start"}


def _stop_request(vmi: VirtualMachineInstance | None) -> JsonObject:
    return {"action": "Stop", "uid": vmi.metadata.uid} if vmi is not None else {"action": "Stop"}


def _set_running(vm: VirtualMachine, *, running: bool) -> list[JsonObject]:
    """Change whichever of the two fields the VM uses."""
    if vm.spec.running is not None:
        return _replacement("/spec/running", vm.spec.running, running)
    return _replacement("/spec/runStrategy", vm.spec.run_strategy, "Always" if running else "Halted")


def _grace_patch(vmi: VirtualMachineInstance, grace_s: int) -> list[JsonObject]:
    return _replacement("/spec/terminationGracePeriodSeconds", vmi.spec.termination_grace_period_seconds, grace_s)


def _replacement(path: str, old: Json, new: Json) -> list[JsonObject]:
    """Set a field to `new`, provided that it still is `old` (None or empty: that it may be absent)."""
    if old is None or old == "":
        added: JsonObject = {"op": "add", "path": path, "value": new}
        return [added]
    guard: JsonObject = {"op": "test", "path": path, "value": old}
    change: JsonObject = {"op": "replace", "path": path, "value": new}
    return [guard, change]


def _request(vm: VirtualMachine, requests: list[JsonObject]) -> list[JsonObject]:
    """A patch of the status that puts these state change requests in place; a pending one is only ever cut to a
    Stop."""
    status = to_builtins(vm.status)
    if not status:
        return [{"op": "add", "path": "/status", "value": {"stateChangeRequests": list(requests)}}]
    path, pending = "/status/stateChangeRequests", status.get("stateChangeRequests")
    ops: list[JsonObject]
    if not pending:
        # A test for an absent list is not portable, so nothing at all may have changed meanwhile.
        version = vm.metadata.resource_version
        ops = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": path, "value": list(requests)},
        ]
    elif len(requests) == 1 and requests[0]["action"] == "Stop":
        ops = [
            {"op": "test", "path": path, "value": pending},
            {"op": "replace", "path": path, "value": list(requests)},
        ]
    else:
        raise Declined(500, UNDERWAY)
    if vm.status.start_failure is not None:
        ops.append({"op": "remove", "path": "/status/startFailure"})
    return ops
