"""Device plugins towards the kubelet: registration, what is offered, changes, and a kubelet that restarts.

The kubelet here is a gRPC server with its Registration service on a real socket; that real kubelets agree is tested
end to end.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import resources
from pathlib import Path

import grpc
import grpc.aio
import pytest

from kubevirt.api.config import ClusterConfig
from kubevirt.kit.tasks import Tasks
from kubevirt.virt_handler.devices import messages, nodes
from kubevirt.virt_handler.devices import plugin as plugin_module
from kubevirt.virt_handler.devices.keeper import Keeper
from kubevirt.virt_handler.devices.nodes import DeviceNode, gated_devices, permanent_devices, tdx_keys
from kubevirt.virt_handler.devices.offer import Allocation
from kubevirt.virt_handler.devices.plugin import DevicePlugin


class Kubelet:
    """Records registrations and answers them with the empty message."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.registrations: asyncio.Queue[bytes] = asyncio.Queue()
        self.server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(self._register)
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("v1beta1.Registration", {"Register": handler}),)
        )
        self.server.add_insecure_port(f"unix://{directory}/kubelet.sock")

    async def _register(self, request: bytes, _context: object) -> bytes:
        await self.registrations.put(request)
        return b""


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[Kubelet]:
    kubelet = Kubelet(tmp_path)
    await kubelet.server.start()
    yield kubelet
    await kubelet.server.stop(grace=0)


@pytest.fixture
async def plugin(kubelet: Kubelet) -> AsyncIterator[DevicePlugin]:
    device = kubelet.directory / "device"
    device.touch()
    plugin = DevicePlugin(DeviceNode(name="some", path=device, limit=2), kubelet.directory)
    task = asyncio.create_task(plugin.run())
    yield plugin
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def device_of(plugin: DevicePlugin) -> Path:
    assert isinstance(plugin.offer, DeviceNode)
    return plugin.offer.path


async def test_a_device_is_registered_listed_and_allocated(kubelet: Kubelet, plugin: DevicePlugin) -> None:
    async with asyncio.timeout(60):
        request = await kubelet.registrations.get()
    assert request == messages.register_request("kubevirt-some.sock", "devices.kubevirt.io/some")
    async with grpc.aio.insecure_channel(f"unix://{kubelet.directory}/kubevirt-some.sock") as channel:
        lists = channel.unary_stream("/v1beta1.DevicePlugin/ListAndWatch", bytes, bytes)(b"")
        assert await lists.read() == messages.device_list(["some0", "some1"])
        allocate = channel.unary_unary("/v1beta1.DevicePlugin/Allocate", bytes, bytes)
        answer = await allocate(b"\x0a\x07\x0a\x05some1")
        assert str(device_of(plugin)).encode() in answer

        device_of(plugin).unlink()
        assert await lists.read() == b"", "a device whose file is gone is offered no more"
        with pytest.raises(grpc.aio.AioRpcError, match="not usable on this node"):
            await allocate(b"\x0a\x07\x0a\x05some1")

        device_of(plugin).touch()
        assert await lists.read() == messages.device_list(["some0", "some1"])
        lists.cancel()


async def test_a_restarted_kubelet_is_registered_with_again(kubelet: Kubelet, plugin: DevicePlugin) -> None:
    async with asyncio.timeout(60):
        first = await kubelet.registrations.get()
        (kubelet.directory / plugin.offer.socket_name).unlink()
        assert await kubelet.registrations.get() == first
        await plugin.registered.wait()
    assert (kubelet.directory / plugin.offer.socket_name).exists()


@pytest.mark.parametrize("fault", ["absent", "refuses"])
async def test_a_kubelet_that_does_not_take_the_registration_is_asked_again(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_module, "_BACK_OFF_S", (0.01, 0.02))
    device = tmp_path / "device"
    device.touch()
    plugin = DevicePlugin(DeviceNode(name="some", path=device, limit=2), tmp_path)
    refusing = grpc.aio.server()
    if fault == "refuses":
        refusing.add_insecure_port(f"unix://{tmp_path}/kubelet.sock")  # without the service: unimplemented
        await refusing.start()
    task = asyncio.create_task(plugin.run())
    async with asyncio.timeout(60):
        while not (tmp_path / "kubevirt-some.sock").exists():  # noqa: ASYNC110 - a file cannot be awaited
            await asyncio.sleep(0.01)
        assert not plugin.registered.is_set()
        await refusing.stop(grace=0)
        kubelet = Kubelet(tmp_path)
        await kubelet.server.start()
        await plugin.registered.wait()
        assert await kubelet.registrations.get()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await kubelet.server.stop(grace=0)


def test_registration_is_given_5_seconds_and_retried_after_1_2_5_and_10() -> None:
    assert plugin_module._REGISTER_LIMIT_S == 5.0
    assert plugin_module._BACK_OFF_S == (1.0, 2.0, 5.0, 10.0)


