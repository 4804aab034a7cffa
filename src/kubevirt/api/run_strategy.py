"""The run strategy that a VirtualMachine's `running` and `runStrategy` fields amount to.

Both virt-api (what a start request means) and virt-controller (what to do) read it from here, so they cannot differ.
"""

from __future__ import annotations

from enum import StrEnum

from kubevirt.kit.errors import Refused


class RunStrategy(StrEnum):
    """When an instance of a VirtualMachine should exist."""

    ALWAYS = "Always"
    HALTED = "Halted"
    MANUAL = "Manual"
    RERUN_ON_FAILURE = "RerunOnFailure"
    ONCE = "Once"
    WAIT_AS_RECEIVER = "WaitAsReceiver"


def effective_run_strategy(*, running: bool | None, run_strategy: str | None) -> RunStrategy:
    """Resolve the two fields; neither means Halted.

    Raises Refused when both are set, or when the strategy is not a known one.
    """
    if running is not None and run_strategy:
        raise Refused(
            field="spec.running",
            cause="running and runstrategy are mutually exclusive",
            remedy="remove spec.running and keep spec.runStrategy",
        )
    if running is not None:
        return RunStrategy.ALWAYS if running else RunStrategy.HALTED
    if not run_strategy:
        return RunStrategy.HALTED
    try:
        return RunStrategy(run_strategy)
    except ValueError as e:
        raise Refused(
            field="spec.runStrategy",
            cause=f"unknown runstrategy: {run_strategy}",
            remedy=f"choose one of {', '.join(RunStrategy)}",
        ) from e
