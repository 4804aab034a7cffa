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

_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


async def connect(trusted: Path, *way: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the Unix socket at `way` below the directory `trusted`. Raises OSError."""
    file = _open(trusted, way)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, f"/proc/self/fd/{file}")
        return await asyncio.open_unix_connection(sock=connection)
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(file)


def _open(trusted: Path, way: tuple[str, ...]) -> int:
    here = os.open(trusted, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in way[:-1]:
            below = os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(way[-1], _FLAGS, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISSOCK(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{way[-1]} is not a socket")
    return file
