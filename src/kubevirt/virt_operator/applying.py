"""Bringing objects into the cluster by server-side apply, patiently.

What others have added to an object (annotations, replicas) stays; what earlier versions of ours had set goes away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubevirt.kit.json import JsonObject
from kubevirt.kube.client import Client
from kubevirt.kube.errors import Conflict, ServerTrouble, Unreachable
from kubevirt.virt_operator.kinds import resource_of

APPLY_ATTEMPTS = 5


async def apply_all(client: Client, wanted: Sequence[JsonObject]) -> None:
    """Applies the objects, all together: none of one call may need another of it to be there first."""
    outcomes = await asyncio.gather(*(apply_one(client, obj) for obj in wanted), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def apply_one(client: Client, obj: JsonObject) -> None:
    """Trouble of the moment (conflicts, a server that restarts) is tried again a few times."""
    for attempt in range(1, APPLY_ATTEMPTS + 1):
        try:
            await client.apply(resource_of(obj), obj)
        except (Conflict, ServerTrouble, Unreachable):
            if attempt == APPLY_ATTEMPTS:
                raise
            await asyncio.sleep(0.5 * attempt)
        else:
            return
