"""A device plugin: offers one kind of device to the kubelet, for as long as virt-handler runs.

The kubelet removes all plugin sockets when it starts and forgets every registration, so a plugin watches its own
socket: when it is gone, serve a new one and register again. The same look finds a device that came or went, and
tells the kubelet through the open ListAndWatch stream. Looking once a second at a few files costs nothing measurable
and needs no inotify set-up that could itself be lost.

Which devices exist is `nodes.py` and `permitted.py`; the bytes on the wire are `messages.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.virt_handler.devices import messages
from kubevirt.virt_handler.devices.nodes import permissions
from kubevirt.virt_handler.devices.offer import Offer

KUBELET_SOCKET = "kubelet.sock"
_REGISTER_LIMIT_S = 5.0
_LOOK_EVERY_S = 1.0
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0)

log = logs.get("device-plugin")


class DevicePlugin:
    """Serves one device kind below the kubelet's plugin directory; run `run()` as a task and cancel it to stop."""

    def __init__(self, offer: Offer, directory: Path) -> None:
        self.offer = offer
        self.registered = asyncio.Event()
        self._directory = directory
        self._socket = directory / offer.socket_name
        self._offered: list[str] = []
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Serve and stay registered until cancelled; failures are retried after 1, 2, 5 and then each 10 s."""
        attempt = 0
        while True:
            try:
                await self._serve_until_forgotten()
                attempt = 0
            except (OSError, grpc.aio.AioRpcError) as e:
                wait_s = _BACK_OFF_S[min(attempt, len(_BACK_OFF_S) - 1)]
                attempt += 1
                log.warning("device plugin could not register", device=self.offer.name, error=_words(e), retry_s=wait_s)
                await asyncio.sleep(wait_s)

    async def _serve_until_forgotten(self) -> None:
        """One life of the socket: from its creation to the moment the kubelet has removed it."""
        self._socket.unlink(missing_ok=True)
        self._offered = self.offer.ids()
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._handlers(),))
        server.add_insecure_port(f"unix://{self._socket}")
        await server.start()
        try:
            await self._register()
            self.registered.set()
            log.info("device plugin registered", device=self.offer.name, offered=len(self._offered))
            while self._socket.exists():
                await self._notice_change()
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            self.registered.clear()
            await server.stop(grace=0)

    async def _register(self) -> None:
        async with grpc.aio.insecure_channel(f"unix://{self._directory / KUBELET_SOCKET}") as channel:
            call = channel.unary_unary(f"/{messages.VERSION}.Registration/Register", bytes, bytes)
            request = messages.register_request(self.offer.socket_name, self.offer.resource)
            await call(request, timeout=_REGISTER_LIMIT_S)

    async def _notice_change(self) -> None:
        ids = self.offer.ids()
        if ids != self._offered:
            log.info("device changed", device=self.offer.name, offered=len(ids))
            async with self._changed:
                self._offered = ids
                self._changed.notify_all()

    def _handlers(self) -> grpc.GenericRpcHandler[bytes, bytes]:
        return grpc.method_handlers_generic_handler(
            f"{messages.VERSION}.DevicePlugin",
            {
                "GetDevicePluginOptions": grpc.unary_unary_rpc_method_handler(self._options),
                "ListAndWatch": grpc.unary_stream_rpc_method_handler(self._list_and_watch),
                "GetPreferredAllocation": grpc.unary_unary_rpc_method_handler(self._nothing),
                "Allocate": grpc.unary_unary_rpc_method_handler(self._allocate),
                "PreStartContainer": grpc.unary_unary_rpc_method_handler(self._nothing),
            },
        )

    async def _options(self, _request: bytes, _context: object) -> bytes:
        return messages.options()

    async def _nothing(self, _request: bytes, _context: object) -> bytes:
        return messages.empty()

    async def _list_and_watch(self, _request: bytes, _context: object) -> AsyncIterator[bytes]:
        offered = self._offered
        yield messages.device_list(offered)
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._offered != offered)  # noqa: B023 - read before it changes
                offered = self._offered
            yield messages.device_list(offered)

    async def _allocate(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            allotted = [self.offer.allocate(ids) for ids in messages.requested_devices(request)]
        except Problem as e:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(e))
        return messages.allocate_response(allotted, permissions())


def _words(error: OSError | grpc.aio.AioRpcError) -> str:
    return error.details() or str(error.code()) if isinstance(error, grpc.aio.AioRpcError) else str(error)
