"""The way to a node's virt-handler: which copy is asked, and what a client hears of one that refuses or is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from yarl import URL

from kubevirt.api import codec
from kubevirt.api.pods import Pod
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.certs import ClientTls
from kubevirt.kube.client import Client
from kubevirt.virt_api import node_agents
from kubevirt.virt_api.node_agents import NodeAgents, session
from kubevirt.virt_api.replies import StatusError

VMI = codec.convert({"metadata": {"name": "a", "namespace": "n"}, "status": {"nodeName": "node1"}},
                    VirtualMachineInstance)  # fmt: skip
REFUSAL = b"HTTP/1.1 409 Conflict\r\nContent-Length: 8\r\n\r\nno agent"


class Handlers:
    """The pods of virt-handler, as the API server lists them."""

    def __init__(self, *pods: tuple[str, str, bool]) -> None:
        self._pods = [
            codec.convert({"metadata": {"name": "h", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if ends else {})},
                           "status": {"phase": phase, "podIP": address}}, Pod)
            for phase, address, ends in pods
        ]  # fmt: skip

    async def list(self, *_: object, **__: object) -> list[Pod]:
        return self._pods


class Plain:
    """No TLS: that is tested end to end."""

    def current(self) -> bool:
        return True


class AtServer(NodeAgents):
    """Finds the agent where a test has put it."""

    async def url(self, vmi: VirtualMachineInstance, action: str) -> URL:
        [pod] = await cast(Handlers, self.client).list()
        return URL(f"http://127.0.0.1:{pod.status.pod_ip}/{action}")


@asynccontextmanager
async def agent(says: bytes) -> AsyncIterator[NodeAgents]:
    """An agent that says this to whatever it is asked, and then keeps the connection."""

    ended = asyncio.Queue[None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        while await reader.read(4096):
            pass
        writer.close()
        ended.put_nowait(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    async with server:
        async with session() as http:
            tls = cast(ClientTls, Plain())
            yield AtServer(
                client=cast(Client, Handlers(("Running", port, False))), http=http, tls=tls, namespace="kubevirt"
            )
        await ended.get()


async def stream(agents: NodeAgents) -> None:
    async with agents.websocket(await agents.url(VMI, "console"), ()):
        raise AssertionError("it opened")


async def read(agents: NodeAgents) -> None:
    await agents.get(VMI, "guestosinfo", {})


async def act(agents: NodeAgents) -> None:
    await agents.put(VMI, "pause")


@pytest.mark.parametrize(
    ("says", "ask", "code", "words"),
    [
        pytest.param(REFUSAL, act, 409, "no agent", id="a refusal keeps its words"),
        pytest.param(REFUSAL, read, 409, "Cannot GET request no agent", id="of a document, framed"),
        pytest.param(REFUSAL, stream, 409, "no agent", id="of a stream"),
        pytest.param(b"", act, 504, "virt-handler on node 'node1' has not answered within 0.1 s; try again",
                     id="silence"),
        pytest.param(b"", read, 504, "Cannot GET request virt-handler on node 'node1' has not answered within 0.1 s; "
                     "try again", id="silence about a document"),
        pytest.param(b"", stream, 504, "virt-handler at 127.0.0.1 does not answer", id="a handshake without an end"),
    ],
)  # fmt: skip
async def test_what_a_client_hears(
    monkeypatch: pytest.MonkeyPatch, says: bytes, ask: Callable[[NodeAgents], Awaitable[None]], code: int, words: str
) -> None:
    for limit in ("HANDSHAKE_TIMEOUT_S", "ANSWER_TIMEOUT_S"):
        monkeypatch.setattr(node_agents, limit, 20 if says else 0.1)
    async with agent(says) as agents:
        with pytest.raises(StatusError) as told:
            await ask(agents)
    assert (told.value.code, told.value.message) == (code, words)


@pytest.mark.parametrize(
    ("pods", "host"),
    [
        pytest.param([("Running", "10.0.0.1", False)], "10.0.0.1", id="the only one"),
        pytest.param(
            [("Running", "10.0.0.1", True), ("Running", "10.0.0.2", False)], "10.0.0.2", id="not one that ends"
        ),
        pytest.param(
            [("Running", "10.0.0.1", True), ("Pending", "", False)], "10.0.0.1", id="one that ends, over none"
        ),
        pytest.param([("Running", "fd00::1", False)], "fd00::1", id="an IPv6 address"),
    ],
)
async def test_which_copy_is_asked(pods: list[tuple[str, str, bool]], host: str) -> None:
    async with session() as http:
        agents = NodeAgents(
            client=cast(Client, Handlers(*pods)), http=http, tls=cast(ClientTls, Plain()), namespace="k"
        )
        url = await agents.url(VMI, "console")
    assert (url.scheme, url.host, url.port) == ("https", host, 8186)
    assert url.path == "/v1/namespaces/n/virtualmachineinstances/a/console"


async def test_a_node_without_a_copy() -> None:
    async with session() as http:
        agents = NodeAgents(client=cast(Client, Handlers(("Pending", "", False))), http=http,
                            tls=cast(ClientTls, Plain()), namespace="k")  # fmt: skip
        with pytest.raises(StatusError, match="no virt-handler is running on node 'node1'; look at") as told:
            await agents.url(VMI, "console")
    assert told.value.code == 503
