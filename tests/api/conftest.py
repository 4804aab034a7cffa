"""The cluster that these tests talk to: the one of $KUBECONFIG, or of `make cluster-up`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
