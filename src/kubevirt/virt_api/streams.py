"""Byte streams between a client's WebSocket and a handler's (console, screen); ports are `portforward`'s.

Every copy waits for the slower side, so nothing piles up in memory, and either side's end ends the other, with its code
and words. Pings find clients and handlers that vanished without a word.
"""

from __future__ import annotations

import asyncio
import weakref

import aiohttp
from aiohttp import web
from yarl import URL

from kubevirt.kit import logs
from kubevirt.kit.tasks import until_first_ends
from kubevirt.kube.websockets import MAX_MESSAGE_BYTES, PROTOCOL, Ending, LiveSocket, close_reason, copy
from kubevirt.virt_api.node_agents import NodeAgents
from kubevirt.virt_api.replies import StatusError

GOODBYE_S = 5.0
RESTARTING = "virt-api is restarting; connect again."
LOST_NODE = "The node of the instance does not answer any more."
NO_STREAM = f"this is a stream: connect with a WebSocket of the protocol {PROTOCOL}, as virtctl does"
_PASSED_ON = range(1000, 5000)
_NEVER_SENT = (aiohttp.WSCloseCode.ABNORMAL_CLOSURE, 1005, 1015)  # codes that only name what was seen

log = logs.get("streams")


class OpenStreams:
    """The clients' ends that are open, so that they are told when virt-api ends."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    def add(self, socket: web.WebSocketResponse) -> None:
        """Remember a socket for as long as somebody uses it."""
        self._sockets.add(socket)

    async def end_all(self, _: web.Application) -> None:
        """Close all, with a word."""
        closings = (socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, message=close_reason(RESTARTING))
                    for socket in set(self._sockets))  # fmt: skip
        await asyncio.gather(*closings)


OPEN = web.AppKey("open streams", OpenStreams)


def follow_streams(app: web.Application) -> None:
    """Let the application know its open streams, so that their clients are told when it ends."""
    app[OPEN] = OpenStreams()
    app.on_shutdown.append(app[OPEN].end_all)


def must_be_a_stream(request: web.Request) -> None:
    """StatusError 400 for a plain GET, before anything is connected: a screen's session would give way to it."""
    if not web.WebSocketResponse().can_prepare(request).ok:
        raise StatusError(400, NO_STREAM)


async def accept(request: web.Request) -> web.WebSocketResponse:
    """The client's end, open."""
    client = web.WebSocketResponse(protocols=(PROTOCOL,), timeout=GOODBYE_S, max_msg_size=MAX_MESSAGE_BYTES,
                                   compress=False, autoping=False)  # fmt: skip
    await client.prepare(request)
    request.app[OPEN].add(client)
    return client


async def join_handler(request: web.Request, agents: NodeAgents, url: URL) -> web.StreamResponse:
    """Connect the client with a stream of virt-handler; a refusal of the handler is an ordinary HTTP error."""
    client: web.WebSocketResponse | None = None
    try:
        async with agents.websocket(url.with_query(request.query), (PROTOCOL,)) as handler:
            client = await accept(request)
            near, far = LiveSocket(client), LiveSocket(handler)
            await until_first_ends(copy(near, far), copy(far, near), near.watch(), far.watch())
            await finish(request, client, near, ending_of(far))
    except StatusError as e:
        raise StatusError(e.code, f"Cannot prepare connection {e.message}") from e
    except (aiohttp.ClientConnectionError, TimeoutError) as e:
        if client is None:
            raise StatusError(503, f"Cannot prepare connection virt-handler cannot be reached: {e}") from e
        await client.close(code=aiohttp.WSCloseCode.GOING_AWAY)  # the stream broke in the middle
    return client


def ending_of(far: LiveSocket) -> Ending:
    """How the client is to be told of the other side's end."""
    if far.vanished:
        return Ending(code=aiohttp.WSCloseCode.GOING_AWAY, reason=LOST_NODE)
    if far.ending is None:
        return Ending(code=aiohttp.WSCloseCode.OK)
    if far.ending.code in _NEVER_SENT or far.ending.code not in _PASSED_ON:
        return Ending(code=aiohttp.WSCloseCode.GOING_AWAY, reason=far.ending.reason or LOST_NODE)
    return far.ending


async def finish(request: web.Request, client: web.WebSocketResponse, near: LiveSocket, ending: Ending) -> None:
    """Close the client's end; one that vanished is left without waiting for its answer."""
    if near.vanished:
        log.info("a client vanished", path=request.path)
        if request.transport is not None:
            request.transport.abort()
        return
    await client.close(code=ending.code, message=close_reason(ending.reason))
