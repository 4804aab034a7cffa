"""How a program that works for a cluster ends: on a signal, by itself, or because it cannot work at all."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.kube.client import Client
from kubevirt.kube.metrics.measures import Measures
from kubevirt.kube.program import ending_in_words, serve


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    file = tmp_path / "config"
    file.write_text(
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n"
    )
    return str(file)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_is_told_to_the_work(kubeconfig: str, number: signal.Signals) -> None:
    async def work(client: Client, stop: asyncio.Event, _measures: Measures) -> bool:
        assert client.access.server == "http://127.0.0.1:1"
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 30)
        return True

    assert await serve("virt-test", kubeconfig, work)


async def test_work_that_ends_by_itself_did_not_end_well(kubeconfig: str) -> None:
    async def work(_client: Client, stop: asyncio.Event, _measures: Measures) -> bool:
        return stop.is_set()

    assert not await serve("virt-test", kubeconfig, work)


def test_a_problem_is_one_line_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, ending_in_words("virt-test"):
        raise Problem(cause="there is no cluster", remedy="make one")
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err


def test_without_a_problem_nothing_ends() -> None:
    with ending_in_words("virt-test"):
        pass
