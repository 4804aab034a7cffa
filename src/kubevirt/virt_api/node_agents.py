"""The way from virt-api to the virt-handler on an instance's node: which pod, which address, which certificate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from kubevirt.api.resources import PODS
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.kube.certs import ClientTls
from kubevirt.kube.client import Client
from kubevirt.virt_api.replies import StatusError

PORT = 8186
CONNECT_TIMEOUT_S = 10.0
HANDSHAKE_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 50.0
"""The API server gives up after a minute, without a word about who was waited for."""
SERVER_NAME = "virt-handler.kubevirt.io"  # the DNS name in the certificates of all handlers


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A document of the handler."""

    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class NodeAgents:
    """Reaches the virt-handler of a node; `http` carries the client certificate that handlers demand."""

    client: Client
    http: aiohttp.ClientSession
    tls: ClientTls
    namespace: str

    async def url(self, vmi: VirtualMachineInstance, action: str) -> URL:
        """The handler's address for an action on this instance; 503 when no handler runs on its node."""
        node = vmi.status.node_name
        pods = await self.client.list(
            PODS, self.namespace, labels="kubevirt.io=virt-handler", fields=f"spec.nodeName={node}"
        )
        running = [pod for pod in pods if pod.status.phase == "Running" and pod.status.pod_ip]
        running.sort(key=lambda pod: pod.metadata.deletion_timestamp is not None)  # while it is replaced there are two
        address = running[0].status.pod_ip if running else ""
        if not address:
            raise StatusError(
                503,
                f"no virt-handler is running on node {node!r}; look at `kubectl -n {self.namespace} get pods "
                f"-l kubevirt.io=virt-handler -o wide`",
            )
        host = f"[{address}]" if ":" in address else address
        meta = vmi.metadata
        path = f"/v1/namespaces/{meta.namespace}/virtualmachineinstances/{meta.name}/{action}"
        return URL(f"https://{host}:{PORT}{path}")

    @asynccontextmanager
    async def websocket(
        self, url: URL, protocols: tuple[str, ...]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An open stream of the handler, to be read as a LiveSocket. Raises StatusError when it refuses, and what
        aiohttp raises when it cannot be reached."""
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                socket = await self.http.ws_connect(
                    url,
                    protocols=protocols,
                    autoping=False,
                    max_msg_size=0,
                    ssl=self.tls.current(),
                    server_hostname=SERVER_NAME,
                )
        except TimeoutError as e:
            raise StatusError(504, f"virt-handler at {url.host} does not answer") from e
        async with socket:
            yield socket

    async def put(self, vmi: VirtualMachineInstance, action: str, *, body: bytes = b"") -> None:
        """Ask the handler for an action; its refusal reaches the client with the handler's own code and words."""
        await self._ask("PUT", vmi, action, {}, body)

    async def get(self, vmi: VirtualMachineInstance, what: str, query: Mapping[str, str]) -> Answer:
        """Ask the handler for a document; refusals as in `put`."""
        return await self._ask("GET", vmi, what, query, b"")

    async def _ask(
        self, method: str, vmi: VirtualMachineInstance, action: str, query: Mapping[str, str], body: bytes
    ) -> Answer:
        url = (await self.url(vmi, action)).with_query(query)
        frame = "Cannot GET request " if method == "GET" else ""
        node = vmi.status.node_name
        try:
            async with (
                asyncio.timeout(ANSWER_TIMEOUT_S),
                self.http.request(
                    method, url, data=body or None, ssl=self.tls.current(), server_hostname=SERVER_NAME
                ) as answer,
            ):
                return Answer(content_type=answer.content_type, body=await answer.read())
        except StatusError as e:
            raise StatusError(e.code, f"{frame}{e.message}") from e
        except aiohttp.ClientConnectionError as e:
            raise StatusError(503, f"{frame}virt-handler on node {node!r} cannot be reached: {e}") from e
        except TimeoutError as e:
            raise StatusError(504, f"{frame}virt-handler on node {node!r} has not answered within "
                                   f"{ANSWER_TIMEOUT_S:g} s; try again") from e  # fmt: skip


def session() -> aiohttp.ClientSession:
    """An HTTP session for handlers."""
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
    return aiohttp.ClientSession(timeout=timeout, raise_for_status=_raise_refusals)


async def _raise_refusals(answer: aiohttp.ClientResponse) -> None:
    """A refusal with the handler's code and words, also of a stream, whose answer is not read otherwise."""
    if answer.status >= 400:
        raise StatusError(answer.status, (await answer.text()).strip() or answer.reason or "refused")
