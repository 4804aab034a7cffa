"""Every verb of the link: what it is called on the wire, how long virt-handler waits for it, and what it says when the
launcher gives no answer. The table is handler_launcher.md B1, as far as its methods have become verbs.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.launcher_link import client as client_module
from kubevirt.launcher_link.client import LauncherLink
from kubevirt.launcher_link.messages import DomainEvent, FreezeRequest, Nothing, ScreenshotRequest, Verb
from kubevirt.launcher_link.server import LinkServer
from kubevirt.launcher_link.sync import SyncRequest
from kubevirt.launcher_link.wire import LinkUnavailable
from kubevirt.machine.domain_report import DomainReport

REPORT = DomainReport(namespace="n", name="a", uid="u")
Ask = Callable[[LauncherLink], Awaitable[object]]

VERBS: list[tuple[str, str, Ask]] = [
    ("sync", "SYNC_TIMEOUT_S", lambda link: link.sync(SyncRequest(vmi=VirtualMachineInstance()))),
    ("get_domain", "SHORT_TIMEOUT_S", lambda link: link.get_domain()),
    ("ping", "SHORT_TIMEOUT_S", lambda link: link.ping()),
    ("pause", "TIMEOUT_S", lambda link: link.pause()),
    ("unpause", "TIMEOUT_S", lambda link: link.unpause()),
    ("softreboot", "TIMEOUT_S", lambda link: link.soft_reboot()),
    ("reset", "TIMEOUT_S", lambda link: link.reset()),
    ("shutdown", "TIMEOUT_S", lambda link: link.shutdown()),
    ("kill", "TIMEOUT_S", lambda link: link.kill()),
    ("delete", "TIMEOUT_S", lambda link: link.delete()),
    ("acknowledge_final", "SHORT_TIMEOUT_S", lambda link: link.acknowledge_final()),
    ("get_guest_info", "TIMEOUT_S", lambda link: link.guest_info()),
    ("freeze", "FREEZE_TIMEOUT_S", lambda link: link.freeze(FreezeRequest(unfreeze_after_s=0))),
    ("unfreeze", "FREEZE_TIMEOUT_S", lambda link: link.unfreeze()),
    ("get_screenshot", "TIMEOUT_S", lambda link: link.screenshot(ScreenshotRequest())),
]


def test_calls_have_5_20_or_60_seconds() -> None:
    assert (client_module.SHORT_TIMEOUT_S, client_module.TIMEOUT_S, client_module.FREEZE_TIMEOUT_S) == (5, 20, 60)
    assert client_module.SYNC_TIMEOUT_S >= 60, "a start brings disks and the domain into being"


async def _nothing(_body: bytes) -> msgspec.Struct:
    return Nothing()


async def _never(_body: bytes) -> msgspec.Struct:
    await asyncio.Event().wait()
    return Nothing()


@pytest.mark.parametrize(("verb", "limit", "ask"), VERBS, ids=[verb for verb, _, _ in VERBS])
async def test_a_verb_goes_by_its_name_and_is_waited_for_as_long_as_it_may_take(
    verb: str, limit: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, float]] = []
    monkeypatch.setattr(LauncherLink, "_ask", _timed(given))
    server = LinkServer({verb: _nothing}, current=lambda: DomainEvent(report=REPORT), software="test")
    async with server.serving(tmp_path / "s"), LauncherLink.connect(tmp_path / "s", on_event=lambda _: None) as link:
        await ask(link)
    assert given == [(verb, getattr(client_module, limit))]


async def test_a_launcher_that_gives_no_answer_is_told_of_with_the_verb(tmp_path: Path) -> None:
    server = LinkServer({Verb.GUEST_INFO: _never}, current=lambda: DomainEvent(report=REPORT), software="test")
    async with server.serving(tmp_path / "s"), LauncherLink.connect(tmp_path / "s", on_event=lambda _: None) as link:
        with pytest.raises(LinkUnavailable, match=r"no answer to 'get_guest_info' within 0\.01 s") as raised:
            await link._ask(Verb.GUEST_INFO, client_module.NOTHING, Nothing, 0.01)
    assert "log of the launcher pod" in raised.value.remedy


def test_no_verb_is_without_a_row() -> None:
    known = {verb for verb, _, _ in VERBS}
    asks = {name for name, member in inspect.getmembers(LauncherLink, inspect.iscoroutinefunction)
            if not name.startswith("_")}
    later = {"get_stats"}  # its time-out is chosen by whoever asks: tests of the metrics
    assert {verb.value for verb in Verb} - later <= known
    assert len(asks) >= len(known)


def _timed(given: list[tuple[str, float]]) -> Callable[..., Awaitable[object]]:
    async def ask(_self: LauncherLink, verb: Verb, _body: object, _answer: object, timeout_s: float) -> object:
        given.append((verb.value, timeout_s))
        return None

    return ask
