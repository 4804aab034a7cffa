"""Nothing of an instance stays in virt-handler: descriptors, tasks and threads over hundreds of launchers that came and
went in all the ways they do, with the real link; device plugins over restarts of the kubelet.

Networks are looked at in test_handler_network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import handler_held
import pytest
from handler_held import assert_nothing_stays

from kubevirt.kit.tasks import Tasks
from kubevirt.launcher_link.messages import DomainEvent
from kubevirt.launcher_link.server import LinkServer
from kubevirt.machine.domain_report import DomainReport
from kubevirt.virt_handler.devices import plugin as plugin_module
from kubevirt.virt_handler.devices.nodes import DeviceNode
from kubevirt.virt_handler.devices.plugin import DevicePlugin
from kubevirt.virt_handler.instances.launchers import Launchers, LinkState

REPORT = DomainReport(namespace="n", name="a", uid="u", state="Running")
WARM = 5
PATIENCE_S = 120.0
"""A machine that runs tests may be very slow."""


def held() -> dict[str, int]:
    """What this process and its event loop hold."""
    return {**handler_held.held(), "tasks": len(asyncio.all_tasks())}


def pod_dir(pods: Path, uid: str) -> Path:
    sockets = pods / uid / "volumes/kubernetes.io~empty-dir/sockets"
    sockets.mkdir(parents=True)
    return sockets


@contextlib.asynccontextmanager
async def a_launcher(pods: Path, uid: str) -> AsyncIterator[LinkServer]:
    server = LinkServer({}, current=lambda: DomainEvent(report=REPORT), software="virt-launcher/test")
    sockets = pod_dir(pods, uid)
    try:
        directory = os.open(sockets, os.O_PATH)  # the path itself is longer than a socket address may be
        try:
            async with server.serving(Path(f"/proc/self/fd/{directory}/launcher-sock")):
                yield server
        finally:
            os.close(directory)
    finally:
        shutil.rmtree(pods / uid)


class Node:
    """The followers of a node, and news of them."""

    def __init__(self, tasks: Tasks, pods: Path) -> None:
        self.pods = pods
        self.news = asyncio.Event()
        self.launchers = Launchers(tasks, pods, software="test", on_change=lambda _key: self.news.set(),
                                   on_guest_event=lambda _key, _event: None)  # fmt: skip

    async def until(self, key: str, state: LinkState) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (launcher := self.launchers.get(key)) is None or launcher.state is not state:
                self.news.clear()
                await self.news.wait()

    async def ends_while_followed(self, key: str) -> None:
        async with a_launcher(self.pods, key):
            self.launchers.follow(key, "u", key)
            await self.until(key, LinkState.OPEN)
        await self.until(key, LinkState.LOST)
        self.launchers.forget(key)

    async def is_forgotten_first(self, key: str) -> None:
        async with a_launcher(self.pods, key):
            self.launchers.follow(key, "u", key)
            await self.until(key, LinkState.OPEN)
            self.launchers.forget(key)

    async def never_comes(self, key: str) -> None:
        pod_dir(self.pods, key)
        self.launchers.follow(key, "u", key)
        await asyncio.sleep(0)
        self.launchers.forget(key)
        shutil.rmtree(self.pods / key)

    async def is_silent(self, key: str) -> None:
        """Accepts the connection and says nothing, as a launcher that is stopped (SIGSTOP) does."""
        directory = os.open(pod_dir(self.pods, key), os.O_PATH)
        dialled = asyncio.Event()

        async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            dialled.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(silence, f"/proc/self/fd/{directory}/launcher-sock")
        self.launchers.follow(key, "u", key)
        async with asyncio.timeout(PATIENCE_S):
            await dialled.wait()
        self.launchers.forget(key)
        server.close()
        os.close(directory)
        shutil.rmtree(self.pods / key)

    async def is_replaced(self, key: str) -> None:
        """The name was given anew before the old launcher had gone."""
        async with a_launcher(self.pods, f"{key}-old"), a_launcher(self.pods, f"{key}-new"):
            self.launchers.follow(key, "u1", f"{key}-old")
            await self.until(key, LinkState.OPEN)
            self.launchers.follow(key, "u2", f"{key}-new")
            await self.until(key, LinkState.OPEN)
            self.launchers.forget(key)


async def settled() -> dict[str, int]:
    """What is held once cancelled tasks and closed transports have had their turn."""
    async with asyncio.timeout(PATIENCE_S):
        before, same = held(), 0
        while same < 20:
            await asyncio.sleep(0.001)
            now = held()
            same = same + 1 if now == before else 0
            before = now
    return before


@pytest.mark.parametrize(("life", "starts"), [("ends_while_followed", 40), ("is_forgotten_first", 200),
                                              ("never_comes", 40), ("is_silent", 40), ("is_replaced", 20)])
async def test_launchers_come_and_go_without_a_trace(life: str, starts: int, tmp_path: Path) -> None:
    async with Tasks() as tasks:
        node = Node(tasks, tmp_path)
        for number in range(WARM):
            await getattr(node, life)(f"warm-{number}")
        before = await settled()
        for number in range(starts):
            await getattr(node, life)(f"pod-{number}")
        assert_nothing_stays(before, await settled(), starts)


async def test_a_kubelet_that_restarts_leaves_no_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "_LOOK_EVERY_S", 0.01)
    registered: asyncio.Queue[bytes] = asyncio.Queue()

    async def register(request: bytes, _context: object) -> bytes:
        await registered.put(request)
        return b""

    kubelet = grpc.aio.server()
    kubelet.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "v1beta1.Registration", {"Register": grpc.unary_unary_rpc_method_handler(register)}),))  # fmt: skip
    kubelet.add_insecure_port(f"unix://{tmp_path}/kubelet.sock")
    await kubelet.start()
    (tmp_path / "device").touch()
    plugin = DevicePlugin(DeviceNode(name="some", path=tmp_path / "device", limit=2), tmp_path)

    async def restart() -> None:
        await registered.get()
        await plugin.registered.wait()
        (tmp_path / "kubevirt-some.sock").unlink()

    task = asyncio.create_task(plugin.run())
    async with asyncio.timeout(60):
        for _ in range(2):
            await restart()
        before = held()["descriptors"]
        for _ in range(20):
            await restart()
    assert held()["descriptors"] <= before + 2, "a server less or more may be on its way"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await kubelet.stop(grace=0)
