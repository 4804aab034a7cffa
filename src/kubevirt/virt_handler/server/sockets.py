"""Connecting to QEMU's sockets inside a launcher's volume, which the launcher can write to and is therefore not
trusted.

Every directory on the way and the socket itself are opened without following symbolic links, and the connection is
made through the open socket file. That also lifts the limit of 107 bytes on socket addresses, which the kubelet's
paths exceed.
"""

import asyncio
import os
import socket
import stat
from pathlib import Path

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


async def connect(trusted: Path, *way: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the Unix socket at `way` below the directory `trusted`. Raises OSError."""
    file = open_beneath(trusted, way, os.O_PATH)
    try:
        if not stat.S_ISSOCK(os.fstat(file).st_mode):
            raise OSError(f"{way[-1]} is not a socket")
        return await _connect(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
        return await asyncio.open_unix_connection(sock=connection)
    except BaseException:
        connection.close()
        raise


def open_beneath(trusted: Path, way: tuple[str, ...], flags: int) -> int:
    """A descriptor of the file at `way` below the directory `trusted`, without following any link. Raises OSError."""
    here = os.open(trusted, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in way[:-1]:
            below = os.open(name, _FLAGS | os.O_PATH | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        return os.open(way[-1], _FLAGS | flags, dir_fd=here)
    finally:
        os.close(here)
