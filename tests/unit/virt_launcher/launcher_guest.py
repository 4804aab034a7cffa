"""A guest as the launcher's services see it: its state, and an agent that answers as a table says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec.structs import replace

from kubevirt.kit.errors import Problem
from kubevirt.machine.domain_report import AgentReport, Reason, State
from kubevirt.virt_launcher.machine_state import MachineState
from kubevirt.virt_launcher.options import Options
from kubevirt.virt_launcher.orders import Built

BUILT = Built(xml="<domain/>", domain_type="qemu")
RUNNING = MachineState(options=Options(name="web", namespace="shop", uid="u"), state=State.RUNNING, built=BUILT,
                       agent=AgentReport(connected=True))
PAUSED = replace(RUNNING, state=State.PAUSED, reason=Reason.USER)
STUCK = replace(RUNNING, state=State.PAUSED, reason=Reason.IO_ERROR)


class Agent:
    """Answers by command: a value, a Problem to raise, or a function of the arguments. What was asked stays in `asked`.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def ask(self, command: str, **arguments: Any) -> msgspec.Raw:
        self.asked.append((command, arguments))
        answer = self.answers.get(command, Problem(cause=f"the guest has no {command}"))
        if callable(answer):
            answer = answer(**arguments)
        if isinstance(answer, Problem):
            raise answer
        return msgspec.Raw(msgspec.json.encode(answer))


def machine(now: MachineState = RUNNING) -> Any:
    """What the services know of the machine; `told` collects what they say of credentials."""
    seen = asyncio.Event()
    seen.set()
    told: list[str] = []
    return SimpleNamespace(now=now, agent_seen=seen, agent_visits=1, told=told, credentials_told=told.append,
                           frozen=asyncio.Event())
