"""Small parts of looking after instances: the status patch, events, and owning devices of a pod that is not trusted."""

import os
import stat
from pathlib import Path

import pytest

from kubevirt.api import codec
from kubevirt.api.config import ClusterConfig
from kubevirt.api.vmi import VirtualMachineInstance
from kubevirt.api.vmi_status import VirtualMachineInstanceCondition, VirtualMachineInstanceGuestOSInfo
from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import GuestEvent
from kubevirt.launcher_link.settings import sync_options
from kubevirt.virt_handler.instances import events
from kubevirt.virt_handler.instances.decide import Action
from kubevirt.virt_handler.instances.ownership import own_devices
from kubevirt.virt_handler.instances.status_patch import can_wait, status_patch


def vmi() -> VirtualMachineInstance:
    return codec.convert({
        "metadata": {"name": "a", "namespace": "n", "resourceVersion": "7"},
        "status": {"phase": "Scheduled", "nodeName": "node1", "reason": "old"},
    }, VirtualMachineInstance)  # fmt: skip


def test_nothing_to_change_is_nothing_to_write() -> None:
    instance = vmi()
    assert status_patch(instance, codec.clone(instance.status)) is None


def test_one_patch_tests_the_version_and_puts_whole_members() -> None:
    instance = vmi()
    wanted = codec.clone(instance.status)
    wanted.phase, wanted.reason, wanted.active_pods = "Running", "", {"p": "node1"}
    patch = status_patch(instance, wanted)
    assert patch is not None
    assert patch.operations == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/status/activePods", "value": {"p": "node1"}},
        {"op": "add", "path": "/status/phase", "value": "Running"},
        {"op": "remove", "path": "/status/reason"},
    ]


@pytest.mark.parametrize(("phase", "condition", "waits"), [
    pytest.param("Running", "", False, id="a phase is told at once"),
    pytest.param("Scheduled", "Paused", False, id="so is a condition that people wait for"),
    pytest.param("Scheduled", "AgentConnected", True, id="a guest agent has more to tell in a moment"),
    pytest.param("Scheduled", "", True, id="details wait for more of them"),
])  # fmt: skip
def test_only_details_wait(phase: str, condition: str, waits: bool) -> None:
    old = vmi().status
    new = codec.clone(old)
    new.phase, new.guest_os_info = phase, VirtualMachineInstanceGuestOSInfo(id="debian")
    if condition:
        new.conditions = [VirtualMachineInstanceCondition(type=condition, status="True")]
    assert can_wait(old, new) is waits


@pytest.mark.parametrize(("old", "new", "reasons"), [
    pytest.param("Scheduled", "Running", ["Created", "Started"], id="a start"),
    pytest.param("Running", "Running", [], id="nothing new"),
    pytest.param("Running", "Succeeded", ["Stopped"], id="a shutdown"),
    pytest.param("Running", "Failed", ["Stopped"], id="a crash"),
])  # fmt: skip
def test_events_of_a_phase(old: str, new: str, reasons: list[str]) -> None:
    assert [note.reason for note in events.on_phase(old, new)] == reasons


@pytest.mark.parametrize(("launcher", "told"), [("u", 1), ("of-the-one-before", 0)])
def test_what_a_guest_has_to_tell_is_told_to_its_own_instance(launcher: str, told: int) -> None:
    instance = vmi()
    instance.metadata.uid = "u"
    event = GuestEvent(type="Warning", reason="IOerror", message="m")
    assert events.on_guest_event(instance, launcher, event) == [events.Note("Warning", "IOerror", "m")] * told


def test_a_repeated_action_is_told_once() -> None:
    first = events.on_action(Action.SHUTDOWN, repeated=False)
    assert [note.message for note in first] == ["Signaled Graceful Shutdown"]
    assert events.on_action(Action.SHUTDOWN, repeated=True) == []
    assert events.on_action(Action.START, repeated=False) == []


@pytest.mark.parametrize(("use_emulation", "kvm_usable", "allowed"), [
    pytest.param(False, True, False, id="KVM works"),
    pytest.param(True, True, True, id="KVM works, but is not wanted"),
    pytest.param(False, False, True, id="KVM does not work"),
])  # fmt: skip
def test_emulation_is_allowed_where_it_is_wanted_or_the_only_way(
    use_emulation: bool, kvm_usable: bool, allowed: bool
) -> None:
    assert sync_options(ClusterConfig(use_emulation=use_emulation), kvm_usable=kvm_usable).allow_emulation is allowed


@pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes; run as root")
def test_only_the_very_devices_change_their_owner(tmp_path: Path) -> None:
    dev = tmp_path / "7/root/dev"
    (dev / "net").mkdir(parents=True)
    (tmp_path / "outside").touch()
    os.mknod(dev / "kvm", stat.S_IFCHR | 0o600, os.makedev(10, 232))
    os.mknod(dev / "net/tun", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (dev / "vhost-net").symlink_to(tmp_path / "outside")
    own_devices(7, proc=tmp_path)
    assert (dev / "kvm").stat().st_uid == 107
    assert (dev / "net/tun").stat().st_uid == 0, "another device under that name is not given away"
    assert (tmp_path / "outside").stat().st_uid == 0, "links are not followed"


@pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes; run as root")
@pytest.mark.parametrize(("name", "number", "on_node", "owner"), [
    pytest.param("kvm", (10, 232), None, 107, id="KVM"),
    pytest.param("net/tun", (10, 200), None, 107, id="taps"),
    pytest.param("vhost-net", (10, 238), None, 107, id="networks in the kernel"),
    pytest.param("vhost-vsock", (10, 241), None, 107, id="sockets to the guest"),
    pytest.param("sev", (10, 124), (10, 124), 107, id="SEV, whose number the node knows"),
    pytest.param("sev", (10, 125), (10, 124), 0, id="another device in its place"),
    pytest.param("sev", (10, 124), None, 0, id="a node without SEV"),
    pytest.param("sda", (8, 0), None, 0, id="a device that is nobody's business"),
])  # fmt: skip
def test_devices_of_a_pod(name: str, number: tuple[int, int], on_node: tuple[int, int] | None, owner: int,
                          tmp_path: Path) -> None:
    dev, node = tmp_path / "7/root/dev", tmp_path / "dev"
    (dev / "net").mkdir(parents=True)
    node.mkdir()
    os.mknod(dev / name, stat.S_IFCHR | 0o600, os.makedev(*number))
    if on_node is not None:
        os.mknod(node / name, stat.S_IFCHR | 0o600, os.makedev(*on_node))
    own_devices(7, proc=tmp_path, node=node)
    assert (dev / name).stat().st_uid == owner


def test_a_launcher_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be reached"):
        own_devices(7, proc=tmp_path)
