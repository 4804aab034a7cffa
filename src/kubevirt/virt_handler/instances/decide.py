"""What to do about an instance on this node: a pure function from what is observed to actions.

The order of the rules is handler_launcher.md A5. What the instance's status should say is decided by
`machine.phase` and `machine.status`; here is what has to be done, and when to look again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from kubevirt.api.phase import is_final
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.machine import grace
from kubevirt.machine.domain_report import DomainReport, State
from kubevirt.virt_handler.instances.launchers import LinkState
from kubevirt.virt_handler.instances.standstill import RESUME_FIRST_S

LOOK_AGAIN_S = 5.0
UNRESPONSIVE_AFTER_S = 30.0
"""A launcher that was there and does not answer for so long has gone; its pod's end usually tells much earlier."""
NEVER_SEEN_AFTER_S = 180.0
"""A pod that runs but whose launcher never answered for so long will not answer any more."""


class Action(Enum):
    """What can be asked of a launcher, or done with the link to it."""

    START = auto()  # wire the networks, then let the launcher define and start the domain
    UPDATE = auto()  # let the launcher bring a running domain in line with a changed spec
    SHUTDOWN = auto()  # press the power button
    KILL = auto()
    DELETE = auto()  # nothing runs: let the launcher end
    ACKNOWLEDGE = auto()  # the end was read and is written: the launcher need not wait
    FORGET = auto()  # close the link, follow the launcher no longer


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All that a decision may depend on."""

    vmi: VirtualMachineInstance | None
    """None: it no longer exists, or no longer belongs to this node."""
    link: LinkState | None
    """None: no launcher is followed."""
    link_for_s: float = 0.0
    pod_is_gone: bool = False
    """The kubelet has removed the pod's directory."""
    report: DomainReport | None = None
    final: bool = False
    spec_changed: bool = False
    """The spec is not the one that the launcher was last given."""
    try_resuming_in_s: float | None = None
    """When a guest that stands still because of an I/O error is to be tried again; None when there is none."""
    asked_to_end_s_ago: float | None = None
    """How long ago this launcher was last told to shut down, kill or delete its domain."""
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do, in order. `lost`: why the instance has failed although no launcher says so; empty when it has not."""

    actions: list[Action] = field(default_factory=list)
    look_again_s: float | None = None
    lost: str = ""


def decide(o: Observed) -> Decision:
    """What to do about an instance that looks like this. Pure: same input, same answer."""
    if o.link is None:
        return Decision()
    if o.vmi is None:
        return _without_instance(o)
    if o.link is not LinkState.OPEN:
        return _without_link(o, o.vmi)
    report = o.report
    if report is None:
        return Decision()  # the first report comes with the link
    if report.state == State.UNKNOWN:
        return Decision()  # nothing is known, so nothing is done; the next report will tell
    if o.final:
        return Decision(actions=[Action.ACKNOWLEDGE, Action.FORGET])
    if report.is_alive:
        return _alive(o, o.vmi, report)
    if is_final(o.vmi.status.phase) or is_deleting(o.vmi):
        return _once(o, Action.DELETE)
    if o.vmi.status.phase == "Scheduled" and not report.exists and not report.failure:
        return Decision(actions=[Action.START])
    return Decision()  # defined and about to start, or ended and about to say so


def _alive(o: Observed, vmi: VirtualMachineInstance, report: DomainReport) -> Decision:
    """There is a guest."""
    if is_final(vmi.status.phase):
        return _once(o, Action.KILL)
    told_to_end = report.grace is not None and report.grace.marked_for_graceful_shutdown
    if is_deleting(vmi) or (told_to_end and vmi.status.phase == "Running"):
        return _end(o, report, grace.guest_s(vmi))
    if o.spec_changed and vmi.status.phase in ("Scheduled", "Running"):
        return Decision(actions=[Action.UPDATE])
    if o.try_resuming_in_s is not None:
        if o.try_resuming_in_s > 0:
            return Decision(look_again_s=o.try_resuming_in_s)
        return Decision(actions=[Action.UPDATE], look_again_s=RESUME_FIRST_S)
    return Decision()


def _end(o: Observed, report: DomainReport, grace_s: int) -> Decision:
    """Shut down as long as the grace period lasts, counted from the first signal; then kill."""
    since = report.grace.deletion_timestamp if report.grace else None
    left_s = float(grace_s) if since is None else (since + timedelta(seconds=grace_s) - o.now).total_seconds()
    if left_s <= 0:
        return _once(o, Action.KILL)
    decision = _once(o, Action.SHUTDOWN)
    return Decision(actions=decision.actions, look_again_s=min(decision.look_again_s or LOOK_AGAIN_S, left_s))


def _once(o: Observed, action: Action) -> Decision:
    """Ask for the end, and again only after a while: every change brings us here, and a guest needs its time."""
    ago_s = o.asked_to_end_s_ago
    if ago_s is not None and ago_s < LOOK_AGAIN_S and action is not Action.KILL:
        return Decision(look_again_s=LOOK_AGAIN_S - ago_s)
    return Decision(actions=[action], look_again_s=LOOK_AGAIN_S)


def _without_instance(o: Observed) -> Decision:
    """The object was removed by force; its guest must not go on running."""
    if o.pod_is_gone or o.link is not LinkState.OPEN or o.report is None:
        over = o.pod_is_gone or o.link_for_s > UNRESPONSIVE_AFTER_S
        return Decision(actions=[Action.FORGET] if over else [], look_again_s=None if over else LOOK_AGAIN_S)
    if o.final:
        return Decision(actions=[Action.ACKNOWLEDGE, Action.FORGET])
    if o.report.is_alive:
        told = o.report.grace  # launchers of older versions tell of it only once they were asked to end
        return _end(o, o.report, grace.DEFAULT_S if told is None else told.deletion_grace_period_s)
    return _once(o, Action.DELETE)


def _without_link(o: Observed, vmi: VirtualMachineInstance) -> Decision:
    """Wait for the launcher as long as waiting makes sense. The pod's own end is virt-controller's to see."""
    if is_final(vmi.status.phase):
        return Decision(actions=[Action.FORGET])
    if o.pod_is_gone:
        return Decision(actions=[Action.FORGET], lost="the launcher pod is gone from the node")
    limit_s = UNRESPONSIVE_AFTER_S if o.link is LinkState.LOST else NEVER_SEEN_AFTER_S
    if o.link_for_s >= limit_s:
        return Decision(actions=[Action.FORGET], lost=f"the launcher has not answered for {limit_s:.0f} s")
    return Decision(look_again_s=max(limit_s - o.link_for_s, 0.1))


def is_deleting(vmi: VirtualMachineInstance) -> bool:
    return vmi.metadata.deletion_timestamp is not None
