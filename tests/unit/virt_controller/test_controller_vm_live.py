"""What a change of a running VM's template comes to: a patch of its VMI, `RestartRequired`, or a wait that is told.

Here is what counts as followed at all, and what becomes of several changes at once. Processors and memory, placement,
interfaces and volumes have files of their own (test_controller_vm_live_*). That the guest really gets what the VMI's
spec says is for virt-handler and tested there.
"""

from __future__ import annotations

import pytest
from controller_live import (
    BASE,
    BLUE_GOES,
    BLUE_NET,
    BRIDGE,
    MASQUERADE,
    MIGRATABLE,
    OTHERWISE,
    POD_NET,
    STAGE,
    WITH_BOTH,
    WITH_NIC,
    Json,
    changed,
    cpu,
    disk,
    fixed,
    hotplug,
    machine,
    nics,
    patched,
    restart_of,
    running,
    template,
)
from controller_objects import FIRMWARE, condition, revision, seen, vm

from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.virt_controller.vm.decide import decide

NEUTRAL = [
    (BASE, BASE, "nothing"),
    (BASE, template(volumes=[hotplug()], devices={"disks": [disk()]}), "a pluggable volume comes with its disk"),
    (template(volumes=[hotplug()], devices={"disks": [disk()]}), BASE, "a pluggable volume goes with its disk"),
    (template(volumes=[hotplug(claim="a")]), template(volumes=[hotplug(claim="b")]), "a pluggable volume is replaced"),
    (WITH_NIC, WITH_BOTH, "an interface on another network is added"),
    (WITH_BOTH, nics(MASQUERADE, {**BRIDGE, "state": "down"}, networks=[POD_NET, BLUE_NET]), "a link goes down"),
    (WITH_BOTH, BLUE_GOES, "an interface is asked to go"),
    (template(nodeSelector={"a": "b"}), BASE, "the node selector"),
    (BASE, template(affinity={"nodeAffinity": {}}), "the affinity"),
    (BASE, template(tolerations=[{"key": "x", "operator": "Exists"}]), "tolerations"),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(b, a, id=why) for b, a, why in NEUTRAL])
def test_needs_no_restart(before: Json, after: Json) -> None:
    assert restart_of(changed(before, after)) is None


CDROM = template(volumes=[hotplug()], devices={"disks": [{"name": "data", "cdrom": {}}]})
RESTART = [
    (BASE, template(hostname="other"), "a host name"),
    (BASE, template(volumes=[fixed()]), "a fixed volume is added"),
    (template(volumes=[fixed()]), BASE, "a fixed volume is taken out"),
    (template(volumes=[fixed(claim="a")]), template(volumes=[fixed(claim="b")]), "a fixed volume is replaced"),
    (template(devices={"disks": [disk()]}, volumes=[fixed()]),
     template(devices={"disks": [disk(bootOrder=1)]}, volumes=[fixed()]), "a disk of a fixed volume changes"),
    (CDROM, template(volumes=[hotplug()]), "a CD-ROM drive is taken out"),
    (WITH_BOTH, WITH_NIC, "an interface is taken out unasked"),
    (BASE, WITH_NIC, "the pod network is added"),
    (WITH_NIC, nics({"name": "default", "bridge": {}}, networks=[POD_NET]), "an interface changes its binding"),
    (WITH_BOTH, nics(MASQUERADE, BRIDGE, networks=[POD_NET, {"name": "blue", "multus": {"networkName": "green"}}]),
     "an attachment changes under a VMI that cannot move"),
    (BASE, template(domain={"cpu": {"cores": 2}}), "cores"),
    (BASE, template(domain={"memory": {"hugepages": {"pageSize": "2Mi"}}}), "huge pages"),
    (template(domain={"firmware": {"uuid": FIRMWARE}}), template(domain={"firmware": {"uuid": FIRMWARE[::-1]}}),
     "another firmware UUID"),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(b, a, id=why) for b, a, why in RESTART])
def test_needs_a_restart(before: Json, after: Json) -> None:
    o = changed(before, after)
    assert restart_of(o) == OTHERWISE
    assert patched(o) == []


@pytest.mark.parametrize("after", [
    pytest.param(template(nodeSelector={"a": "b"}), id="the node selector"),
    pytest.param(template(tolerations=[{"key": "x", "operator": "Exists"}]), id="tolerations"),
    pytest.param(template(affinity={"nodeAffinity": {}}), id="the affinity"),
    pytest.param(template(domain={"cpu": {"sockets": 2}}), id="sockets"),
    pytest.param(template(domain={"memory": {"guest": "2Gi"}}), id="memory"),
])
def test_under_the_rollout_strategy_stage_everything_waits_for_a_restart(after: Json) -> None:
    o = changed(BASE, after, config=STAGE)
    assert restart_of(o) == OTHERWISE
    assert patched(o) == []


def test_a_firmware_uuid_that_the_guest_already_has_needs_no_restart() -> None:
    bare: Json = {"domain": {"devices": {}}}
    o = seen(machine(BASE), running(BASE), revisions=(revision(vm(marked=False, template={"spec": bare})),))
    assert restart_of(o) is None


def test_an_attachment_may_change_under_a_vmi_that_can_move() -> None:
    other = nics(MASQUERADE, BRIDGE, networks=[POD_NET, {"name": "blue", "multus": {"networkName": "green"}}])
    o = changed(WITH_BOTH, other, conditions=MIGRATABLE)
    assert restart_of(o) is None
    assert patched(o) == [("replace", "/spec/networks", other["networks"])]


def test_the_condition_goes_when_the_difference_does() -> None:
    stored = {"conditions": [condition("RestartRequired", "True", message=OTHERWISE)]}
    o = seen(machine(BASE, generation=3, status=stored), running(BASE), revisions=(revision(machine(BASE)),))
    assert restart_of(o) is None


# Together


def test_what_can_be_followed_is_one_write() -> None:
    after = {**cpu(2), "nodeSelector": {"a": "b"}, "tolerations": [{"key": "x"}]}
    o = changed(cpu(1), after, running(cpu(1, most=4)))
    assert len(decide(o).actions) == 1
    assert {path for _, path, _ in patched(o)} == {"/spec/domain/cpu/sockets", "/spec/nodeSelector",
                                                   "/spec/tolerations"}


def test_a_change_that_needs_a_restart_keeps_back_the_others() -> None:
    o = changed(BASE, template(hostname="other", nodeSelector={"a": "b"}))
    assert patched(o) == []


def test_a_template_that_was_changed_back_still_needs_a_restart_for_sockets_plugged_meanwhile() -> None:
    """The guest has two; the generation must not say that it is what the template asks for."""
    o = changed(cpu(1), cpu(1), running(cpu(2, most=4)))
    assert restart_of(o) == "Reduction of CPU socket count requires a restart"
    assert patched(o) == []


def test_once_followed_there_is_nothing_left_to_write() -> None:
    after = template(nodeSelector={"a": "b"})
    assert patched(changed(BASE, after, running(after))) == []


@pytest.mark.parametrize("instance", [
    pytest.param(running(BASE, phase="Succeeded", ran=True), id="an ended VMI"),
    pytest.param(running(BASE, deleting=True), id="a VMI on its way out"),
])
def test_what_is_ending_follows_nothing(instance: VirtualMachineInstance) -> None:
    o = seen(vm("Manual", generation=2, template={"spec": template(nodeSelector={"a": "b"})}), instance,
             revisions=(revision(machine(BASE)),))
    assert patched(o) == []
    assert restart_of(o) is None
