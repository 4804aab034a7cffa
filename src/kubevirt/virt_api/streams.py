"""Byte streams between a client's WebSocket and a handler's (console, screen); ports are `portforward`'s.

Every copy waits for the slower side, so nothing piles up in memory, and either side's end ends the other. Pings find
clients that vanished without a word.
"""

from __future__ import annotations

import aiohttp
from aiohttp import web
from yarl import URL

from kubevirt.kit.tasks import until_first_ends
from kubevirt.virt_api.node_agents import NodeAgents
from kubevirt.virt_api.replies import StatusError

PROTOCOL = "plain.kubevirt.io"
HEARTBEAT_S = 20.0


def accept() -> web.WebSocketResponse:
    return web.WebSocketResponse(protocols=(PROTOCOL,), heartbeat=HEARTBEAT_S, max_msg_size=0, compress=False)


async def join_handler(request: web.Request, agents: NodeAgents, url: URL) -> web.StreamResponse:
    """Connect the client with a stream of virt-handler; a refusal of the handler is an ordinary HTTP error."""
    client = accept()
    try:
        async with agents.websocket(url.with_query(request.query), (PROTOCOL,), HEARTBEAT_S) as handler:
            await client.prepare(request)
            await until_first_ends(_copy(client, handler), _copy(handler, client))
            code = handler.close_code or client.close_code or aiohttp.WSCloseCode.OK
            await client.close(code=code)
    except aiohttp.WSServerHandshakeError as e:
        raise StatusError(e.status, f"Cannot prepare connection {e.message}") from e
    except (aiohttp.ClientConnectionError, TimeoutError) as e:
        if client.prepared:  # the stream broke in the middle; the client sees its end
            await client.close(code=aiohttp.WSCloseCode.GOING_AWAY)
            return client
        raise StatusError(503, f"Cannot prepare connection: virt-handler cannot be reached: {e}") from e
    return client


async def _copy(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
