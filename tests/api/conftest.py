"""The cluster that these tests talk to: the one of $KUBECONFIG, or of `make cluster-up`."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from kubevirt.kube.client import Client
from kubevirt.kube.config import ConfigFlags, load_access


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """The path of a kubeconfig with an administrator's rights, or a skip that says what would run the test."""
    given = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    if given:
        return given
    localkube = shutil.which("localkube") or str(Path(__file__).parents[2] / ".venv" / "bin" / "localkube")
    try:
        asked = subprocess.run([localkube, "kubeconfig"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no cluster: set KUBECONFIG, or run 'make cluster-up'")
    return asked.stdout.strip()


@pytest.fixture
async def client(kubeconfig: str) -> AsyncIterator[Client]:
    async with Client(load_access(ConfigFlags(kubeconfig=kubeconfig)), program="test") as connected:
        yield connected


@dataclass(frozen=True)
class Reply:
    """What came back: also what clients of ours do not look at."""

    status: int
    warnings: list[str]
    body: bytes


HUNG_UP_ON = 5
"""So often a request is sent whose answer gets lost: a server that refuses a body before it has read all of it may hang
up while its answer is still under way."""
Ask = Callable[[str, str, bytes], Awaitable[Reply]]


@pytest.fixture
async def ask(kubeconfig: str) -> AsyncIterator[Ask]:
    """Sends any bytes to any path of the API server, as an administrator: `await ask("POST", path, body)`."""
    access = load_access(ConfigFlags(kubeconfig=kubeconfig))
    connector = aiohttp.TCPConnector(ssl=access.ssl_context or True)
    async with aiohttp.ClientSession(connector=connector, headers=CIMultiDict(access.headers())) as session:

        async def send(method: str, path: str, body: bytes) -> Reply:
            url, headers = access.server + path, {"Content-Type": "application/json"}
            for left in reversed(range(HUNG_UP_ON)):
                try:
                    async with session.request(method, url, data=io.BytesIO(body), headers=headers) as response:
                        warned = response.headers.getall("Warning", [])
                        warnings = [text.split('"', 1)[1].rsplit('"', 1)[0] for text in warned]
                        return Reply(response.status, warnings, await response.read())
                except aiohttp.ClientConnectionError:
                    if not left:
                        raise
            raise AssertionError("the loop above returns or raises")

        yield send
    await asyncio.sleep(0.05)  # aiohttp lets TLS connections go in the background, and asks for such a moment
