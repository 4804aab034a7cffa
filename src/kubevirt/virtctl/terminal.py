"""The user's terminal while it belongs to a guest: raw mode, and bytes in both directions.

Standard input is read on the event loop where the loop can poll it (terminals, pipes); a plain file, which epoll
refuses, is read by a thread. Writes go to the file descriptor directly, so that a guest's bytes arrive as they are.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

READ_SIZE = 1024


@contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """Put the terminal into raw mode for the time of the block; without a terminal nothing happens."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSANOW)  # not the default, which throws away what was typed ahead
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def typed(descriptor: int, *, at_most: int = READ_SIZE) -> AsyncIterator[bytes]:
    """What is typed, in pieces of at most so many bytes, until the end of the input."""
    loop = asyncio.get_running_loop()
    while True:
        await _readable(loop, descriptor)
        data = os.read(descriptor, at_most)
        if not data:
            return
        yield data


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # a regular file cannot be polled, and is always readable
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def show(data: bytes) -> None:
    """Write the guest's bytes to standard output, all of them and at once."""
    descriptor = sys.stdout.fileno()
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            _wait_writable(descriptor)


def _wait_writable(descriptor: int) -> None:
    """A shell may leave the terminal non-blocking; wait until it takes more."""
    import select

    select.select([], [descriptor], [])
