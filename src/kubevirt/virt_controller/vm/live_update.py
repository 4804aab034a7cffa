"""Brings what can be changed while the guest runs from the VM's template to its instance.

Each kind of change (`live/`) is a function of the template and the instance. They are put one upon the other, in the
order of the reference, and the outcome is one write. The first that needs a restart, or has to wait, keeps back those
behind it. CPU, memory and placement are followed only under the rollout strategy LiveUpdate; interfaces always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import FailureWords, SyncProblem
from kubevirt.virt_controller.vm import restart_required, revisions
from kubevirt.virt_controller.vm.expanded import can_be_expanded, expanded
from kubevirt.virt_controller.vm.live import cpu, memory, network, placement, volumes
from kubevirt.virt_controller.vm.live.change import Change
from kubevirt.virt_controller.vm.observed import Observed
from kubevirt.virt_controller.vm.run_strategy import is_final

Step = Callable[[VirtualMachineInstance], Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The instance as it should be; why a restart is needed, if one is; what is waited for, if anything is.

    `failed` are the words for a write that does not work: those of the first change in it.
    """

    vmi: VirtualMachineInstance
    restart: str = ""
    problem: SyncProblem | None = None
    failed: FailureWords | None = None


def outcome(o: Observed, vmi: VirtualMachineInstance) -> Outcome:
    """What the VM's present template makes of its instance."""
    if vmi.metadata.deletion_timestamp is not None or is_final(vmi):
        return Outcome(vmi=vmi)
    if revisions.running_generation(o.vm, vmi) == o.vm.metadata.generation:
        return Outcome(vmi=vmi)
    started = revisions.last_started_spec(o)
    if not can_be_expanded(o, o.vm.spec) or (started is not None and not can_be_expanded(o, started)):
        return Outcome(vmi=vmi)
    restart = restart_required.message(o, vmi)
    failed: FailureWords | None = None
    new, problem = vmi, None
    for words, change in changes(o, live=o.config.live_update and not restart):
        step = change(new)
        if step.vmi is not new:
            new, failed = step.vmi, failed or words
        if step.restart or step.problem is not None:
            restart, problem = restart or step.restart, step.problem
            break
    return Outcome(vmi=new, restart=restart, problem=problem, failed=failed)


def changes(o: Observed, *, live: bool) -> Iterator[tuple[FailureWords, Step]]:
    """The kinds of changes that apply, in order, each with the words for its failure."""
    wanted = expanded(o, o.vm.spec)
    yield network.FAILED, lambda now: network.change(wanted, now)
    if live:
        yield volumes.FAILED, lambda now: volumes.change(o.vm.spec, wanted, now, claims=o.claims,
                                                         data_volumes=o.importer.data_volumes.keys())
        yield cpu.FAILED, lambda now: cpu.change(wanted, now, o.config)
        yield placement.FAILED_AFFINITY, lambda now: placement.change_affinity(wanted, now)
        yield placement.FAILED_TOLERATIONS, lambda now: placement.change_tolerations(wanted, now)
        yield memory.FAILED, lambda now: memory.change(wanted, now)
