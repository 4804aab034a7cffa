"""Bytes over HTTPS with a token, to a file or to standard output, unpacked on the way where that was asked for.

A session of its own, not the API client's: other servers, other authorities, and answers without end.
"""

from __future__ import annotations

import ssl
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import aiohttp

from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.export.links import Link
from kubevirt.virtctl.progress import Progress

CHUNK = 1024 * 1024
TOKEN_HEADER = "x-kubevirt-export-token"  # noqa: S105 - a header's name


class BadStatus(CommandError):
    """The server answered, and not with the bytes."""


@contextmanager
def opened(output: str) -> Iterator[IO[bytes]]:
    """The file to write to; `-` is standard output."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("wb") as file:
            yield file
    except OSError as e:
        raise CommandError(f"open {output}: {(e.strerror or str(e)).lower()}") from e


async def fetch(link: Link, headers: Mapping[str, str], to: IO[bytes], shown: Progress, *, unpack: bool, trust_all: bool
                ) -> None:
    """Copy the link's bytes. Raises BadStatus, or CommandError when the server cannot be reached."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if unpack else None
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as http,
            http.get(link.url, headers=dict(headers), ssl=_tls(link, trust_all=trust_all)) as answer,
        ):
            if answer.status != 200:
                raise BadStatus(f"Bad status: {answer.status} {answer.reason}")
            async for chunk in answer.content.iter_chunked(CHUNK):
                to.write(unpacker.decompress(chunk) if unpacker is not None else chunk)
                shown.moved(len(chunk), answer.content_length or 0)
            if unpacker is not None:
                to.write(unpacker.flush())
    except (aiohttp.ClientError, TimeoutError) as e:
        raise CommandError(f'Get "{link.url}": {e or type(e).__name__}') from e
    except zlib.error as e:
        raise CommandError(f"the downloaded data cannot be decompressed: {e}") from e


def _tls(link: Link, *, trust_all: bool) -> ssl.SSLContext | bool:
    if trust_all:
        return False
    return ssl.create_default_context(cadata=link.certificate) if link.certificate else True
