"""One command's connection to the cluster: the client, the namespace, and error texts with the command's own frame.

Built from the global flags once per command; commands are written as coroutines and run by `run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import aiohttp
import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.kit.json import JsonObject
from kubevirt.kit.times import parse_duration
from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access
from kubevirt.kube.errors import ApiError, Unauthorized, Unreachable
from kubevirt.kube.websockets import PROTOCOL
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.flags import Globals
from kubevirt.virtctl.progress import Progress, progress
from kubevirt.virtctl.targets import Target

GROUP_VERSION = "kubevirt.io/v1"
SUBRESOURCES = "/apis/subresources.kubevirt.io"

REJECTED = (
    "the API server does not accept your credentials; log in again, or name others with --token, --user or --context"
)

T = TypeVar("T")


class NoCredentials(CommandError):
    """The user was asked who it is, and did not say."""


class StreamRefused(CommandError):
    """A stream was not opened; `status` is the HTTP code of the answer, 0 where there was none."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Session:
    """A client and the namespace that the command works in."""

    client: Client
    namespace: str
    progress: Progress = field(default_factory=lambda: Progress(""))

    def namespace_of(self, target: Target) -> str:
        """The target's own namespace if it named one, else the session's."""
        return target.namespace or self.namespace

    def object_path(self, target: Target) -> str:
        """The path of the object itself."""
        return f"/apis/{GROUP_VERSION}/namespaces/{self.namespace_of(target)}/{target.kind}/{target.name}"

    def subresource_path(self, target: Target, verb: str) -> str:
        """The path of one of the object's sub-resources in the aggregated API."""
        return f"{SUBRESOURCES}/v1/namespaces/{self.namespace_of(target)}/{target.kind}/{target.name}/{verb}"

    async def get(self, target: Target) -> JsonObject:
        """The object as the API server has it."""
        return await self.read(self.object_path(target))

    async def read(self, path: str) -> JsonObject:
        """Any document of the API."""
        return msgspec.json.decode(await self.client.raw("GET", path), type=JsonObject)

    async def put_subresource(self, target: Target, verb: str, body: JsonObject) -> None:
        """PUT on a sub-resource; what it answers is of no interest."""
        await self.client.raw("PUT", self.subresource_path(target, verb), body=msgspec.json.encode(body))

    @asynccontextmanager
    async def stream(self, path: str, *, query: Sequence[tuple[str, str]] = ()
                     ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An open byte stream of the aggregated API. Raises StreamRefused, in the words that scripts know."""
        async with AsyncExitStack() as stack:
            try:
                opening = self.client.websocket(path, protocols=(PROTOCOL,), query=query)
                socket = await stack.enter_async_context(opening)
            except ApiError as e:
                raise StreamRefused(_refusal(e), e.status) from e
            except Unreachable as e:
                raise StreamRefused(f"Can't connect to websocket: {e}\n", 0) from e
            yield socket

    @contextmanager
    def explaining(self, frame: str) -> Iterator[None]:
        """Put an API error's text into the command's frame, which holds one `{}`."""
        try:
            yield
        except ApiError as e:
            raise CommandError(frame.format(e.message)) from e


def _refusal(error: ApiError) -> str:
    if error.plain is None:
        return error.message
    text = f"Can't connect to websocket ({error.status}): websocket: bad handshake"
    readable = error.plain and not error.plain.startswith("<")  # pages of proxies are for browsers
    return f"{text}: application info: {error.plain}" if readable else text


def run(flags: Globals, work: Callable[[Session], Awaitable[T]], *, waiting_for: str = "the cluster") -> T:
    """Open a session as the flags say, do the work in it, close it.

    On a terminal a line shows that `waiting_for` takes a while; streams, which own the terminal, pass an empty text.
    """
    try:
        return asyncio.run(_within_session(flags, work, waiting_for))
    except NoCredentials:
        raise
    except CommandError as e:
        e.spoke_to = flags
        raise


async def _within_session(flags: Globals, work: Callable[[Session], Awaitable[T]], waiting_for: str) -> T:
    try:
        access = load_access(config_flags(flags))
        if access.server.startswith("https://") and not access.has_credentials:
            access = replace(access, basic=ask_for_credentials())
        async with Client(access, program="virtctl") as client:
            session = Session(client=client, namespace=access.namespace)
            if not waiting_for:
                return await work(session)
            async with progress(f"waiting for {waiting_for}") as shown:
                return await work(replace(session, progress=shown))
    except Unauthorized as e:
        raise CommandError(f"{e.message}: {REJECTED}") from e
    except ApiError as e:
        raise CommandError(e.message) from e
    except Problem as e:
        raise CommandError(str(e)) from e


def ask_for_credentials() -> tuple[str, str]:
    """Name and password of a user who has brought none, asked for on the terminal."""
    import getpass
    import sys

    sys.stdout.write("Please enter Username: ")
    sys.stdout.flush()
    name = sys.stdin.readline()
    if not name:
        raise NoCredentials("EOF")
    prompt = "Please enter Password: "
    if sys.stdin.isatty():
        return name.strip(), getpass.getpass(prompt)
    sys.stdout.write(prompt)
    sys.stdout.flush()
    password = sys.stdin.readline()
    if not password:
        raise NoCredentials("EOF")
    return name.strip(), password.rstrip("\n")


def config_flags(flags: Globals) -> ConfigFlags:
    """The global flags as the reader of kubeconfigs takes them."""
    return ConfigFlags(
        kubeconfig=flags.kubeconfig or "",
        context=flags.context or "",
        cluster=flags.cluster or "",
        user=flags.user or "",
        namespace=flags.namespace or "",
        server=flags.server or "",
        token=flags.token or "",
        username=flags.username or "",
        password=flags.password or "",
        client_certificate=flags.client_certificate or "",
        client_key=flags.client_key or "",
        certificate_authority=flags.certificate_authority or "",
        insecure_skip_tls_verify=flags.insecure_skip_tls_verify,
        tls_server_name=flags.tls_server_name or "",
        proxy_url=flags.proxy_url or "",
        as_user=flags.as_ or "",
        as_uid=flags.as_uid or "",
        as_groups=flags.as_group,
        request_timeout_s=seconds(flags.request_timeout or "0"),
    )


def seconds(duration: str, flag: str = "request-timeout") -> float:
    """A time limit such as `30s`, `1m30s` or plain seconds."""
    if duration.isdecimal():
        return float(duration)
    try:
        return parse_duration(duration).total_seconds()
    except Problem as e:
        raise CommandError(f'invalid argument "{duration}" for "--{flag}" flag: {e}') from e
