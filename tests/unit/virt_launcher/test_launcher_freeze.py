"""Freezing a guest's file systems has an end in any case. With a real guest: test_verbs (e2e)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from launcher_guest import RUNNING, Agent
from msgspec.structs import replace

from kubevirt.kit.errors import Problem
from kubevirt.kit.times import now
from kubevirt.launcher_link.messages import FreezeRequest
from kubevirt.virt_launcher import guest_requests
from kubevirt.virt_launcher.guest_requests import GuestRequests

ALIVE = replace(RUNNING, started_at=now())


class Guest:
    """A guest with its libvirt and its agent; `refusals` thaws fail before one succeeds."""

    def __init__(self, *, refusals: int = 0) -> None:
        self.now = ALIVE
        self.frozen = asyncio.Event()
        self.done: list[str] = []
        self.told: list[str] = []
        self.refusals = refusals
        self.thawed = asyncio.Event()

    def file_systems(self, status: str) -> None:
        (self.frozen.set if status else self.frozen.clear)()
        self.told.append(status)

    async def freeze(self) -> None:
        self.done.append("freeze")

    async def thaw(self) -> None:
        self.done.append("thaw")
        if self.refusals:
            self.refusals -= 1
            raise Problem(cause="the agent is busy")
        self.thawed.set()

    def status(self) -> str:
        return "frozen" if self.frozen.is_set() else "thawed"


Step = Callable[[GuestRequests, Guest], Awaitable[object]]


def freeze(after_s: float = 0.0) -> Step:
    return lambda requests, _guest: requests.freeze(msgspec.json.encode(FreezeRequest(unfreeze_after_s=after_s)))


def unfreeze(requests: GuestRequests, _guest: Guest) -> Awaitable[object]:
    return requests.unfreeze(b"")


def end(_requests: GuestRequests, guest: Guest) -> Awaitable[object]:
    return guest.thawed.wait()


async def after(guest: Guest, *steps: Step) -> Guest:
    stand_in: Any = guest
    requests = GuestRequests(stand_in, stand_in)
    # A stand-in: it has what is used here, not the whole type.
    requests._channel = SimpleNamespace(ask=Agent({"guest-fsfreeze-status": guest.status}).ask)  # type: ignore[assignment]
    async with asyncio.timeout(30):
        for step in steps:
            await step(requests, guest)
    return guest


@pytest.mark.parametrize(("steps", "done", "told"), [
    pytest.param([freeze()], ["freeze"], ["frozen"], id="frozen until somebody asks"),
    pytest.param([freeze(), freeze()], ["freeze"], ["frozen", "frozen"], id="twice is once"),
    pytest.param([freeze(60), unfreeze], ["freeze", "thaw"], ["frozen", ""], id="thawed when asked"),
    pytest.param([freeze(0.01), end], ["freeze", "thaw"], ["frozen", ""], id="thawed when nobody asks in time"),
    pytest.param([freeze(60), freeze(0.01), end], ["freeze", "thaw"], ["frozen", "frozen", ""],
                 id="the last word on the time counts"),
])  # fmt: skip
async def test_a_freeze_and_its_end(steps: list[Step], done: list[str], told: list[str]) -> None:
    guest = await after(Guest(), *steps)
    assert (guest.done, guest.told) == (done, told)


async def test_a_thaw_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_requests, "THAW_AGAIN_S", 0.0)
    guest = await after(Guest(refusals=2), freeze(0.01), end)
    assert guest.done == ["freeze", "thaw", "thaw", "thaw"]


async def test_a_guest_without_an_agent_cannot_be_frozen() -> None:
    guest = Guest()
    guest.now = replace(ALIVE, agent=None)
    with pytest.raises(Problem, match="VMI does not have guest agent connected"):
        await after(guest, freeze())
    assert guest.done == []
