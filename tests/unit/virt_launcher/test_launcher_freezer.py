"""What backup tools run in the pod: the real `virt-freezer` asks a launcher's link, which a table answers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import DomainEvent, FreezeRequest, Nothing, Verb
from kubevirt.launcher_link.server import LinkServer
from kubevirt.launcher_link.wire import decode_body
from kubevirt.machine.domain_report import AgentReport, DomainReport

PROGRAM = Path(__file__).parents[3] / "images/files/usr/bin/virt-freezer"
WHOM = ("--name", "web", "--namespace", "shop")
CONNECTED = AgentReport(connected=True)


def frozen(*arguments: str, socket: Path, state: str = "Running", agent: AgentReport | None = CONNECTED,
           trouble: str = "") -> tuple[int, str, list[str]]:
    """Exit code, output, and what the launcher was asked."""
    asked: list[str] = []

    async def freeze(body: bytes) -> msgspec.Struct:
        asked.append(f"freeze for {decode_body(FreezeRequest, body).unfreeze_after_s:g} s")
        if trouble:
            raise Problem(cause=trouble)
        return Nothing()

    async def unfreeze(_body: bytes) -> msgspec.Struct:
        asked.append("unfreeze")
        return Nothing()

    async def run() -> tuple[int, str]:
        report = DomainReport(namespace="shop", name="web", uid="u", state=state, agent=agent)
        server = LinkServer({Verb.FREEZE: freeze, Verb.UNFREEZE: unfreeze}, current=lambda: DomainEvent(report=report))
        async with server.serving(socket):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-IS", str(PROGRAM), "--socketPath", str(socket), *arguments,
                stdout=asyncio.subprocess.PIPE)  # fmt: skip
            out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    return *asyncio.run(run()), asked


@pytest.mark.parametrize(("arguments", "asked"), [
    pytest.param(("--freeze", *WHOM), ["freeze for 300 s"], id="freeze, and let go after five minutes at the latest"),
    pytest.param(("--freeze", *WHOM, "--unfreezeTimeoutSeconds", "20"), ["freeze for 20 s"], id="or another time"),
    pytest.param(("--freeze", *WHOM, "--unfreezeTimeoutSeconds=20"), ["freeze for 20 s"], id="however it is spelled"),
    pytest.param(("--unfreeze", *WHOM), ["unfreeze"], id="let go"),
])
def test_what_is_asked(arguments: tuple[str, ...], asked: list[str], tmp_path: Path) -> None:
    code, text, found = frozen(*arguments, socket=tmp_path / "s")
    assert (code, found) == (0, asked)
    assert "is done" in text


@pytest.mark.parametrize(("state", "agent", "said"), [
    pytest.param("Running", None, "no agent", id="no agent yet"),
    pytest.param("Running", AgentReport(connected=False), "no agent", id="an agent that left"),
    pytest.param("Paused", CONNECTED, "paused", id="a paused guest writes nothing"),
])
def test_a_guest_that_cannot_be_frozen_is_backed_up_as_it_is(
    state: str, agent: AgentReport | None, said: str, tmp_path: Path
) -> None:
    code, text, asked = frozen("--freeze", *WHOM, socket=tmp_path / "s", state=state, agent=agent)
    assert (code, asked) == (0, [])
    assert said in text


def test_a_freeze_that_fails_is_told(tmp_path: Path) -> None:
    code, text, _ = frozen("--freeze", *WHOM, socket=tmp_path / "s", trouble="the agent is busy")
    assert code == 1
    assert "the agent is busy" in text


@pytest.mark.parametrize("arguments", [
    pytest.param(WHOM, id="neither freeze nor unfreeze"),
    pytest.param(("--freeze", "--now"), id="a flag that it does not know"),
    pytest.param(("--freeze", "--unfreezeTimeoutSeconds", "soon"), id="a time that is none"),
    pytest.param(("--freeze", "--name"), id="a flag without its value"),
])
def test_misuse(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code, text, asked = frozen(*arguments, socket=tmp_path / "s")
    assert (code, asked) == (2, [])
    assert text.startswith("virt-freezer: ")
