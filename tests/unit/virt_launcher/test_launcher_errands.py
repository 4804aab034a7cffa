"""A guest that is asked to shut down or to boot anew takes its time; whoever asked it does not wait for that.

With a real guest and its agent: test_verbs, test_walkthrough (e2e).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kubevirt.kit.errors import Problem
from kubevirt.virt_launcher import errands
from kubevirt.virt_launcher.errands import Errands


class Host:
    """A libvirt whose calls to the agent end when they are let go, or are refused at once."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.asked: list[str] = []
        self.down = asyncio.Event()

    async def press_power_button(self, *, agent: bool) -> None:
        await self._ask("shutdown", agent=agent)

    async def reboot(self, *, agent: bool) -> None:
        await self._ask("reboot", agent=agent)

    async def _ask(self, what: str, *, agent: bool) -> None:
        self.asked.append(f"{what} by {'agent' if agent else 'ACPI'}")
        if agent and self.refusal:
            raise Problem(cause=self.refusal)
        if agent:
            await self.down.wait()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "REFUSED_WITHIN_S", 0.01)


Work = Callable[[Errands], Awaitable[None]]


def press(*, agent: bool) -> Work:
    return lambda doing: doing.press_power_button(agent=agent)


def reboot(*, agent: bool) -> Work:
    return lambda doing: doing.reboot(agent=agent)


async def asked(host: Host, *work: Work) -> list[str]:
    doing: Any = host
    given = Errands(doing, asyncio.create_task)
    try:
        for each in work:
            await each(given)
    finally:
        host.down.set()
    return host.asked


@pytest.mark.parametrize(("work", "expected"), [
    pytest.param([press(agent=False)] * 2, ["shutdown by ACPI"] * 2, id="without an agent"),
    pytest.param([press(agent=True)], ["shutdown by agent"], id="nobody waits for the guest to be down"),
    pytest.param([press(agent=True)] * 3, ["shutdown by agent", "shutdown by ACPI", "shutdown by ACPI"],
                 id="an agent that is at it already is not asked again, the button is pressed"),
    pytest.param([reboot(agent=False)], ["reboot by ACPI"], id="a reboot without an agent"),
    pytest.param([reboot(agent=True)] * 2, ["reboot by agent"], id="one reboot is enough"),
    pytest.param([reboot(agent=True), press(agent=True)], ["reboot by agent", "shutdown by ACPI"],
                 id="a shutdown during a reboot"),
])  # fmt: skip
async def test_what_is_asked_of_the_guest(work: list[Work], expected: list[str]) -> None:
    async with asyncio.timeout(30):
        assert await asked(Host(), *work) == expected


@pytest.mark.parametrize("work", [press(agent=True), reboot(agent=True)], ids=["shutdown", "reboot"])
async def test_a_refusal_is_told_and_the_agent_can_be_asked_again(work: Work) -> None:
    host = Host("the agent is not there")
    doing: Any = host
    given = Errands(doing, asyncio.create_task)
    for _ in range(2):
        with pytest.raises(Problem, match="the agent is not there"):
            await work(given)
    assert len(host.asked) == 2
