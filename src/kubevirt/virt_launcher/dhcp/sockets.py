"""What the servers on an in-pod bridge share, whatever they speak: the way from a socket's datagrams to an answer."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

MAX_BYTES = 4096


@contextlib.contextmanager
def answered(sock: socket.socket, answer: Callable[[bytes, tuple[object, ...]], None]) -> Iterator[None]:
    """Gives every datagram and its sender to `answer` while inside; closes the socket, which does not block, after."""
    loop = asyncio.get_running_loop()

    def ready() -> None:
        with contextlib.suppress(BlockingIOError):
            answer(*sock.recvfrom(MAX_BYTES))

    with sock:
        loop.add_reader(sock, ready)
        try:
            yield
        finally:
            loop.remove_reader(sock)
