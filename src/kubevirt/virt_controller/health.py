"""What virt-controller tells of itself: whether it lives, whether it reaches the API server, whether it leads.

Two questions with the name `/healthz`, on two ports. The kubelet asks the plain one, and hears no more than that the
program's loop turns: while the API server is out of reach, starting virt-controller anew would help nobody. People and
monitors ask the one with a certificate, and hear how it stands with the API server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from kubevirt.api import codec
from kubevirt.api.resources import KUBEVIRTS
from kubevirt.kit.errors import Problem
from kubevirt.kit.json import Json, JsonObject
from kubevirt.kube.client import Client

ANSWER_WITHIN_S: Final = 8.0
"""A probe of ten seconds still gets an answer."""


def routes(client: Client, *, namespace: str, is_leading: Callable[[], bool]) -> list[web.RouteDef]:
    """`/healthz` and `/leader` in full. `namespace` is where KubeVirt is installed.

    Whoever reaches the port may ask, so the API server is asked by one of them at a time.
    """
    turn = asyncio.Lock()

    async def healthz(_: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), turn:
                return web.json_response(await connection(client, namespace))
        except TimeoutError:
            cause = f"the API server did not answer within {ANSWER_WITHIN_S:g} s"
        except Problem as error:
            cause = error.cause
        return web.json_response({"apiserver": {"connectivity": "failed", "error": cause}}, status=500)

    async def leader(_: web.Request) -> web.Response:
        return web.json_response({"apiserver": {"leader": "true" if is_leading() else "false"}})

    return [web.get("/healthz", healthz), web.get("/leader", leader)]


async def connection(client: Client, namespace: str) -> JsonObject:
    """What the API server says of itself and of our configuration. Raises Problem where it does not answer."""
    version: Json = codec.decode_json(await client.raw("GET", "/version"))
    found = await client.list(KUBEVIRTS, namespace)
    return {
        "apiserver": {"connectivity": "ok", "version": version},
        "config-resource-version": found[0].metadata.resource_version if found else "",
    }


@asynccontextmanager
async def alive(port: int) -> AsyncIterator[None]:
    """Serves the kubelet's /healthz, without encryption."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/healthz", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port).start()
        yield
    finally:
        await runner.cleanup()
