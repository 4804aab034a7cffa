"""The API server's answers to what rules about machines ask for, at the time of the request: caches lag behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kubevirt.api.instancetypes.lookups import Answer, Lookup
from kubevirt.kube.client import Client
from kubevirt.kube.errors import NotFound


def looking(client: Client) -> Callable[[Lookup], Awaitable[Answer]]:
    """Looks up with this client. What is not there, or is of a kind that the cluster does not know, is None."""

    async def look(lookup: Lookup) -> Answer:
        try:
            return await client.get(lookup.resource, lookup.name, lookup.namespace or None)
        except NotFound:
            return None

    return look
