"""Performs actions about many objects: those about one object in order, different objects side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from kubevirt.virt_controller.act import Failed, Performer
from kubevirt.virt_controller.actions import Action

AT_ONCE = 16
"""Requests under way for one owner."""


async def perform_all(performer: Performer, groups: Sequence[Sequence[Action]], *, about: msgspec.Struct,
                      known: str = "") -> Failed | None:
    """All groups; a failure ends its own group only, and the first one counts.

    Raises Conflict when one met a newer object.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(actions: Sequence[Action]) -> Failed | None:
        async with gate:
            return await performer.perform(actions, about=about, known=known)

    outcomes = await asyncio.gather(*map(one, groups), return_exceptions=True)
    failed = None
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        failed = failed or outcome
    return failed