def test_a_missing_or_unusable_device_offers_nothing(tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.touch()
    assert DeviceNode(name="a", path=tmp_path / "absent").ids() == []
    assert DeviceNode(name="a", path=present, usable=lambda: False).ids() == []
    assert DeviceNode(name="a", path=tmp_path / "a.sock").ids() == []
    (tmp_path / "a.sock").touch()
    assert DeviceNode(name="a", path=tmp_path / "a.sock").ids() == [], "a file that should be a socket"


def test_a_device_can_be_given_1000_times(tmp_path: Path) -> None:
    ids = DeviceNode(name="kvm", path=tmp_path).ids()
    assert (ids[0], ids[-1], len(ids)) == ("kvm0", "kvm999", 1000)
    assert DeviceNode(name="kvm", path=tmp_path).socket_name == "kubevirt-kvm.sock"


def test_devices_that_every_node_has() -> None:
    assert [(d.resource, str(d.path)) for d in permanent_devices(kvm_usable=lambda: False)] == [
        ("devices.kubevirt.io/kvm", "/dev/kvm"), ("devices.kubevirt.io/tun", "/dev/net/tun"),
        ("devices.kubevirt.io/vhost-net", "/dev/vhost-net"),
    ]  # fmt: skip


SOCKET = "/var/run/kubevirt/daemons/pr/pr-helper.sock"


@pytest.mark.parametrize(("gates", "disabled", "devices"), [
    pytest.param([], ["WorkloadEncryptionSEV"], {"pr-helper": SOCKET}, id="reservations need no gate any more"),
    pytest.param([], [], {"sev": "/dev/sev", "pr-helper": SOCKET}, id="SEV is on unless refused"),
    pytest.param(["VSOCK"], ["WorkloadEncryptionSEV"], {"vhost-vsock": "/dev/vhost-vsock", "pr-helper": SOCKET},
                 id="VSOCK"),
    pytest.param(["WorkloadEncryptionTDX"], ["WorkloadEncryptionSEV"],
                 {"tdx": "/var/run/tdx-qgs/qgs.socket", "pr-helper": SOCKET}, id="TDX"),
    pytest.param(["IOMMUFD"], ["WorkloadEncryptionSEV"], {"pr-helper": SOCKET, "iommufd": "/dev/iommu"}, id="IOMMUFD"),
])  # fmt: skip
def test_devices_of_feature_gates(gates: list[str], disabled: list[str], devices: dict[str, str]) -> None:
    config = ClusterConfig(enabled_gates=gates, disabled_gates=disabled)
    assert {device.name: str(device.path) for device in gated_devices(config)} == devices


@pytest.mark.parametrize(("text", "keys"), [("sev 99\ntdx 15\n", 15), ("sev 99\n", 0), (None, 0)])
def test_tdx_guests_are_as_many_as_the_processor_has_keys(text: str | None, keys: int, tmp_path: Path) -> None:
    file = tmp_path / "misc.capacity"
    if text is not None:
        file.write_text(text)
    assert tdx_keys(file) == keys


def test_the_way_a_device_is_given() -> None:
    kvm = Allocation(files=["/dev/kvm"])
    assert b"/dev/kvm" in messages.allocate_response([kvm], "rwm")
    assert messages.allocate_response([kvm, kvm], "rw").count(b"rw") == 2
    mounted = messages.allocate_response([Allocation(directories=["/run/x"])], "rw")
    assert mounted == b"\x0a\x12\x12\x10\x0a\x06/run/x\x12\x06/run/x"
    told = messages.allocate_response([Allocation(environment={"KEY": "a,b"})], "rw")
    assert told == b"\x0a\x0c\x0a\x0a\x0a\x03KEY\x12\x03a,b", "as an entry of the kubelet's map, its first field"


@pytest.mark.parametrize(("cgroup2", "expected"), [(True, "rwm"), (False, "rw")])
def test_permissions_go_with_the_version_of_control_groups(
    cgroup2: bool, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "cgroup.controllers"
    if cgroup2:
        marker.touch()
    monkeypatch.setattr(nodes, "_CGROUP2_MARKER", marker)
    assert nodes.permissions() == expected


async def test_a_gate_brings_and_takes_its_device(kubelet: Kubelet) -> None:
    """Permanent plugins run from the start; one of a gate comes when the gate is turned on, and goes with it."""
    device, absent = kubelet.directory / "device", kubelet.directory / "absent"
    device.touch()
    gated: list[DeviceNode] = [DeviceNode(name="without", path=absent)]
    async with Tasks() as tasks, asyncio.timeout(60):
        keeper = Keeper(tasks, kubelet.directory, permanent=[DeviceNode(name="kvm", path=absent)],
                        asked_for=lambda: gated)
        tasks.spawn(keeper.run(), name="keeper")
        assert await kubelet.registrations.get() == messages.register_request(
            "kubevirt-kvm.sock", "devices.kubevirt.io/kvm")  # fmt: skip
        gated.append(DeviceNode(name="vhost-vsock", path=device))
        keeper.look_again()
        assert await kubelet.registrations.get() == messages.register_request(
            "kubevirt-vhost-vsock.sock", "devices.kubevirt.io/vhost-vsock")  # fmt: skip
        gated.clear()
        keeper.look_again()
        while (kubelet.directory / "kubevirt-vhost-vsock.sock").exists():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        assert (kubelet.directory / "kubevirt-kvm.sock").exists()
        assert kubelet.registrations.empty(), "a kind that the node lacks was never offered"


def test_every_message_of_the_contract_is_understood() -> None:
    text = resources.files("kubevirt.virt_handler.devices").joinpath("kubelet.proto").read_text()
    assert len(messages.file_message_names(text)) == len(re.findall(r"^message ", text, re.MULTILINE))
    assert messages.requested_devices(b"\x0a\x06\x0a\x04kvm0\x0a\x00") == [["kvm0"], []]
