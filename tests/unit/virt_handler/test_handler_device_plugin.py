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

from kubevirt.virt_handler.devices import messages
from kubevirt.virt_handler.devices.nodes import DeviceNode, permanent_devices
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


async def test_a_device_is_registered_listed_and_allocated(kubelet: Kubelet, plugin: DevicePlugin) -> None:
    async with asyncio.timeout(10):
        request = await kubelet.registrations.get()
    assert request == messages.register_request("kubevirt-some.sock", "devices.kubevirt.io/some")
    async with grpc.aio.insecure_channel(f"unix://{kubelet.directory}/kubevirt-some.sock") as channel:
        lists = channel.unary_stream("/v1beta1.DevicePlugin/ListAndWatch", bytes, bytes)(b"")
        assert await lists.read() == messages.device_list(["some0", "some1"])
        allocate = channel.unary_unary("/v1beta1.DevicePlugin/Allocate", bytes, bytes)
        answer = await allocate(b"\x0a\x07\x0a\x05some1")
        assert str(plugin.node.path).encode() in answer

        plugin.node.path.unlink()
        assert await lists.read() == b"", "a device whose file is gone is offered no more"
        with pytest.raises(grpc.aio.AioRpcError, match="not usable on this node"):
            await allocate(b"\x0a\x07\x0a\x05some1")

        plugin.node.path.touch()
        assert await lists.read() == messages.device_list(["some0", "some1"])
        lists.cancel()


async def test_a_restarted_kubelet_is_registered_with_again(kubelet: Kubelet, plugin: DevicePlugin) -> None:
    async with asyncio.timeout(10):
        first = await kubelet.registrations.get()
        (kubelet.directory / plugin.node.socket_name).unlink()
        assert await kubelet.registrations.get() == first
        await plugin.registered.wait()
    assert (kubelet.directory / plugin.node.socket_name).exists()


def test_a_missing_or_unusable_device_offers_nothing(tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.touch()
    assert DeviceNode(name="a", path=tmp_path / "absent").ids() == []
    assert DeviceNode(name="a", path=present, usable=lambda: False).ids() == []
    assert len(DeviceNode(name="a", path=present).ids()) == 1000
    assert [d.resource for d in permanent_devices(kvm_usable=lambda: False)] == [
        "devices.kubevirt.io/kvm", "devices.kubevirt.io/tun", "devices.kubevirt.io/vhost-net",
    ]  # fmt: skip


def test_every_message_of_the_contract_is_understood() -> None:
    text = resources.files("kubevirt.virt_handler.devices").joinpath("kubelet.proto").read_text()
    assert len(messages.file_message_names(text)) == len(re.findall(r"^message ", text, re.MULTILINE))
    assert messages.requested_devices(b"\x0a\x06\x0a\x04kvm0\x0a\x00") == [["kvm0"], []]
