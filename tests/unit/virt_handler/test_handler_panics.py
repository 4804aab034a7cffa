"""Panics of guests are counted by what their kernels said. How a launcher learns it: test_launcher_trouble."""

from __future__ import annotations

import pytest

from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.virt_handler.panics import Panics, kind_and_code


def event(message: str, reason: str = "GuestPanicked") -> GuestEvent:
    return GuestEvent(type="Warning", reason=reason, message=message)


@pytest.mark.parametrize(("details", "expected"), [
    pytest.param("hyper-v: arg1='0x3b', arg2='0xc0000005', arg3='0x0', arg4='0x0', arg5='0x0'", ("hyper-v", "0x3b"),
                 id="Windows says its stop code"),
    pytest.param("hyper-v: arg1='0x0000000A', arg2='0x0'", ("hyper-v", "0xa"), id="written another way"),
    pytest.param("s390: core='0' psw-mask='0x0' psw-addr='0x2' reason='disabled-wait'", ("s390", "unknown"),
                 id="a mainframe has no such code"),
    pytest.param("GuestPanicked (details unavailable)", ("unknown", "unknown"), id="nothing was said"),
])  # fmt: skip
def test_kind_and_code(details: str, expected: tuple[str, str]) -> None:
    assert kind_and_code(details) == expected


def test_panics_are_counted_by_guest_and_by_what_was_said() -> None:
    panics = Panics()
    panics.told("shop", "web", event("hyper-v: arg1='0x3b'"))
    panics.told("shop", "web", event("hyper-v: arg1='0x3b'"))
    panics.told("shop", "web", event("hyper-v: arg1='0x1'"))
    panics.told("shop", "db", event("GuestPanicked (details unavailable)"))
    panics.told("shop", "db", event("VM Paused due to IO error at the volume: data", "IOerror"))
    assert panics.counted == {("shop", "web", "hyper-v", "0x3b"): 2, ("shop", "web", "hyper-v", "0x1"): 1,
                              ("shop", "db", "unknown", "unknown"): 1}
    panics.forget("shop", "web")
    assert list(panics.counted) == [("shop", "db", "unknown", "unknown")]
