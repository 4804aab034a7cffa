"""What a change of the template does: first every machine is changed, then, unless that is to wait, running guests that
need it are restarted, never more at a time than may be unavailable.
"""

from __future__ import annotations

from msgspec.structs import replace

from kubevirt.api import names
from kubevirt.api.pool import VirtualMachinePoolProactiveUpdateStrategy, VirtualMachinePoolUpdateStrategy
from kubevirt.api.resources import VMIS, VMS
from kubevirt.virt_controller.actions import Action, Delete, Event, FailureWords, Patch
from kubevirt.virt_controller.pool.machines import brought_up_to_date
from kubevirt.virt_controller.pool.membership import Groups
from kubevirt.virt_controller.pool.observed import BURST, Member, Observed
from kubevirt.virt_controller.pool.revisions import Change, Revisions
from kubevirt.virt_controller.pool.selection import chosen, is_meant


def strategy_of(o: Observed) -> VirtualMachinePoolUpdateStrategy:
    """The update strategy; proactive unless another is set."""
    strategy = o.pool.spec.update_strategy or VirtualMachinePoolUpdateStrategy()
    if strategy.unmanaged is None and strategy.opportunistic is None and strategy.proactive is None:
        return VirtualMachinePoolUpdateStrategy(proactive=VirtualMachinePoolProactiveUpdateStrategy())
    return strategy


def outdated(o: Observed, revisions: Revisions) -> list[Member]:
    """Machines to change, up to the burst. Raises Refused for selectors that cannot be read."""
    strategy = strategy_of(o)
    if o.is_at_rest or strategy.unmanaged is not None:
        return []
    policy = strategy.proactive.selection_policy if strategy.proactive is not None else None
    which = policy.selectors if policy is not None else None
    found = [m for m in o.members if not m.is_deleting and m.index >= 0 and revisions.is_outdated(m, o.pool)]
    return [m for m in found if is_meant(m, which)][:BURST]


def update_machines(o: Observed, revisions: Revisions) -> Groups:
    """Machines get the present template, all at once: their running guests do not feel it yet."""
    return tuple((up_to_date(o, m, revisions),) for m in outdated(o, revisions))


def up_to_date(o: Observed, member: Member, revisions: Revisions) -> Patch:
    """One machine with the present template."""
    vm = member.vm
    meta = vm.metadata
    return Patch(
        resource=VMS, old=vm, new=brought_up_to_date(vm, o.pool, member.index, revision=revisions.current),
        done=Event(reason="SuccessfulUpdate", message=f"Updated VM {meta.namespace}/{meta.name}"),
        failed=FailureWords(reason="FailedUpdate",
                            event=f"Error updating virtual machine {meta.name}/{meta.namespace}: "),
    )


def update_guests(o: Observed, revisions: Revisions) -> Groups:
    """Proactive only: guests that have not seen a change are brought to it, in the order of the policy.

    Restarting a guest that is down anyway costs nobody anything; the others share the budget.
    """
    proactive = strategy_of(o).proactive
    if o.is_at_rest or proactive is None:
        return ()
    members = [m for m in chosen(o, o.members, proactive.selection_policy)
               if not m.is_deleting and m.vmi is not None and m.vmi.metadata.deletion_timestamp is None
               and not revisions.is_outdated(m, o.pool)]
    changes = [(m, revisions.change(m)) for m in members]
    down = [refresh(m, c) for m, c in changes if c is not Change.NONE and (c is Change.NAME or not m.is_available)]
    serving = [refresh(m, c) for m, c in changes if c not in (Change.NONE, Change.NAME) and m.is_available]
    return tuple((action,) for action in (*down, *serving[:budget(o)])[:BURST])


def budget(o: Observed) -> int:
    """How many guests that serve may be taken down now."""
    return max(allowed(o) - sum(not m.is_available for m in o.members), 0)


def allowed(o: Observed) -> int:
    """How many machines may be unavailable, at least one."""
    value = o.pool.spec.max_unavailable
    if isinstance(value, int):
        return max(value, 1)
    digits = (value or "100%").removesuffix("%")
    percentage = int(digits) if digits.isdecimal() else 100
    return max(o.wanted * percentage // 100, 1)


def refresh(member: Member, change: Change) -> Action:
    """Brings the guest to what its machine has become: relabelled, restarted, or made anew with its disks."""
    vm, vmi = member.vm, member.vmi
    assert vmi is not None  # noqa: S101 - only members with an instance have a change
    name = f"{vm.metadata.namespace}/{vm.metadata.name}"
    failed = FailureWords(reason="FailedUpdate", event=f"Error updating resource {name}: ")
    if change is Change.NAME:
        labels = {**vmi.metadata.labels, names.LABEL_POOL_REVISION: vm.metadata.labels[names.LABEL_POOL_REVISION]}
        relabelled = replace(vmi, metadata=replace(vmi.metadata, labels=labels))
        return Patch(resource=VMIS, old=vmi, new=relabelled, failed=failed)
    done = Event(reason="SuccessfulDelete", message=f"Successfully updated resource {name}")
    if change is Change.DISKS:
        return Delete(resource=VMS, target=vm, propagation="Foreground", done=done, failed=failed)
    return Delete(resource=VMIS, target=vmi, done=done, failed=failed)
