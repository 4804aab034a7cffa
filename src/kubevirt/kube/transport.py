"""Requests over HTTP: one aiohttp session to one API server, with the credentials of a `ClusterAccess`.

What it adds to plain HTTP: answers of 400 and above become `ApiError`s, connection trouble becomes `Unreachable`,
and a server that asks for patience (429 with Retry-After) gets it. Other failures are not retried here: only the
caller knows whether a request may be sent twice.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from kubevirt.kube.access import ClusterAccess
from kubevirt.kube.errors import ApiError, TooManyRequests, Unreachable, from_response
from kubevirt.kube.metrics.measures import NO_ANSWER, RequestMeasure
from kubevirt.kube.requests import Request

RETRIES_WHEN_BUSY = 10
CONNECT_TIMEOUT_S = 10.0
# A read that stays silent for this long is dead. Reads of watches have a limit of their own.
SILENCE_TIMEOUT_S = 60.0


class Transport:
    """An open session to an API server. An async context manager; connections are pooled and reused."""

    def __init__(self, access: ClusterAccess, *, user_agent: str, measure: RequestMeasure | None = None) -> None:
        self.access = access
        self._measure = measure
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
            headers={"User-Agent": self._user_agent, "Accept": "application/json"},
            raise_for_status=_raise_refusals,
            auto_decompress=True,
            skip_auto_headers=("Content-Type",),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> bytes:
        """The body of a successful answer."""
        for attempt in range(RETRIES_WHEN_BUSY + 1):
            try:
                async with self.open(request) as response:
                    return await response.read()
            except TooManyRequests as busy:
                # Without Retry-After the refusal is an answer (an eviction against a budget), not a plea for patience.
                if busy.retry_after_s is None or attempt == RETRIES_WHEN_BUSY:
                    raise
                await asyncio.sleep(busy.retry_after_s * random.uniform(1.0, 1.5))  # noqa: S311 (not a secret)
        raise AssertionError("the loop above returns or raises")

    @asynccontextmanager
    async def open(self, request: Request, *, silence_timeout_s: float | None = None) -> AsyncIterator[
            aiohttp.ClientResponse]:
        """The answer with its body still to be read; for watches, logs and other streams."""
        timeout = aiohttp.ClientTimeout(
            total=self.access.request_timeout_s or None,
            sock_connect=CONNECT_TIMEOUT_S,
            sock_read=silence_timeout_s or SILENCE_TIMEOUT_S,
        )
        headers = [*self.access.headers(), *request.headers]
        if request.body is not None and request.content_type:
            headers.append(("Content-Type", request.content_type))
        answered = self._begin(request)
        try:
            async with self._live().request(
                request.method, self._url(request.path, request.query), data=request.body, headers=CIMultiDict(headers),
                timeout=timeout, allow_redirects=False, ssl=self._ssl(), proxy=self.access.proxy or None,
                server_hostname=self.access.tls_server_name or None,
            ) as response:
                answered(str(response.status))
                yield response
        except ApiError as e:  # the answer's; of one that came later, from whoever reads it, nothing more is counted
            answered(str(e.status))
            raise
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as e:
            answered(NO_ANSWER)
            raise self._unreachable(e) from e

    def _begin(self, request: Request) -> Callable[[str], None]:
        if self._measure is None:
            return _not_counted
        return self._measure.begin(request.method, request.path, request.query)

    @asynccontextmanager
    async def websocket(self, path: str, *, protocols: Sequence[str] = (), query: Sequence[tuple[str, str]] = ()
                        ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An open WebSocket, to be read as a `websockets.LiveSocket`, which answers pings. A refused handshake raises
        the ApiError of its body."""
        try:
            socket = await self._live().ws_connect(
                self._url(path, tuple(query)), protocols=protocols, headers=CIMultiDict(self.access.headers()),
                ssl=self._ssl(),
                proxy=self.access.proxy or None, max_msg_size=0, autoping=False,
                server_hostname=self.access.tls_server_name or None,
            )
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as e:
            raise self._unreachable(e) from e
        async with socket:
            yield socket

    def _live(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used outside its 'async with'")
        return self._session

    def _ssl(self) -> ssl.SSLContext | bool:
        return self.access.ssl_context or True

    def _url(self, path: str, query: Sequence[tuple[str, str]]) -> URL:
        # Paths come percent-encoded; yarl must not encode them again.
        url = URL(self.access.server.rstrip("/") + path, encoded=True)
        return url.update_query(list(query)) if query else url

    def _unreachable(self, error: BaseException) -> Unreachable:
        return Unreachable(
            cause=f"no answer from the API server {self.access.server}: {_in_words(error)}",
            remedy="check that the server runs and that the address and certificate authority of the kubeconfig are"
                   " its own",
        )


def _not_counted(_code: str) -> None:
    """What is told of answers where nobody counts."""


async def _raise_refusals(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        body = await response.read()
        raise from_response(response.status, body, retry_after=response.headers.get("Retry-After", ""))


def _in_words(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted ({error.certificate_error})"
        case aiohttp.ClientConnectorDNSError():
            return f"the host name cannot be resolved ({error.os_error.strerror or error.os_error})"
        case aiohttp.ClientConnectorError():
            return error.os_error.strerror or str(error.os_error)
        case TimeoutError():
            return "timed out"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer"
        case _:
            return str(error) or type(error).__name__
