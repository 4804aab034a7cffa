"""The launcher's side of its workshop: give it orders, let it go when the guest runs."""

import asyncio
import signal
import socket
from typing import TypeVar

import msgspec

from kubevirt.kit.errors import Problem
from kubevirt.launcher_link.messages import MAX_LINE_BYTES, Reply, Request
from kubevirt.launcher_link.streams import next_message
from kubevirt.launcher_link.wire import decode_body, encode_body, to_line
from kubevirt.virt_launcher.children import Child, Children
from kubevirt.virt_launcher.orders import (
    BUILD,
    DESCRIBE,
    SETTLE,
    BuildOrder,
    Built,
    Described,
    DescribeOrder,
    Settled,
    SettleOrder,
    SpareSlots,
)

_Answer = TypeVar("_Answer", bound=msgspec.Struct)

TIMEOUT_S = 100.0


class Workshop:
    """A running workshop process. Orders are given one after another."""

    def __init__(self, children: Children, child: Child, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._children = children
        self._child = child
        self._sock = sock
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def build(self, order: BuildOrder) -> Built:
        return await self._ask(BUILD, order, Built)

    async def settle(self, xml: str, spare: SpareSlots) -> str:
        return (await self._ask(SETTLE, SettleOrder(xml=xml, spare=spare), Settled)).xml

    async def describe(self, xml: str) -> Described:
        return await self._ask(DESCRIBE, DescribeOrder(xml=xml), Described)

    def close(self) -> None:
        """Let the process end, and with it what it keeps in memory."""
        if self._streams is not None:
            self._streams[1].close()
        else:
            self._sock.close()
        self._children.signal(self._child, signal.SIGTERM)

    async def _ask(self, verb: str, order: msgspec.Struct, answer: type[_Answer]) -> _Answer:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(sock=self._sock, limit=MAX_LINE_BYTES)
        reader, writer = self._streams
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer.write(to_line(Request(id=1, verb=verb, body=encode_body(order))))
                reply = await next_message(reader)
        except TimeoutError as error:
            raise _broken(f"its preparation took longer than {TIMEOUT_S:g} s") from error
        except OSError as error:
            raise _broken("the process that prepares it ended") from error
        if not isinstance(reply, Reply):
            raise _broken("the process that prepares it ended")
        if reply.error is not None:
            raise Problem(cause=reply.error.cause, field=reply.error.field, remedy=reply.error.remedy)
        return decode_body(answer, reply.body)


def _broken(cause: str) -> Problem:
    return Problem(
        cause=f"the machine could not be prepared: {cause}",
        remedy="see the log of the launcher pod's container 'compute'",
    )
