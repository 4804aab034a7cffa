"""Numbers of guests on VSOCK: each its own, the same for as long as the machine lives."""

from __future__ import annotations

import pytest
from controller_objects import vmi
from controller_vmi_seen import STARTED, seen, shaped

from kubevirt.virt_controller.vmi.vsock import FIRST, LAST, Addresses


def test_a_machine_keeps_its_number_and_no_other_gets_it() -> None:
    given = Addresses(start=10)
    assert [given.address_for(key, ()) for key in ("a", "b", "a")] == [10, 11, 10]


@pytest.mark.parametrize(("start", "taken", "expected"), [
    pytest.param(10, (10, 11), 12, id="what stands in a status is not given again"),
    pytest.param(LAST, (LAST,), FIRST, id="after the last one comes the first"),
    pytest.param(LAST, (), LAST, id="the last one is one too"),
])
def test_which_number_is_next(start: int, taken: tuple[int, ...], expected: int) -> None:
    assert Addresses(start=start).address_for("a", taken) == expected


def test_a_number_is_free_once_its_machine_is_gone() -> None:
    given = Addresses(start=LAST)
    assert given.address_for("a", ()) == LAST
    given.forget("a")
    assert given.address_for("b", {FIRST}) == FIRST + 1


def test_the_number_stands_in_the_status_from_the_hand_over_on() -> None:
    assert shaped(seen(vmi("Pending"), STARTED, vsock_cid=77)).status.vsock_cid == 77
    assert shaped(seen(vmi("Scheduling"), vsock_cid=77)).status.vsock_cid is None
    assert shaped(seen(vmi("Running", status={"VSOCKCID": 5}), STARTED, vsock_cid=77)).status.vsock_cid == 5
