"""Interfaces that come, go, or change their link while the guest runs, step by step."""

from __future__ import annotations

import pytest
from controller_live import (
    BLUE_GOES,
    BLUE_NET,
    BRIDGE,
    MASQUERADE,
    POD_NET,
    STAGE,
    WITH_BOTH,
    WITH_NIC,
    Json,
    changed,
    nics,
    patched,
    running,
)

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.actions import Patch
from kubevirt.virt_controller.vm.decide import decide
from kubevirt.virt_controller.vm.observed import Observed


def reported(*names: str, ordinal: bool = False) -> Json:
    return {"interfaces": [{"name": n, "podInterfaceName": f"net{i}" if ordinal else f"pod{n}"}
                           for i, n in enumerate(names)]}


def states(o: Observed) -> dict[str, str | None]:
    """The interfaces of the VMI afterwards, with their states."""
    (action,) = decide(o).actions or (None,)
    new = action.new if isinstance(action, Patch) else None
    instance = new if isinstance(new, VirtualMachineInstance) else o.vmi
    assert instance is not None
    return {i.name: i.state for i in instance.spec.domain.devices.interfaces}


@pytest.mark.parametrize(("before", "after", "status", "expected"), [
    pytest.param(WITH_NIC, WITH_BOTH, {}, {"default": None, "blue": None}, id="a new one is added"),
    pytest.param(WITH_NIC, BLUE_GOES, {}, {"default": None}, id="one that is to go at once is not"),
    pytest.param(WITH_BOTH, BLUE_GOES, reported("default", "blue"), {"default": None, "blue": "absent"},
                 id="one is asked to go"),
    pytest.param(WITH_BOTH, BLUE_GOES, reported("default", "blue", ordinal=True), {"default": None, "blue": None},
                 id="not where others would be renamed"),
    pytest.param(BLUE_GOES, BLUE_GOES, reported("default"), {"default": None}, id="one that is gone leaves the VMI"),
    pytest.param(BLUE_GOES, WITH_BOTH, reported("default", "blue"), {"default": None, "blue": "absent"},
                 id="nothing brings back one on its way out"),
    pytest.param(WITH_BOTH, nics(MASQUERADE, {**BRIDGE, "state": "down"}, networks=[POD_NET, BLUE_NET]),
                 reported("default", "blue"), {"default": None, "blue": "down"}, id="a link goes down"),
])
def test_interfaces(before: Json, after: Json, status: Json, expected: dict[str, str | None]) -> None:
    assert states(changed(before, after, status=status)) == expected


def test_interfaces_follow_under_the_rollout_strategy_stage_too() -> None:
    assert states(changed(WITH_NIC, WITH_BOTH, config=STAGE)) == {"default": None, "blue": None}


def test_a_new_interface_comes_with_its_network() -> None:
    assert ("replace", "/spec/networks", [POD_NET, BLUE_NET]) in patched(changed(WITH_NIC, WITH_BOTH))


def test_an_interface_that_is_gone_from_the_instance_leaves_the_template() -> None:
    o = changed(WITH_BOTH, BLUE_GOES, running(WITH_NIC, status=reported("default")))
    (action,) = decide(o).actions
    assert isinstance(action, Patch)
    assert action.resource.kind == "VirtualMachine"
    assert [i.name for i in action.new.spec.template.spec.domain.devices.interfaces] == ["default"]
    assert [n.name for n in action.new.spec.template.spec.networks] == ["default"]
