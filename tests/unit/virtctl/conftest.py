"""The stand-in for a cluster: one server for all tests, with nothing of the test before in it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from virtctl_cluster import Cluster, StandIn


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()


@pytest.fixture
def cluster(stand_in: StandIn, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Commands run against a server that knows nothing yet; no kubeconfig of the user's has a say."""
    monkeypatch.setenv("KUBECONFIG", "/absent")
    stand_in.answers.clear()
    stand_in.asked.clear()
    stand_in.headers.clear()
    return Cluster(stand_in, capfd)


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Ctrl+C reaches the command also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
