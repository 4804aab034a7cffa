"""The bytes of an upload: one POST with a token, repeated when it fails, with a new token when the old one is spent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec

from kubevirt.kit.json import JsonObject, dig
from kubevirt.virtctl.errors import CommandError
from kubevirt.virtctl.progress import Progress
from kubevirt.virtctl.session import Session
from kubevirt.virtctl.upload.order import Order, token_request

CHUNK = 1024 * 1024
TOKENS = 3
LONGEST_PAUSE_S = 2.0
PLACES = ("/v1beta1/upload-async", "/v1beta1/upload")


async def send_file(session: Session, order: Order, url: str) -> None:
    """POST the file. Raises CommandError with the server's last answer."""
    token = await _token(session, order)
    tokens = 1
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for attempt in range(order.retry + 1):
            try:
                status, text = await _post(http, order, url, token, session.progress)
            except (aiohttp.ClientError, TimeoutError) as e:
                status, text = 0, str(e) or type(e).__name__
            if status == 200:
                return
            problem = f"unexpected return value {status}, {text}" if status else text
            if attempt == order.retry:
                break
            if status == 401:
                if tokens == TOKENS:
                    raise CommandError(f"authentication failed: {problem}")
                token, tokens = await _token(session, order), tokens + 1
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 - not a secret
    raise CommandError(f"error uploading image after {order.retry} retries: {problem}" if order.retry else problem)


async def _post(http: aiohttp.ClientSession, order: Order, url: str, token: str, shown: Progress) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    trusted = not order.insecure
    async with http.head(url + PLACES[0], headers=headers, ssl=trusted) as answer:
        place = PLACES[0] if answer.status == 200 else PLACES[1]
    size = Path(order.path).stat().st_size
    headers |= {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    body = _chunks(order.path, size, shown)
    async with http.post(url + place, data=body, headers=headers, ssl=trusted) as answer:
        return answer.status, (await answer.text()).strip()


async def _chunks(path: str, size: int, shown: Progress) -> AsyncIterator[bytes]:
    with Path(path).open("rb") as file:  # noqa: ASYNC230 - the page cache is ahead of any network
        while data := file.read(CHUNK):
            yield data
            shown.moved(len(data), size)


async def _token(session: Session, order: Order) -> str:
    path = f"/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/{session.namespace}/uploadtokenrequests"
    body = await session.client.raw("POST", path, body=msgspec.json.encode(token_request(order.name)))
    return str(dig(msgspec.json.decode(body, type=JsonObject), "status", "token") or "")
