"""Probes inside the guest: the real `virt-probe` asks the launcher's socket, an agent of a table answers."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from launcher_guest import BUILT, PAUSED, RUNNING, STUCK, Agent, machine
from msgspec.structs import replace

from kubevirt.kit.errors import Problem
from kubevirt.virt_launcher.guest_probes import GuestProbes, parse

PROGRAM = Path(__file__).parents[3] / "images/files/usr/bin/virt-probe"
GONE = Problem(cause="the agent is not connected")
PING = ("--guestAgentPing",)
RUN = ("--command", "cat", "--", "/etc/a file", "-n")


def probed(agent: Agent, now: Any, *arguments: str, socket: Path, times: int = 1) -> tuple[int, str, list[str]]:
    """Exit code, output, and the reasons of the events, after asking so many times."""

    async def ask() -> tuple[int, str, list[str]]:
        events: list[str] = []
        # A stand-in: it has what is used here, not the whole type.
        async with GuestProbes(machine(now), agent, lambda e: events.append(e.reason)).serving(socket):  # type: ignore[arg-type]
            for _ in range(times):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-IS", str(PROGRAM), "--domainName", "shop_web", "--timeoutSeconds", "5",
                    "--socketPath", str(socket), *arguments, stdout=asyncio.subprocess.PIPE)  # fmt: skip
                out, _ = await process.communicate()
        return process.returncode or 0, out.decode(), events

    return asyncio.run(ask())


@pytest.mark.parametrize(("agent", "now", "code", "events"), [
    pytest.param(Agent({"guest-ping": {}}), RUNNING, 0, [], id="an agent that answers"),
    pytest.param(Agent({"guest-ping": GONE}), RUNNING, 1, ["GuestAgentPingFailed"], id="one that does not"),
    pytest.param(Agent({}), PAUSED, 0, [], id="paused by its owner: nothing is wrong"),
    pytest.param(Agent({}), STUCK, 1, ["GuestAgentPingFailed"], id="paused by a disk that fails"),
    pytest.param(Agent({}), replace(RUNNING, built=msgspec.structs.replace(BUILT, quiet_probes=True)), 0, [],
                 id="its owner has asked for peace"),
])
def test_ping(agent: Agent, now: Any, code: int, events: list[str], tmp_path: Path) -> None:
    found = probed(agent, now, *PING, socket=tmp_path / "s", times=2)
    assert (found[0], found[2]) == (code, events)


def finished(code: int = 0, out: str = "", **more: Any) -> dict[str, Any]:
    return {"exited": True, "exitcode": code, "out-data": base64.b64encode(out.encode()).decode(), **more}


@pytest.mark.parametrize(("status", "code", "printed"), [
    pytest.param(finished(out="hello\n"), 0, "hello\n", id="exit code 0"),
    pytest.param(finished(7), 7, "", id="any other exit code is the probe's"),
    pytest.param({"exited": True, "signal": 9}, 1, "", id="ended by a signal"),
    pytest.param(Problem(cause="the guest is gone"), 1, "the guest is gone\n", id="the agent went away"),
])
def test_exec(status: Any, code: int, printed: str, tmp_path: Path) -> None:
    agent = Agent({"guest-exec": {"pid": 12}, "guest-exec-status": status})
    assert probed(agent, RUNNING, *RUN, socket=tmp_path / "s") == (code, printed, [])
    assert agent.asked[0] == ("guest-exec", {"path": "cat", "arg": ["/etc/a file", "-n"], "capture_output": True})


def test_a_command_is_waited_for(tmp_path: Path) -> None:
    states = [{"exited": False}, {"exited": False}, finished(3)]
    agent = Agent({"guest-exec": {"pid": 12}, "guest-exec-status": lambda pid: states.pop(0)})
    assert probed(agent, RUNNING, *RUN, socket=tmp_path / "s")[0] == 3


def test_without_a_launcher_the_probe_fails(tmp_path: Path) -> None:
    async def ask() -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-IS", str(PROGRAM), *PING, "--socketPath", str(tmp_path / "none"),
            stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return process.returncode or 0, out

    code, out = asyncio.run(ask())
    assert code == 1
    assert b"the launcher does not answer" in out


@pytest.mark.parametrize(("question", "expected"), [
    pytest.param(b"ping\x001\x00", ("ping", 1.0, []), id="a ping"),
    pytest.param(b"exec\x002.5\x00a\x00\x00b\x00", ("exec", 2.5, ["a", "", "b"]), id="an empty argument is one"),
    pytest.param(b"", ("", 3600.0, []), id="nothing"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", ("", 3600.0, []), id="something else"),
    pytest.param(b"ping\x00soon\x00", ("", 3600.0, []), id="no number"),
])
def test_questions(question: bytes, expected: Any) -> None:
    assert parse(question) == expected
